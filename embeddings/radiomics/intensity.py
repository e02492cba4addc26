"""First-order features of a batch of images: what the values are, wherever they lie.

Source: Zwanenburg et al., IBSI reference manual (arXiv 1612.07003), sections 3.3 (intensity statistics) and 3.4 (histogram).
"""

from __future__ import annotations

from typing import Any


def first_order(values: Any, inside: Any) -> dict[str, Any]:
    """Name to (n,) float64. values, inside: (n, z, y, x) float and bool tensors; only voxels inside count, at least one each."""
    import torch

    flat, mask = values.flatten(1).double(), inside.flatten(1)
    count = mask.sum(1).double()

    def mean(quantity: Any, where: Any = None) -> Any:
        chosen = mask if where is None else where
        return torch.where(chosen, quantity, 0.0).sum(1) / chosen.sum(1).clamp(min=1)

    ordered = torch.sort(torch.where(mask, flat, torch.inf), dim=1).values

    def percentile(share: float) -> Any:
        position = (count - 1) * share
        below = position.floor().long()[:, None]
        above = position.ceil().long()[:, None]
        low, high = ordered.gather(1, below)[:, 0], ordered.gather(1, above)[:, 0]
        return low + (high - low) * (position - position.floor())

    average = mean(flat)
    centred = flat - average[:, None]
    variance = mean(centred**2)
    deviation = variance.sqrt().clamp(min=1e-12)
    p10, p25, median, p75, p90 = (percentile(share) for share in (0.1, 0.25, 0.5, 0.75, 0.9))
    robust = mask & (flat >= p10[:, None]) & (flat <= p90[:, None])
    least, most = percentile(0.0), percentile(1.0)
    return {
        "mean": average, "variance": variance, "skewness": mean(centred**3) / deviation**3, "kurtosis": mean(centred**4) / deviation**4 - 3,
        "median": median, "minimum": least, "p10": p10, "p90": p90, "maximum": most, "interquartile_range": p75 - p25, "range": most - least,
        "mean_absolute_deviation": mean(centred.abs()),
        "robust_mean_absolute_deviation": mean((flat - mean(flat, robust)[:, None]).abs(), robust),
        "median_absolute_deviation": mean((flat - median[:, None]).abs()),
        "coefficient_of_variation": _ratio(variance.sqrt(), average), "quartile_dispersion": _ratio(p75 - p25, p75 + p25),
        "energy": torch.where(mask, flat**2, 0.0).sum(1), "root_mean_square": mean(flat**2).sqrt(),
    }


def histogram(levels: Any, count: int) -> dict[str, Any]:
    """Entropy (bits) and uniformity of the grey levels 1 … count; levels: (n, z, y, x) int64, 0 outside."""
    import torch

    code = torch.arange(len(levels), device=levels.device)[:, None] * (count + 1) + levels.flatten(1)
    shares = torch.bincount(code.flatten(), minlength=len(levels) * (count + 1)).view(len(levels), count + 1)[:, 1:].double()
    shares = shares / shares.sum(1, keepdim=True).clamp(min=1)
    return {"entropy": -(shares * shares.clamp(min=1e-300).log2()).sum(1), "uniformity": (shares**2).sum(1)}


def _ratio(above: Any, below: Any) -> Any:
    """above / below, 0 where below is 0."""
    return (above / below).nan_to_num(0.0, 0.0, 0.0)
