"""Compare volumes as volumes: reduced volumes go in, judged pairs come out, whatever axes, file format or window they came in.

Candidates share their grey-value histogram or radial power spectrum, which no rotation or shift changes, or correlate as coarse
cubes in one of the 48 ways that axes can be exchanged and turned round. A pair is tried in these ways (correlation by FFT),
registered affinely (Gauss-Newton, with gain and offset), and judged like a picture: by the correlation of fine detail, as a median
over blocks, after alignment.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.picture import Net, Pair, Picture, Verdict
from isocenter.curate.duplicates.workers import Pool

LONGEST = 64                       # voxels of a reduced volume
CUBE, CONTENT = 32, 24             # FFT search: cube and content in voxels
SCREEN, SCREEN_CONTENT = 20, 18    # the same for the screen of all with all
SCREENED = 150                     # volumes, nearest by descriptors, that a volume is screened against
NEAREST = 6                        # candidates per volume from each descriptor and from the screen
TRIED = 3                          # orientations registered per pair
SAME, DIFFERENT = 0.82, 0.72       # detail at and above which one volume, and below which two
ALWAYS = 24                        # volumes up to which every pair is tried
OVERLAP = 0.2
LEVELS = ((2.5, 3, 15), (1.2, 2, 12), (0.7, 2, 6))   # sigma in voxels, stride of the sample grid, rounds

Volume = NDArray[np.float32]
Affine = NDArray[np.float64]


def reduce(pixels: NDArray[Any], spacing_mm: tuple[float, ...] | None) -> Volume:
    """Isotropic (as far as the spacing is known), longest side at most 64, grey values of the central 99 % on 0 … 1."""
    from scipy.ndimage import gaussian_filter, zoom

    volume = np.nan_to_num(pixels.astype(np.float32))
    low, high = np.percentile(volume, [0.5, 99.5])
    volume = ((volume - low) / max(float(high - low), 1e-6)).clip(0, 1)
    known = tuple(spacing_mm[:3]) if spacing_mm else ()
    spacing = np.array(known if len(known) == 3 and min(known) > 0 else (1.0, 1.0, 1.0))
    extent = np.array(volume.shape) * spacing
    step = max(float(extent.max()) / LONGEST, float(spacing.min()))
    factors = spacing / step
    volume = gaussian_filter(volume, np.where(factors < 0.9, 0.5 * np.sqrt(np.maximum(1 / factors**2 - 1, 0)), 0))
    return np.asarray(zoom(volume, factors, order=1, grid_mode=True, mode="nearest"), np.float32)


def compare_all(pictures: Sequence[Picture], paths: Sequence[Path], pool: Pool) -> list[Pair]:
    """Judged pairs of volumes, those that came near; `paths` hold what `reduce` gave."""
    volumes = [np.load(path)["volume"] for path in paths]
    pairs = candidates(volumes, pool)
    step = 4
    jobs = [([(i, j, volumes[i], volumes[j]) for i, j in pairs[start:start + step]]) for start in range(0, len(pairs), step)]
    judged = list(pool.each(_compare_chunk, jobs, "compare volumes closely", len(pairs)))
    return [_pair(pictures[i], pictures[j], detail, matrix) for i, j, detail, matrix in judged if detail > DIFFERENT - 0.2]


def candidates(volumes: Sequence[Volume], pool: Pool) -> list[tuple[int, int]]:
    """Pairs (i < j) that are near in histogram, radial spectrum or as coarse cubes; all pairs of a few volumes."""
    count = len(volumes)
    if count <= ALWAYS:
        return [(i, j) for i in range(count) for j in range(i + 1, count)]
    distances = []
    for describe in (_histogram, _spectrum):
        rows = np.stack([describe(volume) for volume in volumes])
        rows = (rows - rows.mean(0)) / (rows.std(0) + 1e-6)
        distances.append(np.maximum((rows**2).sum(1)[:, None] + (rows**2).sum(1) - 2 * rows @ rows.T, 0))
    near = np.minimum(*(np.argsort(np.argsort(d, axis=1), axis=1) for d in distances))
    cubes = np.stack([_cube(volume, LONGEST, SCREEN, SCREEN_CONTENT) for volume in volumes])
    jobs = [(cubes, i, np.flatnonzero(near[i] <= SCREENED)) for i in range(count)]
    alike = np.stack(list(pool.map(_screen, jobs, "compare volumes coarsely")))
    found: set[tuple[int, int]] = set()
    for order in (*distances, -np.maximum(alike, alike.T)):
        np.fill_diagonal(order, np.inf)
        for i, others in enumerate(np.argpartition(order, NEAREST, axis=1)[:, :NEAREST]):
            found |= {(min(i, int(j)), max(i, int(j))) for j in others}
    return sorted(found)


def _screen(job: tuple[NDArray[np.float32], int, NDArray[np.int64]]) -> NDArray[np.float32]:
    """Best correlation of cube i, in all 48 ways, with the cubes of the others; -1 for those not asked for."""
    from scipy.fft import irfftn, rfftn

    cubes, i, others = job
    ways = [cubes[i].transpose(order)[tuple(slice(None, None, s) for s in signs)] for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
    turned = rfftn(np.stack(ways), axes=(1, 2, 3))
    best = np.full(len(cubes), -1.0, np.float32)
    for j in others:
        if j != i:
            best[j] = np.abs(irfftn(turned * np.conj(rfftn(cubes[j])), cubes.shape[1:], axes=(1, 2, 3))).max()
    return best


def align(fixed: Volume, moving: Volume) -> tuple[float, Affine]:
    """(detail, matrix): median block correlation of fine detail, and the (3, 4) affine from indices of `fixed` to those of `moving`."""
    coarse = [_register(fixed, moving, start, LEVELS[:1]) for start in orientations(fixed, moving)[:TRIED]]
    matrix = _register(fixed, moving, max(coarse, key=lambda m: _agreement(fixed, moving, m)), LEVELS[1:])
    return _detail(fixed, moving, matrix), matrix


def orientations(fixed: Volume, moving: Volume) -> list[Affine]:
    """Affine starts for all signed permutations of axes, best correlation first."""
    from scipy.fft import irfftn, rfftn

    small_f, scale = _cube(fixed, max(fixed.shape)), max(fixed.shape) / CONTENT
    spectrum = np.conj(rfftn(small_f))
    found: list[tuple[float, Affine]] = []
    small_m = _cube(moving, max(fixed.shape))
    for order in permutations(range(3)):
        turned = small_m.transpose(order)
        for signs in product((1, -1), repeat=3):
            shown = turned[tuple(slice(None, None, s) for s in signs)]
            scores = irfftn(rfftn(shown) * spectrum, shown.shape)
            place = np.unravel_index(int(np.abs(scores).argmax()), scores.shape)
            shift = np.array([p - CUBE if p > CUBE // 2 else p for p in place], np.float64) * scale
            found.append((float(np.abs(scores[place])), _start(fixed, moving, order, signs, shift)))
    return [matrix for _, matrix in sorted(found, key=lambda item: -item[0])]


def _start(fixed: Volume, moving: Volume, order: tuple[int, ...], signs: tuple[int, ...], shift: NDArray[np.float64]) -> Affine:
    """Index of fixed → index of moving: about the centres, axes in `order` and `signs`, after a shift in the turned frame."""
    turn = np.zeros((3, 3))
    for axis, (source, sign) in enumerate(zip(order, signs)):
        turn[source, axis] = sign
    centre_f, centre_m = (np.array(fixed.shape) - 1) / 2, (np.array(moving.shape) - 1) / 2
    return np.c_[turn, centre_m - turn @ (centre_f - shift)]


def _cube(volume: Volume, longest: int, side: int = CUBE, content: int = CONTENT) -> Volume:
    """Coarse band-passed content in the middle of a cube of unit energy; `longest` voxels become `content`."""
    from scipy.ndimage import gaussian_filter, zoom

    factor = content / longest
    small = zoom(gaussian_filter(volume, 0.5 / factor), factor, order=1, grid_mode=True, mode="nearest")
    small = gaussian_filter(small, 0.7) - gaussian_filter(small, 4.0)
    cube = np.zeros((side,) * 3, np.float32)
    cut = [min(length, side) for length in small.shape]
    inner = tuple(slice((length - c) // 2, (length - c) // 2 + c) for length, c in zip(small.shape, cut))
    place = tuple(slice((side - c) // 2, (side - c) // 2 + c) for c in cut)
    cube[place] = small[inner]
    return cube / max(float(np.linalg.norm(cube)), 1e-6)


def _register(fixed: Volume, moving: Volume, matrix: Affine, levels: Sequence[tuple[float, int, int]]) -> Affine:
    """Affine registration with gain and offset, coarse to fine."""
    from scipy.ndimage import gaussian_filter

    for sigma, stride, rounds in levels:
        target, source = gaussian_filter(fixed, sigma), gaussian_filter(moving, sigma)
        grid = np.stack(np.meshgrid(*(np.arange(stride // 2, side, stride) for side in fixed.shape), indexing="ij"), -1).reshape(-1, 3)
        wanted, slopes = target[tuple(grid.T)], [np.asarray(slope, np.float32) for slope in np.gradient(source)]
        for _ in range(rounds):
            step = _step(grid, wanted, source, slopes, matrix)
            if step is None:
                break
            matrix = matrix + step
            if np.abs(step[:, :3]).max() * max(fixed.shape) < 0.02 and np.abs(step[:, 3]).max() < 0.02:
                break
    return matrix


def _agreement(fixed: Volume, moving: Volume, matrix: Affine) -> float:
    """Correlation of grey values on a sparse grid where both volumes are."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    grid = np.stack(np.meshgrid(*(np.arange(1, side, 3) for side in fixed.shape), indexing="ij"), -1).reshape(-1, 3)
    at = grid @ matrix[:, :3].T + matrix[:, 3]
    inside = ((at >= 0) & (at <= np.array(moving.shape) - 1)).all(1)
    if inside.sum() < OVERLAP * len(grid):
        return -1.0
    one = gaussian_filter(fixed, 1.5)[tuple(grid[inside].T)]
    two = map_coordinates(gaussian_filter(moving, 1.5), at[inside].T, order=1)
    return abs(float(np.corrcoef(one, two)[0, 1])) if one.std() > 0 and two.std() > 0 else -1.0


def _step(grid: NDArray[np.int64], wanted: Volume, source: Volume, slopes: Sequence[Volume], matrix: Affine) -> Affine | None:
    from scipy.ndimage import map_coordinates

    at = grid @ matrix[:, :3].T + matrix[:, 3]
    inside = ((at >= 0) & (at <= np.array(source.shape) - 1)).all(1)
    if inside.sum() < max(200, OVERLAP * len(grid)):
        return None
    at, points = at[inside].T, grid[inside]
    values = map_coordinates(source, at, order=1)
    gradient = np.stack([map_coordinates(slope, at, order=1) for slope in slopes], 1)
    gain, offset = np.polyfit(values, wanted[inside], 1)
    home = np.c_[points - points.mean(0), np.ones(len(points))]
    design = (gain * gradient[:, :, None] * home[:, None, :]).reshape(len(points), 12)
    design = np.c_[design, values, np.ones(len(points))]
    normal = design.T @ design
    normal[np.diag_indices(14)] *= 1.001
    try:
        solved = np.linalg.solve(normal + 1e-9 * np.eye(14), design.T @ (wanted[inside] - gain * values - offset))[:12].reshape(3, 4)
    except np.linalg.LinAlgError:
        return None
    solved[:, 3] -= solved[:, :3] @ points.mean(0)
    return np.asarray(solved, np.float64)


def _detail(fixed: Volume, moving: Volume, matrix: Affine) -> float:
    """Median over blocks of the correlation of detail (sigma 0.7 to 2 voxels) where both volumes are."""
    from scipy.ndimage import affine_transform, gaussian_filter

    scale = abs(np.linalg.det(matrix[:, :3])) ** (1 / 3)
    if not 0.3 < scale < 3:
        return -1.0
    smooth = gaussian_filter(moving, 0.5 * np.sqrt(scale**2 - 1)) if scale > 1.1 else moving
    moved = affine_transform(smooth, matrix[:, :3], matrix[:, 3], fixed.shape, order=1)
    there = affine_transform(np.ones_like(moving), matrix[:, :3], matrix[:, 3], fixed.shape, order=0)
    bands = [gaussian_filter(v, 0.7) - gaussian_filter(v, 2.0) for v in (fixed * there, moved)]
    from scipy.ndimage import binary_erosion

    inner = binary_erosion(there > 0, iterations=3, border_value=1)
    local, size = [], max(6, max(fixed.shape) // 6)
    for corner in product(*(range(0, side, size) for side in fixed.shape)):
        block = tuple(slice(c, c + size) for c in corner)
        keep = inner[block]
        a, b = bands[0][block][keep], bands[1][block][keep]
        if keep.sum() > size**3 / 4 and a.std() > 2e-3 and b.std() > 2e-3:
            local.append(float(np.corrcoef(a, b)[0, 1]))
    if len(local) < 3 or inner.mean() < OVERLAP:
        return -1.0
    return abs(float(np.median(local)))


def _histogram(volume: Volume) -> NDArray[np.float64]:
    return np.cumsum(np.histogram(volume, 24, (0, 1))[0]) / volume.size


def _spectrum(volume: Volume) -> NDArray[np.float64]:
    from scipy.fft import fftn

    side = LONGEST
    power = np.log(np.abs(fftn(volume - volume.mean(), (side,) * 3)) ** 2 + 1e-3)
    frequency = np.sqrt(sum(np.minimum(k, side - k) ** 2 for k in np.ogrid[:side, :side, :side]))
    rings = np.digitize(frequency, np.linspace(1, side / 2, 17))
    means = np.bincount(rings.ravel(), power.ravel(), 18)[1:17] / np.bincount(rings.ravel(), minlength=18)[1:17]
    return np.asarray(means - means.mean())


def _compare_chunk(job: list[tuple[int, int, Volume, Volume]]) -> list[tuple[int, int, float, list[float]]]:
    found = []
    for i, j, one, two in job:
        detail, matrix = align(one, two)
        found.append((i, j, detail, [round(float(v), 5) for v in matrix.reshape(-1)]))
    return found


def _pair(a: Picture, b: Picture, detail: float, matrix: list[float]) -> Pair:
    verdict = Verdict.SAME if detail >= SAME else Verdict.DIFFERENT if detail < DIFFERENT else Verdict.UNSETTLED
    middle, slope = (SAME + DIFFERENT) / 2, 40.0
    score = float(1 / (1 + np.exp(-slope * (detail - middle))))
    return Pair(a.id, b.id, Net.VOLUME, score, verdict, f"fine detail {detail:.2f} after registration", json.dumps({"kind": "volume", "matrix": matrix}))
