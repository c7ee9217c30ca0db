import numpy as np


def coordinate_median(updates):
    found = []
    for column in updates.T.tolist():
        ordered = sorted(column)
        n = len(ordered)
        found.append((ordered[n // 2] + ordered[(n - 1) // 2]) / 2)
    return found


def trimmed_mean(updates, trim):
    n = len(updates)
    if trim < 0:
        raise ValueError("trim is negative")
    found = []
    for column in updates.T.tolist():
        left = sorted(column)[trim : n - trim] if n > 2 * trim else []
        if not left:
            raise ValueError("nothing is left")
        found.append(sum(left) / len(left))
    return np.array(found)


def krum(updates, byzantine):
    n = len(updates)
    if not 0 <= byzantine <= (n - 3) / 2:
        raise ValueError("too few updates")
    best, winner = None, None
    for i in range(n):
        squared = [float(np.sum((updates[i] - updates[j]) ** 2)) for j in range(n) if j != i]
        score = sum(sorted(squared)[: n - byzantine - 2])
        if best is None or score < best:
            best, winner = score, i
    return winner
