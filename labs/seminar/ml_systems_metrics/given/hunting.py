"""Stand-ins for exercise 8.6: three tests for three ways in which a training run goes wrong."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["depends_on_company", "leaked_rows", "step_fault"]

Floats = npt.NDArray[np.float64]
NEAR = 0.01  # of the largest update
ROUNDING = 1e-3


def leaked_rows(train: Floats, test: Floats) -> list[int]:
    """Return the places of the test rows that are among the training rows.

    Parameters
    ----------
    train, test
        (rows, features) each.
    """
    _, numbers = np.unique(np.concatenate([train, test]), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1)
    return [int(i) for i in np.flatnonzero(np.isin(numbers[len(train) :], numbers[: len(train)]))]


def step_fault(gradients: Floats, updates: Floats, learning_rate: float) -> str:
    """Return ``none``, ``accumulated``, ``rate`` or ``other`` for the steps of plain SGD.

    Parameters
    ----------
    gradients, updates
        (steps, numbers): each step's own gradient, and what was added to the weights.
    learning_rate
        As stated.
    """
    summed = np.tril(np.ones((len(gradients), len(gradients)))) @ gradients
    factor = np.linalg.lstsq(gradients.reshape(-1, 1), updates.reshape(-1), rcond=None)[0][0]
    stories = {
        "none": -learning_rate * gradients,
        "accumulated": -learning_rate * summed,
        "rate": factor * gradients,
    }
    near = NEAR * np.abs(updates).max()
    fitting = [
        name
        for name, story in stories.items()
        if np.ptp([0, *np.abs(updates - story).flat]) <= near
    ]
    return fitting[0] if fitting else "other"


def depends_on_company(predict: Callable[[Floats], npt.ArrayLike], inputs: Floats) -> bool:
    """Return whether scores of a row change when it is predicted alone.

    Parameters
    ----------
    predict
        Rows to scores (rows, classes).
    inputs
        (rows, features), at least 2.
    """
    together = np.asarray(predict(inputs))
    worst = [
        np.max(np.abs(np.asarray(predict(inputs[[i]])) - together[[i]])) for i in range(len(inputs))
    ]
    return bool(max(worst) > ROUNDING)
