import torch


def coordinate_median(updates):
    return torch.quantile(torch.as_tensor(updates), 0.5, dim=0, interpolation="midpoint")


def trimmed_mean(updates, trim):
    n = len(updates)
    if not 0 <= trim < n / 2:
        raise ValueError("nothing is left")
    ordered, _ = torch.as_tensor(updates).sort(dim=0)
    return ordered[trim : n - trim].mean(dim=0).numpy()


def krum(updates, byzantine):
    n = len(updates)
    nearest = n - byzantine - 2
    if byzantine < 0 or nearest <= byzantine:
        raise ValueError("too few updates")
    rows = torch.as_tensor(updates)
    table = torch.stack([(rows - row).square().sum(dim=1) for row in rows])
    scores = table.topk(nearest + 1, dim=1, largest=False).values.sum(dim=1)
    return next(i for i in range(n) if scores[i] == scores.min())
