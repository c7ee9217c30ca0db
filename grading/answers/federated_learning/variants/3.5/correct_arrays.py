import numpy as np


def kept(durations, wanted, deadline_s):
    d = np.asarray(durations, float)
    order = np.lexsort([np.arange(len(d)), d])
    return order[(d[order] <= deadline_s) & np.isfinite(d[order])][:wanted]


def simulate_round(durations, wanted, deadline_s):
    d = np.asarray(durations, float)
    used = kept(durations, wanted, deadline_s)
    round_s = deadline_s if len(used) < wanted else d[used].max()
    others = np.delete(d, used)
    return {"wasted_s": np.clip(others, None, round_s).sum(), "round_s": round_s, "kept": used}


def staleness_weight(staleness, a):
    return np.power(np.add(staleness, 1.0), -a)
