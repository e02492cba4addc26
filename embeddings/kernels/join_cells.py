"""Cells for the threshold join: unit rows around centres, and which rows of other cells may lie within an angle of a cell's members."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

ROUNDING = 2.0**-24             # unit roundoff of float32
AT_ONCE = 16384                 # rows in one product
ROUNDS = 5
PER_CELL = 48                   # rows a cell that the centres are learnt from
REFINEMENTS = 3
FAR = 1.3                       # times the median angle to the centre
STRAYS = 0.01                   # at most this share of the rows is left without a cell


class Cells:
    """Rows by their nearest centre; rows that are near none stray. Every angle is rounded to the safe side by `error`, that of a cosine.

    √n centres are learnt from a sample, then up to thrice √n more from the rows that lie much farther from their centre than most, so
    that small clusters get centres too: one far row makes its whole cell useless. home: (n,) cell of each row, −1 for strays.
    reach: (n,) at least the row's angle to its centre. radius: (k,) the largest reach in a cell. strays: rows of no cell.
    """

    def __init__(self, rows: Any, angle: float, error: float, seed: int) -> None:
        import torch

        self.torch, self.rows, self.angle, self.error, self.seed = torch, rows, angle, error, seed
        every = torch.arange(len(rows), device=rows.device)
        self.centres = self._centres(every)
        self.home, self.reach = self._assign(every, self.centres)
        for _ in range(REFINEMENTS):
            far = self._far()
            if len(far) <= STRAYS * len(rows):
                break
            extra = self._centres(far)
            home, reach = self._assign(far, extra)
            nearer = reach < self.reach[far]
            self.home[far[nearer]], self.reach[far[nearer]] = home[nearer] + len(self.centres), reach[nearer]
            self.centres = torch.cat([self.centres, extra])
        far = self._far()
        self.strays = far[torch.argsort(self.reach[far], descending=True)][: int(STRAYS * len(rows))].sort().values
        self.home[self.strays] = -1
        order = torch.argsort(self.reach, descending=True)
        self.order = order[torch.argsort(self.home[order], stable=True)]
        edges = torch.arange(len(self.centres) + 1, device=rows.device)
        self.starts = torch.searchsorted(self.home[self.order], edges).tolist()
        inside = self.home >= 0
        self.radius = torch.zeros(len(self.centres), device=rows.device).scatter_reduce(0, self.home[inside], self.reach[inside], "amax")

    def __len__(self) -> int:
        return len(self.centres)

    def members(self, cell: int) -> Any:
        """Rows of a cell, the farthest from the centre first."""
        return self.order[self.starts[cell] : self.starts[cell + 1]]

    def share_left(self) -> float:
        """Share of (row, cell) combinations that the radii do not exclude, on a sample of rows."""
        cosine = self.rows[sample(len(self.rows), 2048, self.seed, self.rows.device)] @ self.centres.T
        return float((self.torch.arccos((cosine + self.error).clamp(-1, 1)) <= self.radius + self.angle).float().mean())

    def visitors(self, group: range) -> list[tuple[Any, Any]]:
        """For each cell of the group: rows of later cells that may be near a member, and the least that their angle to the centre can be, falling."""
        torch = self.torch
        centres, radius = self.centres[group.start : group.stop], self.radius[group.start : group.stop]
        limit = torch.cos((radius + self.angle).clamp(max=math.pi)) - self.error
        numbers = torch.arange(group.start, group.stop, device=self.rows.device)
        found = []
        for start in range(0, len(self.rows), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            cosine = self.rows[part] @ centres.T
            row, cell = ((cosine >= limit) & (self.home[part, None] > numbers)).nonzero(as_tuple=True)
            found.append((row + start, cell, cosine[row, cell]))
        rows, cell, cosine = (torch.cat(column) for column in zip(*found))
        order = torch.argsort(cosine)
        order = order[torch.argsort(cell[order], stable=True)]
        angle = torch.arccos((cosine[order] + self.error).clamp(-1, 1))
        sizes = torch.bincount(cell, minlength=len(group)).tolist()
        return list(zip(rows[order].split(sizes), angle.split(sizes)))

    def _far(self) -> Any:
        """Rows that lie much farther from their centre than half of the rows do."""
        return (self.reach > FAR * self.reach.median()).nonzero()[:, 0]

    def _assign(self, ids: Any, centres: Any) -> tuple[Any, Any]:
        """(nearest centre, at least the angle to it) of the rows `ids`."""
        best = [(self.rows[part] @ centres.T).max(1) for part in ids.split(AT_ONCE)]
        cosine = self.torch.cat([part.values for part in best])
        return self.torch.cat([part.indices for part in best]), self.torch.arccos((cosine - self.error).clamp(-1, 1))

    def _centres(self, ids: Any) -> Any:
        """(k, d) unit rows: a few rounds of spherical k-means on a sample of the rows `ids` (Dhillon & Modha 2001)."""
        torch = self.torch
        cells = int(min(4096, max(16, math.sqrt(len(self.rows)))))
        rows = self.rows[ids[sample(len(ids), PER_CELL * cells, self.seed, ids.device)]]
        centres = rows[sample(len(rows), cells, self.seed + 1, rows.device)]
        for _ in range(ROUNDS):
            home = torch.cat([(part @ centres.T).argmax(1) for part in rows.split(AT_ONCE)])
            sums = torch.zeros_like(centres).index_add_(0, home, rows)
            lengths = sums.norm(dim=1, keepdim=True)
            centres = torch.where(lengths > 1e-6, sums / lengths.clamp(min=1e-6), centres)
        return torch.nn.functional.normalize(centres.double(), dim=1).float()


def sample(count: int, size: int, seed: int, device: Any) -> Any:
    """At most `size` different numbers below `count`, rising."""
    import torch

    return torch.from_numpy(np.sort(np.random.default_rng(seed).permutation(count)[:size])).to(device)
