import numpy as np
import pandas as pd


def deal_shards(labels, order, per_client):
    table = pd.DataFrame({"label": labels, "place": range(len(labels))})
    ranked = table.sort_values(["label", "place"])["place"].to_numpy()
    size, longer = divmod(len(labels), len(order))
    starts = np.cumsum([0] + [size + (i < longer) for i in range(len(order))])
    owner = np.empty(len(labels), dtype=int)
    for slot, number in enumerate(order):
        owner[ranked[starts[number] : starts[number + 1]]] = slot // per_client
    return [np.flatnonzero(owner == j) for j in range(len(order) // per_client)]


def deal_by_shares(labels, shares):
    owner = np.empty(len(labels), dtype=int)
    for row, (_, group) in zip(shares, pd.Series(labels).groupby(labels)):
        exact = pd.Series(row * len(group))
        counts = exact // 1
        rest = (exact - counts).sort_values(ascending=False)
        counts[rest.index[: round(len(group) - counts.sum())]] += 1
        owner[group.index] = np.repeat(np.arange(len(row)), counts.astype(int))
    return [np.flatnonzero(owner == j) for j in range(shares.shape[1])]


def skew(labels, parts):
    whole = pd.Series(labels).value_counts(normalize=True)
    far = []
    for part in parts:
        if len(part) == 0:
            continue
        own = pd.Series(labels[part]).value_counts(normalize=True)
        far.append(own.sub(whole, fill_value=0).clip(lower=0).sum())
    return np.mean(far)
