# message: the skew is
import numpy as np


def deal_shards(labels, order, per_client):
    pieces = np.array_split(np.argsort(labels, kind="stable"), len(order))
    rows = np.reshape(order, (-1, per_client))
    return [np.concatenate([pieces[number] for number in row]) for row in rows]


def deal_by_shares(labels, shares):
    parts = [[] for _ in range(shares.shape[1])]
    for label, row in zip(np.unique(labels), shares):
        places = np.flatnonzero(labels == label)
        counts = np.floor(row * len(places)).astype(int)
        remainders = row * len(places) - counts
        counts[np.argsort(-remainders)[: len(places) - counts.sum()]] += 1
        for part, piece in zip(parts, np.split(places, np.cumsum(counts)[:-1])):
            part.extend(piece.tolist())
    return parts


def skew(labels, parts):
    classes = np.unique(labels)
    dealt = np.concatenate([np.asarray(part, int) for part in parts])
    whole = np.array([np.mean(labels[dealt] == label) for label in classes])
    filled = [labels[part] for part in parts if len(part)]
    shares = np.array([[np.mean(own == label) for label in classes] for own in filled])
    return np.abs(shares - whole).sum(1).mean() / 2
