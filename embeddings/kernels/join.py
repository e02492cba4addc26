"""Threshold join: all pairs of unit rows with cosine ≥ τ, exactly, far below n² work where the rows form clusters.

Three steps, each with a proof that it loses nothing:
1. *cells*: rows go to their nearest of k centres. Angles obey the triangle inequality, so a row y can be within θ = arccos τ of
   a member x of cell c only if angle(y, c) − angle(x, c) ≤ θ; all other (row, cell) combinations are skipped;
2. *screen*: with an orthonormal basis V of m directions, x·y ≤ Vx·Vy + |x − VᵀVx||y − VᵀVy| (Cauchy-Schwarz), which is the
   product of two rows of m + 1 numbers; pairs below τ leave here;
3. *check*: what is left is multiplied in float32, and in float64 where that is closer to τ than float32 can tell.
Bounds carry the worst-case rounding error of the products they come from. Sources: Cauchy-Schwarz screening as in Teflioudi &
Gemulla 2016 (LEMP); ball pruning as in Ciaccia, Patella & Zezula 1997 (M-tree); put together here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.progress import track
from isocenter.embeddings.devices import pick
from isocenter.embeddings.kernels.join_cells import ROUNDING, Cells, sample

BLOCK = 4096                # rows on a side of a block of products
DIRECTIONS = 64             # m of the screen
SMALL = 4096                # below this, one block of plain products is quickest
CELLS_AT_ONCE = 16          # cells in one task; a task runs on one thread, so that no product waits for others at a barrier
DENSE = 0.02                # share of a block that survives the screen from which on the whole block is multiplied
OWN_DIRECTIONS = 2048       # rows of a cell from which on it may have a screen of its own
HOPELESS = 0.3              # share of (row, cell) combinations left from which on cells do not pay
MOST_PAIRS = 200_000_000
Part = tuple[Any, Any, Any]     # left, right, cosine of some pairs
Task = Callable[[], list[Part]]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of row numbers, left < right, sorted, and their cosine.

    left, right: (p,) int64. cosine: (p,) float32. work: products in the screen as a share of n²/2.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.float32]
    work: float = 1.0

    def __len__(self) -> int:
        return len(self.left)


def join(rows: NDArray[np.float32], tau: float, *, device: str = "auto", seed: int = 0, most: int = MOST_PAIRS) -> Pairs:
    """All pairs i < j with rows[i] · rows[j] ≥ tau. rows: (n, d) float32 of unit length (rows of zeros are near nothing).

    Needs memory for the rows once on the device, (m + 1)/d of them again, and some blocks. Raises BadInput for a tau outside
    (0, 1], for rows that are not of unit length, and when there are more than `most` pairs.
    """
    import torch

    if not 0.0 < tau <= 1.0:
        raise BadInput(f"tau is a cosine above 0 and at most 1, not {tau}")
    rows = np.ascontiguousarray(rows, np.float32)
    there = np.flatnonzero(rows.any(axis=1))
    if len(there) < len(rows):
        found = join(rows[there], tau, device=device, seed=seed, most=most)
        return Pairs(there[found.left], there[found.right], found.cosine, found.work)
    chosen = pick(device)
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode():
            return _Join(torch.from_numpy(rows).to(chosen), tau, seed, most).run()
    finally:
        torch.set_float32_matmul_precision(precision)


def components(pairs: Pairs, count: int) -> NDArray[np.int64]:
    """(count,) int64: the number of the connected component of each row, numbered by first appearance."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(pairs), bool), (pairs.left, pairs.right)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels, np.int64)


class _Join:
    """One join: the rows, their screens, and how much was found and done so far."""

    def __init__(self, rows: Any, tau: float, seed: int, most: int) -> None:
        import torch

        self.torch, self.rows, self.tau, self.most = torch, rows, tau, most
        self.count, self.width = rows.shape
        self.seed = seed
        self.pairs, self.products = 0, [0]                                      # products are appended by several threads
        stretch = _stretch(rows)
        self.angle = math.acos(max(0.0, tau - 3 * stretch)) + 1e-6              # more than the rounding of arccos and cos
        self.error = (2 * self.width + 16) * ROUNDING + 2 * stretch             # of a cosine computed in float32

    def run(self) -> Pairs:
        if self.count < 2:
            return _collect([], 0.0)
        if self.count <= SMALL or self.width <= 2 * DIRECTIONS:
            self.screen, self.slack = self.rows, self.error
        else:
            every = self.torch.arange(self.count, device=self.rows.device)
            self.screen = self._screened(every, self._principal(self.rows[sample(self.count, 8192, self.seed, self.rows.device)]))
            self.slack = (DIRECTIONS + 16) * ROUNDING
        tasks = self._by_blocks() if self.count <= SMALL else self._by_cells()
        found = [part for parts in self._carry_out(tasks) for part in parts]
        return _collect(found, sum(self.products) / (self.count * (self.count - 1) / 2))

    def _carry_out(self, tasks: list[Task]) -> Iterator[list[Part]]:
        """Run the tasks, on a CPU one per core with one thread each; count the pairs as they come."""
        cores = 1 if self.rows.is_cuda else min(8, self.torch.get_num_threads(), len(tasks))
        with _one_thread_each(cores, self.torch) as pool:
            for parts in track(pool.map(lambda task: task(), tasks), "joining", len(tasks)):
                self.pairs += sum(len(cosine) for _, _, cosine in parts)
                if self.pairs > self.most:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise BadInput(f"more than {self.most:,} pairs have a cosine of at least {self.tau:g}", hint="raise the threshold")
                yield parts

    def _principal(self, rows: Any) -> Any:
        """(d, m) float64: an orthonormal basis of the m directions in which the rows are largest."""
        rows = rows.double()
        return self.torch.linalg.eigh(rows.T @ rows)[1][:, -DIRECTIONS:].contiguous()

    def _screened(self, ids: Any, basis: Any) -> Any:
        """(len(ids), m + 1) float32 rows whose products are never below those of the full rows."""
        screen = self.torch.empty(len(ids), DIRECTIONS + 1, device=self.rows.device)
        for start in range(0, len(ids), BLOCK):
            part = self.rows[ids[start : start + BLOCK]].double()
            inside = part @ basis
            screen[start : start + len(part), :-1] = inside
            screen[start : start + len(part), -1] = (part.square().sum(1) - inside.square().sum(1)).clamp(min=0).sqrt()
        return screen

    def _by_blocks(self) -> list[Task]:
        """Every block of the upper triangle, one row of blocks a task."""
        blocks = self.torch.arange(self.count, device=self.rows.device).split(BLOCK)

        def task(i: int) -> list[Part]:
            return [part for j in range(i, len(blocks))
                    for part in self._block(blocks[i], blocks[j], self.screen[blocks[i]], self.screen[blocks[j]], i == j)]

        return [partial(task, i) for i in range(len(blocks))]

    def _by_cells(self) -> list[Task]:
        """Blocks that may hold a pair, some cells a task; every block where the cells exclude too little."""
        cells = Cells(self.rows, self.angle, self.error, self.seed)
        if cells.share_left() > HOPELESS:
            return self._by_blocks()

        def task(group: range) -> list[Part]:
            return [part for cell, near in zip(group, cells.visitors(group)) for part in self._cell(cells.members(cell), cells.reach, *near)]

        groups = [range(first, min(len(cells), first + CELLS_AT_ONCE)) for first in range(0, len(cells), CELLS_AT_ONCE)]
        settled = (cells.home >= 0).nonzero()[:, 0]
        strays = [partial(self._strays, part, cells.strays, settled) for part in cells.strays.split(BLOCK) if len(part)]
        return [*(partial(task, group) for group in groups), *strays]

    def _strays(self, part: Any, strays: Any, settled: Any) -> list[Part]:
        """Pairs of some rows of no cell with all rows that have one, and among the rows of none."""
        later = strays[strays > part[-1]]                                       # both rise
        found = [self._block(part, part, self.screen[part], self.screen[part], True)]
        found += [self._block(part, other, self.screen[part], self.screen[other], False) for rest in (later, settled) for other in rest.split(BLOCK)]
        return [pairs for some in found for pairs in some]

    def _cell(self, members: Any, reach: Any, visitors: Any, angle: Any) -> Iterator[Part]:
        """Pairs of one cell: its members among themselves, then with its visitors, farthest first."""
        inside, outside = self._screens(members, visitors)
        reach = reach[members]
        for start in range(0, len(members), BLOCK):
            a = slice(start, start + BLOCK)
            for other in range(start, len(members), BLOCK):
                b = slice(other, other + BLOCK)
                yield from self._block(members[a], members[b], inside[a], inside[b], start == other)
        for start in range(0, len(visitors), BLOCK):
            b = slice(start, start + BLOCK)
            able = int((reach >= angle[b].min() - self.angle).sum())            # members are sorted by reach
            for other in range(0, able, BLOCK):
                a = slice(other, min(able, other + BLOCK))
                yield from self._block(members[a], visitors[b], inside[a], outside[b], False)

    def _screens(self, members: Any, visitors: Any) -> tuple[Any, Any]:
        """The screens of a cell's rows; in directions of the cell's own where those of the whole set let too much pass."""
        inside, outside = self.screen[members], self.screen[visitors]
        if len(members) < OWN_DIRECTIONS or self.screen is self.rows:
            return inside, outside
        some = inside[self.torch.linspace(0, len(members) - 1, 1024, device=members.device).long()]
        if float((some @ some.T >= self.tau - self.slack).float().mean()) < DENSE:
            return inside, outside
        basis = self._principal(self.rows[members[:: max(1, len(members) // 2048)]])
        return self._screened(members, basis), self._screened(visitors, basis)

    def _block(self, left: Any, right: Any, left_screen: Any, right_screen: Any, same: bool) -> list[Part]:
        """Screen one block and check what is left."""
        products = left_screen @ right_screen.T
        self.products.append(products.numel() // (2 if same else 1))
        if same:
            products.fill_diagonal_(-2.0)
        if not products.numel() or float(products.max()) < self.tau - self.slack:
            return []
        survivors = products >= self.tau - self.slack
        whole = self.screen is self.rows
        if not whole and int(survivors.sum()) > DENSE * products.numel():
            products, whole = self.rows[left] @ self.rows[right].T, True
            survivors = products >= self.tau - self.error
        i, j = survivors.nonzero(as_tuple=True)
        if same:
            upper = i < j
            i, j = i[upper], j[upper]
        if whole:
            return self._check(left[i], right[j], products[i, j])
        parts = zip(i.split(1 << 14), j.split(1 << 14))
        return self._check(left[i], right[j], self.torch.cat([(self.rows[left[a]] * self.rows[right[b]]).sum(1) for a, b in parts]))

    def _check(self, i: Any, j: Any, cosine: Any) -> list[Part]:
        """The pairs at or above tau; those too close to call in float32 are settled in float64."""
        torch = self.torch
        doubt = ((cosine - self.tau).abs() <= 2 * self.width * ROUNDING).nonzero()[:, 0]
        keep = cosine >= self.tau
        for part in doubt.split(1 << 14):
            settled = (self.rows[i[part]].double() * self.rows[j[part]].double()).sum(1)
            keep[part] = settled >= self.tau
        i, j, cosine = i[keep], j[keep], cosine[keep]
        return [(torch.minimum(i, j).cpu(), torch.maximum(i, j).cpu(), cosine.cpu())] if len(i) else []


@contextmanager
def _one_thread_each(cores: int, torch: Any) -> Iterator[ThreadPoolExecutor]:
    """A pool of `cores` threads in which each product runs on its own thread alone; the setting from before comes back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(cores, initializer=lambda: torch.set_num_threads(1)) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


def _stretch(rows: Any) -> float:
    """At most how far the longest or shortest row is from length one; raises BadInput when that is no rounding."""
    import torch

    off = [float((torch.linalg.vector_norm(part, dim=1) - 1).abs().max()) for part in rows.split(4 * BLOCK)]
    farthest = max(off, default=0.0) + rows.shape[1] * ROUNDING
    if not farthest < 1e-3:
        raise BadInput("the rows of a join must have length one", hint="isocenter.embeddings.api.unit(rows)")
    return farthest


def _collect(found: list[Part], work: float) -> Pairs:
    if not found:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32), work)
    left, right, cosine = (np.concatenate([part[i].numpy() for part in found]) for i in range(3))
    order = np.lexsort((right, left))
    return Pairs(left[order], right[order], cosine[order], work)
