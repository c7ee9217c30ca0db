import numpy as np


def kept(durations, wanted, deadline_s):
    found = []
    while len(found) < wanted:
        left = [c for c in range(len(durations)) if c not in found]
        if not left:
            break
        first = min(left, key=lambda c: durations[c])
        if durations[first] > deadline_s or durations[first] == float("inf"):
            break
        found.append(first)
    return found


def simulate_round(durations, wanted, deadline_s):
    used = kept(durations, wanted, deadline_s)
    round_s = deadline_s
    if len(used) == wanted:
        round_s = max(durations[c] for c in used)
    worked = [min(d, round_s) for d in durations]
    return {
        "kept": used,
        "round_s": round_s,
        "wasted_s": sum(worked) - sum(worked[c] for c in used),
    }


def staleness_weight(staleness, a):
    return np.exp(-a * np.log1p(staleness))
