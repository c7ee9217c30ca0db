import numpy as np


def diagnose(evidence):
    scale = np.divide(evidence["applied"], evidence["expected"])
    is_right = np.isclose(scale, 1, atol=2e-3)
    tests = [
        ("same shard", np.ptp(evidence["batches"], axis=0).any()),
        ("shared dropout", evidence["dropout"] == 0 or np.ptp(evidence["masks"], axis=0).any()),
        ("summed gradients", is_right.any()),
        ("stale bucket", is_right.all()),
        ("healthy", False),
    ]
    return next(name for name, holds in tests if not holds)
