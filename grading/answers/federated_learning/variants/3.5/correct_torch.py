import numpy as np
import torch


def kept(durations, wanted, deadline_s):
    values, order = torch.tensor(durations, dtype=torch.float64).sort(stable=True)
    order = order[(values <= deadline_s) & values.isfinite()]
    return order[:wanted].tolist()


def simulate_round(durations, wanted, deadline_s):
    used = kept(durations, wanted, deadline_s)
    round_s = durations[used[-1]] if len(used) == wanted else deadline_s
    wasted_s = sum(min(d, round_s) for c, d in enumerate(durations) if c not in used)
    return {"kept": used, "round_s": round_s, "wasted_s": wasted_s}


def staleness_weight(staleness, a):
    if np.ndim(staleness) == 0:
        return (1 + staleness) ** -a
    late = torch.as_tensor(staleness, dtype=torch.float64)
    return ((1 + late) ** -a).numpy()
