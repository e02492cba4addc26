"""One TOML file per published standardisation; `isocenter.harmonize.geometry.preset` reads them."""
