"""The shares of a split's sides: a ratio as somebody wrote it goes in, shares that sum to 1 come out, and what could mean either is refused."""

from __future__ import annotations

from collections.abc import Mapping

from isocenter.core.errors import BadInput

ROUNDED = 0.0101
"""Shares written with two digits may miss 1 by this much: 0.33, 0.33 and 0.33."""


def shares_of(ratio: Mapping[str, float]) -> dict[str, float]:
    """Shares that sum to 1, or whole numbers as weights (8, 1 and 1), by side. Raises BadInput for anything else."""
    total = sum(ratio.values())
    if not ratio or total <= 0 or any(share < 0 for share in ratio.values()):
        raise BadInput(f"{dict(ratio)} is no ratio", hint="shares that sum to 1, as train=0.8,val=0.1,test=0.1, or whole weights")
    if abs(total - 1) > ROUNDED and not all(float(share).is_integer() for share in ratio.values()):
        written = " + ".join(f"{share:g}" for share in ratio.values())
        scaled = ", ".join(f"{side}: {share / total:.3g}" for side, share in ratio.items())
        raise BadInput(f"the shares of the ratio sum to {total:g} ({written}), not to 1", hint=f"{scaled} would be in the same proportion; whole numbers (8, 1, 1) are weights")
    return {name: share / total for name, share in ratio.items()}
