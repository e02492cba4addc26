"""Texture features of a batch of images with grey levels: co-occurrence, runs, zones, and difference from the neighbourhood.

Matrices of all directions are merged before features are computed (IBSI: "3D, merged"; for pictures "2D, merged by slice"), at
Chebyshev distance 1. Source: Zwanenburg et al., IBSI reference manual (arXiv 1612.07003), sections 3.6 to 3.10.
"""

from __future__ import annotations

from typing import Any

from isocenter.embeddings.radiomics.neighbours import Shape, directions, lines, neighbour_pairs


def co_occurrence(levels: Any, count: int) -> dict[str, Any]:
    """GLCM features, name to (n,) float64. levels: (n, z, y, x) int64 from 1 to count, 0 outside."""
    import torch

    joint = _co_occurrence_matrix(levels, count)
    i = torch.arange(1, count + 1, device=levels.device, dtype=torch.float64)
    total, gap = i[:, None] + i[None, :], (i[:, None] - i[None, :]).abs()
    marginal = joint.sum(2)
    mean = (marginal * i).sum(1)
    around = total - 2 * mean[:, None, None]
    variance = (marginal * (i - mean[:, None]) ** 2).sum(1)
    differences = _collect(joint, gap.long(), count)
    sums = _collect(joint, total.long() - 2, 2 * count - 1)
    k, s = torch.arange(count, device=i.device), torch.arange(2, 2 * count + 1, device=i.device)
    gap_mean, sum_mean = (differences * k).sum(1), (sums * s).sum(1)

    def weigh(weights: Any) -> Any:
        return (joint * weights).sum((1, 2))

    entropy, marginal_entropy = _entropy(joint.flatten(1)), _entropy(marginal)
    independent = marginal[:, :, None] * marginal[:, None, :]
    cross = -(joint * independent.clamp(min=1e-300).log2()).sum((1, 2))
    gain = (_entropy(independent.flatten(1)) - entropy).clamp(min=0)
    return {
        "joint_maximum": joint.flatten(1).amax(1), "joint_average": mean, "joint_variance": variance, "joint_entropy": entropy,
        "difference_average": gap_mean, "difference_variance": (differences * (k - gap_mean[:, None]) ** 2).sum(1),
        "difference_entropy": _entropy(differences), "sum_average": sum_mean, "sum_variance": (sums * (s - sum_mean[:, None]) ** 2).sum(1),
        "sum_entropy": _entropy(sums), "angular_second_moment": (joint**2).sum((1, 2)), "contrast": weigh(gap**2), "dissimilarity": weigh(gap),
        "inverse_difference": weigh(1 / (1 + gap)), "normalised_inverse_difference": weigh(1 / (1 + gap / count)),
        "inverse_difference_moment": weigh(1 / (1 + gap**2)), "normalised_inverse_difference_moment": weigh(1 / (1 + (gap / count) ** 2)),
        "inverse_variance": weigh(torch.where(gap > 0, 1 / gap.clamp(min=1) ** 2, 0.0)),
        "correlation": ((weigh(i[:, None] * i[None, :]) - mean**2) / variance).nan_to_num(1.0, 1.0, 1.0),
        "autocorrelation": weigh(i[:, None] * i[None, :]), "cluster_tendency": weigh(around**2), "cluster_shade": weigh(around**3),
        "cluster_prominence": weigh(around**4), "information_correlation_1": ((entropy - cross) / marginal_entropy).nan_to_num(0.0, 0.0, 0.0),
        "information_correlation_2": (1 - torch.exp(-2 * gain)).sqrt(),
    }


def runs(levels: Any, count: int) -> dict[str, Any]:
    """GLRLM features: stretches of one level along the 4 or 13 directions."""
    import torch

    shape = _shape(levels)
    flat = levels.flatten(1)
    parts = []
    for step in directions(shape):
        order, starts = (torch.from_numpy(array).to(levels.device) for array in lines(shape, step))
        along = flat[:, order]
        first = starts[None, :].expand_as(along).clone()
        first[:, 1:] |= along[:, 1:] != along[:, :-1]
        begin = first.flatten().nonzero()[:, 0]
        length = torch.diff(begin, append=begin.new_tensor([first.numel()]))
        image, level = begin // along.shape[1], along.flatten()[begin]
        parts.append(torch.stack([image, level, length])[:, level > 0])
    return _sizes(torch.cat(parts, 1), len(levels), (flat > 0).sum(1).double() * len(directions(shape)), ("run", "short", "long"))


def zones(levels: Any, count: int) -> dict[str, Any]:
    """GLSZM features: connected areas of one level (8 or 26 neighbours)."""
    import torch

    flat = levels.flatten()
    label = _components(levels)
    size = torch.bincount(label[flat > 0], minlength=len(flat))
    root = size.nonzero()[:, 0]
    image = root // levels[0].numel()
    return _sizes(torch.stack([image, flat[root], size[root]]), len(levels), (levels.flatten(1) > 0).sum(1).double(), ("zone", "small", "large"))


def neighbourhood_difference(levels: Any, count: int) -> dict[str, Any]:
    """NGTDM features: how far voxels are from the mean of their neighbours."""
    import torch
    from torch.nn import functional

    inside = (levels > 0).double()[:, None]
    grey = levels.double()[:, None]
    kernel = torch.ones(1, 1, *(min(3, 2 * side - 1) for side in levels.shape[1:]), dtype=torch.float64, device=levels.device)
    padding = [side // 2 for side in kernel.shape[2:]]
    number = functional.conv3d(inside, kernel, padding=padding) - inside
    mean = (functional.conv3d(grey, kernel, padding=padding) - grey) / number.clamp(min=1)
    counted = ((inside > 0) & (number > 0)).flatten(1)
    code = torch.arange(len(levels), device=levels.device)[:, None] * (count + 1) + levels.flatten(1)
    code, gaps = code[counted], (grey - mean).abs().flatten(1)[counted]
    zero = torch.zeros(len(levels) * (count + 1), dtype=torch.float64, device=levels.device)
    amount = zero.index_add(0, code, torch.ones_like(gaps)).view(len(levels), -1)[:, 1:]
    s = zero.index_add(0, code, gaps).view(len(levels), -1)[:, 1:]
    voxels = amount.sum(1).clamp(min=1)
    p = amount / voxels[:, None]
    i = torch.arange(1, count + 1, dtype=torch.float64, device=levels.device)
    both = (p[:, :, None] > 0) & (p[:, None, :] > 0)

    def pair(quantity: Any) -> Any:
        return torch.where(both, quantity, 0.0).sum((1, 2))

    gap = (i[:, None] - i[None, :]).abs()[None]
    present = (p > 0).sum(1).double()
    ps, p_sum = p * s, p[:, :, None] + p[:, None, :]
    spread = pair((i[None, :, None] * p[:, :, None] - i[None, None, :] * p[:, None, :]).abs())
    return {
        "coarseness": (1 / ps.sum(1)).clamp(max=1e6),
        "contrast": pair(p[:, :, None] * p[:, None, :] * gap**2) / (present * (present - 1)).clamp(min=1) * s.sum(1) / voxels,
        "busyness": torch.where(present > 1, ps.sum(1) / spread.clamp(min=1e-300), 0.0),
        "complexity": pair(gap * (ps[:, :, None] + ps[:, None, :]) / p_sum.clamp(min=1e-300)) / voxels,
        "strength": torch.where(s.sum(1) > 0, pair(p_sum * gap**2) / s.sum(1).clamp(min=1e-300), 0.0),
    }


def _co_occurrence_matrix(levels: Any, count: int) -> Any:
    """(n, count, count) float64: symmetric, all directions merged, each summing to one."""
    import torch

    flat, shape = levels.flatten(1), _shape(levels)
    image = torch.arange(len(levels), device=levels.device)[:, None]
    cells = len(levels) * (count + 1) ** 2
    matrix = torch.zeros(cells, dtype=torch.int64, device=levels.device)
    for step in directions(shape):
        here, there = (torch.from_numpy(array).to(levels.device) for array in neighbour_pairs(shape, step))
        matrix += torch.bincount(((image * (count + 1) + flat[:, here]) * (count + 1) + flat[:, there]).flatten(), minlength=cells)
    joint = matrix.view(len(levels), count + 1, count + 1)[:, 1:, 1:].double()
    joint = joint + joint.transpose(1, 2)
    return joint / joint.sum((1, 2), keepdim=True).clamp(min=1)


def _components(levels: Any) -> Any:
    """Flat label per voxel of the batch: the least flat position in its zone. Hooking and pointer jumping (Shiloach & Vishkin 1982)."""
    import torch

    flat, shape, voxels = levels.flatten(), _shape(levels), levels[0].numel()
    base = torch.arange(len(levels), device=levels.device)[:, None] * voxels
    ends = []
    for step in directions(shape):
        here, there = ((base + torch.from_numpy(array).to(levels.device)).flatten() for array in neighbour_pairs(shape, step))
        same = (flat[here] == flat[there]) & (flat[here] > 0)
        ends.append(torch.stack([here[same], there[same]]))
    a, b = torch.cat(ends, 1)
    label = torch.arange(len(flat), device=levels.device)
    while len(a):
        least = torch.minimum(label[a], label[b])
        label = label.scatter_reduce(0, label[a], least, "amin").scatter_reduce(0, label[b], least, "amin")
        while not torch.equal(label, shorter := label[label]):
            label = shorter
        open_ = label[a] != label[b]
        a, b = a[open_], b[open_]
    return label


def _sizes(found: Any, images: int, voxels: Any, names: tuple[str, str, str]) -> dict[str, Any]:
    """The sixteen features that runs and zones share, from (image, level, size) columns."""
    import torch

    thing, short, long = names
    (image, level, size), number = _count(found)
    i, j, r = level.double(), size.double(), number.double()
    total = torch.zeros(images, dtype=torch.float64, device=found.device)

    def sum_of(quantity: Any) -> Any:
        return total.index_add(0, image, quantity)

    n = sum_of(r).clamp(min=1)
    p = r / n[image]

    def non_uniformity(key: Any) -> Any:
        groups, place = torch.unique(image * (key.max() + 1) + key, return_inverse=True)
        amount = torch.zeros(len(groups), dtype=torch.float64, device=found.device).index_add(0, place, r)
        return total.index_add(0, groups // (key.max() + 1), amount**2) / n

    mean_level, mean_size = sum_of(p * i), sum_of(p * j)
    by_level, by_size = non_uniformity(level), non_uniformity(size)
    return {
        f"{short}_{thing}_emphasis": sum_of(p / j**2), f"{long}_{thing}_emphasis": sum_of(p * j**2),
        f"low_grey_level_{thing}_emphasis": sum_of(p / i**2), f"high_grey_level_{thing}_emphasis": sum_of(p * i**2),
        f"{short}_{thing}_low_grey_level_emphasis": sum_of(p / (i * j) ** 2), f"{short}_{thing}_high_grey_level_emphasis": sum_of(p * (i / j) ** 2),
        f"{long}_{thing}_low_grey_level_emphasis": sum_of(p * (j / i) ** 2), f"{long}_{thing}_high_grey_level_emphasis": sum_of(p * (i * j) ** 2),
        "grey_level_non_uniformity": by_level, "normalised_grey_level_non_uniformity": by_level / n,
        "size_non_uniformity": by_size, "normalised_size_non_uniformity": by_size / n, f"{thing}_percentage": n / voxels.clamp(min=1),
        "grey_level_variance": sum_of(p * (i - mean_level[image]) ** 2), "size_variance": sum_of(p * (j - mean_size[image]) ** 2),
        "entropy": -sum_of(p * p.log2()),
    }


def _count(found: Any) -> tuple[Any, Any]:
    """The different columns of (image, level, size), and how often each occurs."""
    import torch

    image, level, size = found
    sizes = int(size.max()) + 1
    code = (image * (int(level.max()) + 1) + level) * sizes + size
    if int(code.max()) < 8 * len(code):
        number = torch.bincount(code)
        different = number.nonzero()[:, 0]
        number = number[different]
    else:
        different, number = torch.unique(code, return_counts=True)
    rest, size = different // sizes, different % sizes
    levels = int(level.max()) + 1
    return torch.stack([rest // levels, rest % levels, size]), number


def _collect(joint: Any, key: Any, size: int) -> Any:
    """(n, size): the joint shares summed over equal keys."""
    out = joint.new_zeros(len(joint), size)
    return out.index_add(1, key.flatten(), joint.flatten(1))


def _entropy(shares: Any) -> Any:
    return -(shares * shares.clamp(min=1e-300).log2()).sum(1)


def _shape(levels: Any) -> Shape:
    depth, height, width = levels.shape[1:]
    return depth, height, width
