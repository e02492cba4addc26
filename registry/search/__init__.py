"""Search of the catalog: a query in words goes in; datasets that fit, near misses and facet counts come out."""
