"""Stand-ins for exercise 3.9: averages by counting samples out, weights by torch's softmax."""

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["reweighted", "three_averages"]

Floats = NDArray[np.float64]


def three_averages(
    accuracies: Floats, sizes: NDArray[np.int64], share: float
) -> tuple[float, float, float]:
    """Return the mean over samples, that over clients, and that over the worst clients.

    Parameters
    ----------
    accuracies, sizes
        (clients,) each.
    share
        Of the clients, within (0, 1].
    """
    each = np.repeat(accuracies, sizes)
    count = max(1, round(share * len(accuracies)))
    worst = np.partition(accuracies, count - 1)[:count]
    return float(each.mean()), float(np.mean(accuracies)), float(worst.mean())


def reweighted(losses: Floats, sizes: NDArray[np.int64], q: float) -> Floats:
    """Return shares in proportion to size times loss to the power q.

    Parameters
    ----------
    losses, sizes
        (clients,) each, all above 0.
    q
        >= 0.
    """
    # A loss of float32 may be 0 to the last bit; q log(0) is 0 for q = 0.
    exponents = torch.special.xlogy(q, torch.as_tensor(np.asarray(losses, np.float64)))
    exponents += torch.as_tensor(np.asarray(sizes, np.float64)).log()
    shares: Floats = torch.softmax(exponents, 0).numpy()
    return shares
