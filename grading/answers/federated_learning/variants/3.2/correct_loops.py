def deal_shards(labels, order, per_client):
    n, shards = len(labels), len(order)
    ranked = sorted(range(n), key=lambda position: (labels[position], position))
    pieces = []
    for number in range(shards):
        size = n // shards + (1 if number < n % shards else 0)
        pieces.append(ranked[:size])
        ranked = ranked[size:]
    parts = []
    for first in range(0, shards, per_client):
        part = []
        for number in order[first : first + per_client]:
            part += pieces[number]
        parts.append(part)
    return parts


def deal_by_shares(labels, shares):
    parts = [[] for _ in shares[0]]
    for k, label in enumerate(sorted(set(labels.tolist()))):
        places = [i for i in range(len(labels)) if labels[i] == label]
        n = len(places)
        counts = [int(share * n) for share in shares[k]]
        waiting = sorted(range(len(counts)), key=lambda j: counts[j] - shares[k][j] * n)
        for j in waiting[: n - sum(counts)]:
            counts[j] += 1
        for j, count in enumerate(counts):
            parts[j] += places[:count]
            del places[:count]
    return parts


def skew(labels, parts):
    labels = labels.tolist()
    distances = []
    for part in parts:
        own = [labels[i] for i in part]
        if own:
            total = 0
            for label in set(labels):
                total += abs(own.count(label) / len(own) - labels.count(label) / len(labels))
            distances.append(total / 2)
    return sum(distances) / len(distances)
