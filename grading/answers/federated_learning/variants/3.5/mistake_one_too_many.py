# message: kept of
import numpy as np


def kept(durations, wanted, deadline_s):
    in_time = [c for c, d in enumerate(durations) if d <= deadline_s and d != np.inf]
    return sorted(in_time, key=lambda c: durations[c])[: wanted + 1]


def simulate_round(durations, wanted, deadline_s):
    used = kept(durations, wanted, deadline_s)
    round_s = durations[used[-1]] if len(used) == wanted else deadline_s
    wasted_s = sum(min(d, round_s) for c, d in enumerate(durations) if c not in used)
    return {"kept": used, "round_s": round_s, "wasted_s": wasted_s}


def staleness_weight(staleness, a):
    return 1 / (1.0 + np.asarray(staleness)) ** a
