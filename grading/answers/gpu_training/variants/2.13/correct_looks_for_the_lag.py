import numpy as np


def diagnose(evidence):
    applied, expected = np.array(evidence["applied"]), np.array(evidence["expected"])
    if (np.array(evidence["batches"]) == evidence["batches"][0]).all():
        return "same shard"
    if evidence["dropout"] and (np.array(evidence["masks"]) == evidence["masks"][0]).all():
        return "shared dropout"
    if np.allclose(applied, evidence["ranks"] * expected, rtol=2e-3):
        return "summed gradients"
    is_late = np.isclose(applied[1:], expected[:-1], rtol=1e-6).all(axis=0)
    is_now = np.isclose(applied[1:], expected[1:], rtol=2e-3).all(axis=0)
    return "stale bucket" if (is_late & ~is_now).any() else "healthy"
