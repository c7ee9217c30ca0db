import numpy as np


def deal_shards(labels, order, per_client):
    ranked = np.lexsort((np.arange(len(labels)), labels))
    small = len(labels) // len(order)
    ends = [
        (number + 1) * small + min(number + 1, len(labels) % len(order))
        for number in range(len(order))
    ]
    pieces = np.split(ranked, ends[:-1])
    chosen = [pieces[number] for number in order]
    return [np.concatenate(chosen[i : i + per_client]) for i in range(0, len(chosen), per_client)]


def deal_by_shares(labels, shares):
    """Hand out what is left one by one, to whom most is owed."""
    names, numbers = np.unique(labels, return_inverse=True)
    parts = [[] for _ in range(shares.shape[1])]
    for k in range(len(names)):
        places = list(np.flatnonzero(numbers == k))
        owed = shares[k] * len(places)
        counts = owed.astype(int)
        open_ = owed - counts
        while counts.sum() < len(places):
            j = int(np.argmax(open_))
            counts[j] += 1
            open_[j] = -1
        for j in range(len(parts)):
            for _ in range(counts[j]):
                parts[j].append(places.pop(0))
    return [np.array(part, dtype=int) for part in parts]


def skew(labels, parts):
    names, numbers = np.unique(labels, return_inverse=True)
    whole = np.bincount(numbers) / len(labels)
    far = []
    for part in parts:
        if len(part):
            own = np.bincount(numbers[part], minlength=len(names)) / len(part)
            far.append(1 - np.minimum(own, whole).sum())
    return float(np.mean(far))
