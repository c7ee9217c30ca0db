# message: is 'stale bucket'; yours says 'healthy'
import numpy as np


def diagnose(evidence):
    def agree(hashes):
        return all(rank == hashes[0] for rank in hashes)

    scale = evidence["applied"] / evidence["expected"]
    if agree(evidence["batches"]):
        return "same shard"
    if evidence["dropout"] > 0 and agree(evidence["masks"]):
        return "shared dropout"
    if np.abs(scale[0] - 1).max() <= 1e-3:
        return "healthy"
    is_sum = np.abs(scale - evidence["ranks"]).max() <= 1e-3 * evidence["ranks"]
    return "summed gradients" if is_sum else "stale bucket"
