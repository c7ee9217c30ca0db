"""Sets of models of one architecture: one model of many, for a store that saves it whole.

A set becomes a single state with one matrix, a row a model; names and shapes are written once. It
packs with functions that are handed in, those of exercise 5.7 or the given ones.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labs.seminar.model_management.states import Array, State
from labs.seminar.model_management.store import ModelStore

Layout = Sequence[Any]  # of (name, shape)
Pack = Callable[[list[State]], tuple[Layout, Any]]
Unpack = Callable[[Layout, Any, int], Mapping[str, Any]]
MATRIX = "models"


def related(count: int, *, seed: int, hidden: int = 32) -> list[State]:
    """Return small models of one shape, such as one a battery cell: 4 layers, random weights.

    Parameters
    ----------
    count
        How many.
    seed
        Of the weights.
    hidden
        Units of a hidden layer.
    """
    rng = np.random.default_rng(seed)
    sides = [4, hidden, hidden, 16, 1]
    models = []
    for _ in range(count):
        state: State = {}
        for i, (inputs, outputs) in enumerate(itertools.pairwise(sides)):
            weight = rng.normal(0, inputs**-0.5, (outputs, inputs))
            state[f"layer{i}.weight"] = weight.astype(np.float32)
            state[f"layer{i}.bias"] = np.zeros(outputs, np.float32)
        models.append(state)
    return models


def retrained(
    models: Sequence[State], *, share: float, seed: int, whole: bool = False
) -> list[State]:
    """Return the models after some of them got a new last layer.

    Parameters
    ----------
    models
        Left as they are.
    share
        Of the models that change, in [0, 1].
    seed
        Of which and of the new weights.
    whole
        Whether their other layers are new too.
    """
    rng = np.random.default_rng(seed)
    chosen = set(rng.permutation(len(models))[: round(share * len(models))].tolist())
    last = next(reversed(models[0])).rpartition(".")[0]
    return [
        {
            name: rng.normal(0, 0.3, array.shape).astype(array.dtype)
            if number in chosen and (whole or name.rpartition(".")[0] == last)
            else array
            for name, array in model.items()
        }
        for number, model in enumerate(models)
    ]


def save_set(store: ModelStore, name: str, *, models: list[State], pack: Pack) -> None:
    """Save a set as one model with one matrix.

    Parameters
    ----------
    store, name
        Where, and a new name there.
    models
        Of one architecture.
    pack
        ``pack(models) -> (layout, matrix)``.
    """
    layout, matrix = pack(models)
    notes = {"layout": [[part, list(shape)] for part, shape in layout]}
    store.save_full(name, {MATRIX: np.asarray(matrix, np.float32)}, notes=notes)


def recover_set(store: ModelStore, name: str, *, unpack: Unpack) -> list[State]:
    """Return the models of a set.

    Parameters
    ----------
    store, name
        Where, and of the set.
    unpack
        ``unpack(layout, matrix, index) -> state``.
    """
    matrix: Array = store.recover(name)[MATRIX]
    layout = [(part, tuple(shape)) for part, shape in store.catalog.entry(name).notes["layout"]]
    return [
        {part: np.asarray(array) for part, array in unpack(layout, matrix, index).items()}
        for index in range(len(matrix))
    ]


def update_of_set(before: Array, after: Array) -> State:
    """Return the rows of a set that changed, with the columns that changed in any of them.

    Parameters
    ----------
    before, after
        (models, parameters), the matrices of two versions of a set.
    """
    is_other = before.view(np.uint32) != after.view(np.uint32)  # bits: NaN and -0.0 count too
    rows, columns = is_other.any(axis=1), is_other.any(axis=0)
    return {
        "rows": np.flatnonzero(rows).astype(np.int32),
        "columns": np.flatnonzero(columns).astype(np.int32),
        "values": after[np.ix_(rows, columns)],
    }


def with_update(before: Array, update: Mapping[str, Array]) -> Array:
    """Return a set after an update of `update_of_set`.

    Parameters
    ----------
    before
        (models, parameters), left as it is.
    update
        Rows, columns and values.
    """
    after = before.copy()
    after[np.ix_(update["rows"].astype(int), update["columns"].astype(int))] = update["values"]
    return after
