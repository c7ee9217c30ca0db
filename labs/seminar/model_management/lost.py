"""Replays of one training, each with one line of its recipe lost.

Which still give the same bits? The original goes on from a model and from the momentum of an
optimiser, with moving statistics of its batch normalisation: it depends on all that a recipe may
lack. Nothing is stored here.
"""

from dataclasses import dataclass, replace

import numpy as np

from labs.seminar.model_management.states import State, is_same
from labs.seminar.model_management.training import Recipe, Trained, train


@dataclass(frozen=True)
class Loss:
    """What came of a replay without one line.

    Parameters
    ----------
    lost
        Which.
    is_same
        Whether every bit of the model is as it was.
    tensors
        How many of its tensors differ.
    largest
        Largest difference of one number.
    """

    lost: str
    is_same: bool
    tensors: int
    largest: float

    def row(self) -> dict[str, object]:
        """Return it as a row for a table."""
        verdict = "yes" if self.is_same else "no"
        largest = f"{self.largest:.1e}" if self.tensors else "0"
        return {
            "lost from the recipe": self.lost,
            "same bits": verdict,
            "tensors that differ": self.tensors,
            "largest difference": largest,
        }


def losses(start: Trained, recipe: Recipe) -> list[Loss]:
    """Return what each loss does to a replay.

    Parameters
    ----------
    start
        The model and the momentum that the training goes on from.
    recipe
        How; every line of it is taken to matter.
    """
    want = train(start.state, recipe, buffers=start.buffers).state
    fresh = {
        name: np.zeros_like(array) if "running_mean" in name else array
        for name, array in start.state.items()
    }
    state, buffers = start.state, start.buffers
    other_order = replace(recipe, seed=recipe.seed + 1)
    other_batch = replace(recipe, batch=2 * recipe.batch)
    other_threads = replace(recipe, threads=recipe.threads % 2 + 1)
    replays = {
        "nothing": (state, recipe, buffers),
        "the seed of the order": (state, other_order, buffers),
        "the optimiser's momentum": (state, recipe, None),
        "the running means": (fresh, recipe, buffers),
        "the size of a batch": (state, other_batch, buffers),
        "the number of threads": (state, other_threads, buffers),
    }
    return [
        _compared(name, want, train(begin, how, buffers=past).state)
        for name, (begin, how, past) in replays.items()
    ]


def _compared(lost: str, want: State, got: State) -> Loss:
    different = [name for name in want if not is_same({"": want[name]}, {"": got[name]})]
    apart = (
        float(np.abs(want[name].astype(float) - got[name].astype(float)).max())
        for name in different
    )
    return Loss(lost, not different, len(different), max(apart, default=0.0))
