"""The functions that stand in for yours until yours are right.

They lean on the lab's store or on other libraries, so there is nothing to copy; while your own
function is checked, this module and those are out of reach.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from labs.seminar.model_management import fingerprints
from labs.seminar.model_management.states import Array, State, is_same, layer_of

tensor_hash = fingerprints.tensor_hash
layer_hash = fingerprints.layer_hash
merkle_levels = fingerprints.merkle_levels


def changed_leaves(levels: Sequence[Sequence[str]], ask: Callable[[int, int], str]) -> list[int]:
    """Return which leaves differ from those of another tree.

    Parameters
    ----------
    levels
        Of one's own tree, from the leaves to the root.
    ask
        ``ask(level, index)`` returns the other tree's hash there.
    """
    nodes = [0] if ask(len(levels) - 1, 0) != levels[-1][0] else []
    for level in reversed(range(len(levels) - 1)):
        below = [i for n in nodes for i in (2 * n, 2 * n + 1) if i < len(levels[level])]
        nodes = [i for i in below if ask(level, i) != levels[level][i]]
    return nodes


def update_of(base: Mapping[str, Array], state: Mapping[str, Array]) -> tuple[State, list[str]]:
    """Return the tensors of a state that its base does not have, and names it no longer has.

    Parameters
    ----------
    base, state
        Name -> array.
    """
    kept = {n for n in state if n in base and is_same({"": state[n]}, {"": base[n]})}
    changed = {name: array for name, array in state.items() if name not in kept}
    return changed, sorted(base.keys() - state.keys())


def recover(name: str, read: Callable[[str], Mapping[str, Any]]) -> State:
    """Return the tensors of a model, reading the records of its chain.

    Parameters
    ----------
    name
        Of the model.
    read
        ``read(name)`` returns a record with base, tensors and removed.
    """
    record = read(name)
    base: State = {} if record["base"] is None else recover(record["base"], read)
    kept = {key: array for key, array in base.items() if key not in record["removed"]}
    return {**kept, **record["tensors"]}


def update_saving(tensors: Iterable[Sequence[Any]], changed: Collection[str]) -> float:
    """Return the share of the bytes that an update saves.

    Parameters
    ----------
    tensors
        Name, type and shape of each.
    changed
        Names of the layers that changed.
    """
    sizes = [(name, torch.empty(*shape, dtype=getattr(torch, kind)).nbytes) if shape else
             (name, np.dtype(kind).itemsize) for name, kind, shape in tensors]  # fmt: skip
    total = sum(size for _, size in sizes)
    return sum(size for name, size in sizes if layer_of(name) not in set(changed)) / total


def chain_plan(full_bytes: int, update_bytes: int, *, models: int, every: int) -> tuple[int, int]:
    """Return the storage of a chain with snapshots, and the most that one recovery reads.

    Parameters
    ----------
    full_bytes, update_bytes
        Of a snapshot, of an update.
    models
        Length of the chain.
    every
        Distance of the snapshots.
    """
    is_full = np.arange(models) % every == 0
    sizes = np.where(is_full, full_bytes, update_bytes)
    since = np.arange(models) - np.maximum.accumulate(np.where(is_full, np.arange(models), 0))
    return int(sizes.sum()), int((full_bytes + since * update_bytes).max())


def replay(
    record: Mapping[str, Any],
    step: Callable[[Any, Any], Any],
    fingerprint: Callable[[Any], str],
) -> Any:
    """Return what a training gives when it is done again.

    Parameters
    ----------
    record
        State, seed, examples, batch, first_epoch, epochs and hash.
    step
        ``step(state, indices) -> state``.
    fingerprint
        ``fingerprint(state) -> text``.

    Raises
    ------
    ValueError
        If the hash is another one.
    """
    rng = np.random.Generator(np.random.PCG64(record["seed"]))
    state = record["state"]
    for epoch in range(record["first_epoch"] + record["epochs"]):
        order = rng.permutation(record["examples"])
        starts = range(0, len(order), record["batch"])
        for start in starts if epoch >= record["first_epoch"] else ():
            state = step(state, order[start : start + record["batch"]])
    if fingerprint(state) != record["hash"]:
        raise ValueError("the replay gives another model than the record says")
    return state


def garbage(
    models: Mapping[str, Mapping[str, Any]], keep: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return which models and which files nobody needs.

    Parameters
    ----------
    models
        Name -> its base and its files.
    keep
        Names of the models that are kept.

    Raises
    ------
    ValueError
        If a kept model or a needed base is missing.
    """
    needed: set[str] = set()
    todo = set(keep)
    while todo:
        if missing := todo - models.keys():
            raise ValueError(f"needed and not there: {', '.join(sorted(missing))}")
        needed |= todo
        todo = {models[n]["base"] for n in todo} - {None} - needed
    used = {file for name in needed for file in models[name]["files"]}
    stored = {file for model in models.values() for file in model["files"]}
    return sorted(models.keys() - needed), sorted(stored - used)


def pack_set(states: Sequence[Mapping[str, Array]]) -> tuple[list[Any], Array]:
    """Return names and shapes once, and a row with all numbers a model.

    Parameters
    ----------
    states
        Models of one architecture.

    Raises
    ------
    ValueError
        If they do not have the same names and shapes.
    """
    layout = [(name, array.shape) for name, array in states[0].items()]
    for state in states:
        if {name: array.shape for name, array in state.items()} != dict(layout):
            raise ValueError("the models of a set have the same names and shapes")
    rows = [
        nn.utils.parameters_to_vector(torch.tensor(state[name]) for name, _ in layout)
        for state in states
    ]
    return layout, torch.stack(rows).numpy()


def unpack_model(layout: Sequence[Any], matrix: Array, index: int) -> State:
    """Return one model of a set.

    Parameters
    ----------
    layout, matrix
        As `pack_set` gave them.
    index
        Which row.
    """
    shapes = [tuple(shape) for _, shape in layout]
    sizes = [int(np.prod(shape)) for shape in shapes]
    parts = np.split(np.asarray(matrix)[index], np.cumsum(sizes)[:-1])
    return {
        name: part.reshape(shape)
        for (name, _), shape, part in zip(layout, shapes, parts, strict=True)
    }
