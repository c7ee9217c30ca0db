import torch


def magnitude_mask(weights, sparsity):
    sizes = torch.as_tensor(weights).abs().flatten()
    kept = torch.topk(sizes, round((1 - sparsity) * len(sizes))).indices
    mask = torch.zeros(len(sizes), dtype=torch.bool)
    mask[kept] = True
    return mask.view(weights.shape)


def strongest_channels(weights, keep):
    norms = torch.linalg.vector_norm(torch.as_tensor(weights).flatten(1), dim=1)
    return norms.topk(keep).indices.sort().values


def shrink_groups(weights, threshold):
    w = torch.as_tensor(weights, dtype=torch.float64)
    norms = w.flatten(1).norm(dim=1).view(-1, *[1] * (w.dim() - 1))
    return torch.where(norms > threshold, w - w * threshold / norms.clamp(min=1e-30), 0.0 * w)
