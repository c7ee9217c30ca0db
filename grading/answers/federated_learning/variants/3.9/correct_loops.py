import numpy as np


def three_averages(accuracies, sizes, share):
    pairs = list(zip(accuracies, sizes))
    samples = sum(size for _, size in pairs)
    over_samples = sum(accuracy * size for accuracy, size in pairs) / samples
    count = round(share * len(pairs)) or 1
    ranked = sorted(accuracy for accuracy, _ in pairs)
    return over_samples, sum(ranked) / len(ranked), sum(ranked[:count]) / count


def reweighted(losses, sizes, q):
    largest = max(losses)
    raw = [size * (loss / largest) ** q for loss, size in zip(losses, sizes)]
    return [each / sum(raw) for each in raw]
