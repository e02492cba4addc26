"""A map of a pool in two dimensions with what was chosen from it: features and samples go in, a picture comes out (PNG, SVG or HTML)."""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, MissingExtra
from isocenter.core.files import draft
from isocenter.core.workspace import Workspace
from isocenter.curate.columns import column_values
from isocenter.curate.features import features_of
from isocenter.curate.traits import trait
from isocenter.harmonize.cohort import Cohort

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")     # Okabe and Ito 2008, told apart by colour-blind people
MARKS = ("o", "s", "^", "D", "v", "P", "X")
OTHER, NEIGHBOURS_UP_TO, SHOWN_UP_TO = "other", 5_000, 20_000
FORMS = (".png", ".svg", ".html")


@dataclass(frozen=True, slots=True)
class Map:
    """(n, 2) places of the pool's samples; which were chosen; the group that each is coloured by; how the places were found."""

    places: NDArray[np.float64]
    chosen: NDArray[np.bool_]
    groups: tuple[str, ...]
    method: str
    title: str
    column: str


def map_of(workspace: Workspace, pool: Cohort, chosen: Cohort, encoder: str, *, column: str | None = None, seed: int = 0) -> Map:
    """Places by neighbourhood (t-SNE, up to 5,000 samples where scikit-learn is installed), else by the two directions of largest variance.

    Above 20,000 samples, the chosen ones and a random part of the others are shown. column: what colours, `label` or a column; by default the
    datasets if there are several, else the labels. Features are made if they are missing.
    """
    column = column or ("dataset" if pool.table["dataset"].n_unique() > 1 else "label")
    found = features_of(workspace, pool, encoder)
    picked = set(chosen.table["sample_id"].to_list())
    ids = np.array(pool.table["sample_id"].to_list(), object)[found.positions]
    inside = np.array([one in picked for one in ids], bool)
    rows = _shown(inside, seed)
    places, method = _places(found.rows[rows], seed)
    values = column_values(workspace, pool, column, {})[found.positions[rows]]
    groups = ["+".join(trait(column, value)) or "no label" for value in values]
    how = f"{method} of {encoder} features" + ("" if len(rows) == len(ids) else f", {len(rows):,} of {len(ids):,} samples shown")
    title = f"{chosen.name}: {int(inside.sum()):,} of {len(pool):,} samples of {pool.name}"
    return Map(places, inside[rows], _largest(groups), how, title, column)


def _shown(inside: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    if len(inside) <= SHOWN_UP_TO:
        return np.arange(len(inside))
    others = np.random.default_rng(seed).permutation(np.flatnonzero(~inside))[:max(0, SHOWN_UP_TO - int(inside.sum()))]
    return np.sort(np.concatenate([np.flatnonzero(inside), others]))


def _places(features: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float64], str]:
    from isocenter.embeddings.kernels.principal import joint_principal

    if len(features) < 3:
        raise BadInput(f"{len(features)} samples make no map", hint="three or more that can be encoded")
    reduced, _ = joint_principal(features, features[:0], 50)
    if len(features) <= NEIGHBOURS_UP_TO and len(features) > 10:
        try:
            from sklearn.manifold import TSNE  # type: ignore[import-untyped]
        except ImportError:
            pass
        else:
            found = TSNE(2, init="pca", perplexity=min(30, (len(features) - 1) / 3), random_state=seed, n_jobs=1).fit_transform(reduced.astype(np.float32))
            return np.asarray(found, np.float64), "t-SNE"
    return reduced[:, :2], "principal directions"


def _largest(groups: list[str]) -> tuple[str, ...]:
    """Group of every sample; groups beyond the palette become `other`."""
    order = sorted(set(groups), key=lambda name: (-groups.count(name), name))
    if len(order) <= len(COLOURS):
        return tuple(groups)
    named = set(order[:len(COLOURS) - 1])
    return tuple(name if name in named else OTHER for name in groups)


def draw(found: Map, path: Path) -> Path:
    """Write the map as `.png`, `.svg` or `.html` (one file, nothing loaded from elsewhere). Raises BadInput for another ending."""
    if path.suffix.lower() not in FORMS:
        raise BadInput(f"{path.name}: a map ends in {', '.join(FORMS)}", hint="--map pool.png")
    body = picture(found, "png" if path.suffix.lower() == ".png" else "svg")
    if path.suffix.lower() == ".html":
        image = body.decode()
        body = (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(found.title)}</title>'
                f'<body style="margin:24px;font-family:sans-serif">{image[image.index("<svg"):]}</body></html>').encode()
    with draft(path) as temporary:
        temporary.write_bytes(body)
    return path


def picture(found: Map, form: str) -> bytes:
    """The map as bytes of a PNG or SVG: chosen samples filled, the others hollow; a colour and a mark per group. Raises MissingExtra without matplotlib."""
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtra("maps need matplotlib", hint="pip install isocenter[plots]") from error
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "isocenter"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9.5, 6.5), layout="constrained")
    groups, size = np.array(found.groups, object), float(np.clip(6_000 / len(found.groups), 5, 46))
    order = sorted(set(found.groups), key=lambda name: (name == OTHER, -found.groups.count(name), name))
    for number, name in enumerate(order):
        own, colour, mark = groups == name, COLOURS[number], MARKS[number]
        left, taken = own & ~found.chosen, own & found.chosen
        axes.scatter(*found.places[left].T, s=0.7 * size, marker=mark, facecolors="none", edgecolors=colour, linewidths=0.8, alpha=0.55, zorder=2)
        axes.scatter(*found.places[taken].T, s=size, marker=mark, color=colour, edgecolors="white", linewidths=0.5, zorder=3)
        axes.scatter([], [], s=46, marker=mark, color=colour, label=f"{_short(name)}  {int(taken.sum()):,} of {int(own.sum()):,}")
    axes.scatter([], [], s=46, marker="o", facecolors="none", edgecolors="0.35", label=f"hollow: not chosen ({int((~found.chosen).sum()):,})")
    axes.legend(title=f"{found.column}: chosen of all", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, title_fontsize=9, alignment="left")
    axes.set_title(found.title, loc="left", fontsize=12, fontweight="bold")
    axes.set_xlabel(f"{found.method}; near points look alike, the axes have no unit", fontsize=9, color="0.35", loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("0.85")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=140, metadata={"Date": None} if form == "svg" else None)
    pyplot.close(figure)
    return buffer.getvalue()


def _short(name: str) -> str:
    return name if len(name) <= 36 else name[:35] + "…"
