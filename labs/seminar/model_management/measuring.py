"""Times to save and to recover, and bytes, of every saver: the three corners of the triangle.

Each repeat saves another model, since a store that knows its content by hash would not write the
same one twice. Files are read back from the page cache of the operating system: from a cold disk or
a network the times are longer, the bytes are the same.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from course_utils import stats
from course_utils.records import Result, counted
from labs.seminar.model_management.catalog import Entry
from labs.seminar.model_management.states import State, is_same
from labs.seminar.model_management.store import ModelStore
from labs.seminar.model_management.training import Recipe

MS_PER_S = 1000.0
SAVERS = ("full", "update", "recipe", "shared")


@dataclass(frozen=True)
class Child:
    """A model that was made from a base: its `state`, and the `recipe` of how."""

    state: State
    recipe: Recipe


@dataclass
class Cost:
    """What a saver costs a model.

    Parameters
    ----------
    saver
        Which one.
    save_ms, recover_ms
        One time a model [ms].
    size_bytes
        Bytes a model adds to the store, files and catalogue, largest of all.
    """

    saver: str
    save_ms: list[float] = field(default_factory=list)
    recover_ms: list[float] = field(default_factory=list)
    size_bytes: int = 0

    def results(self) -> tuple[Result, Result, Result]:
        """Return the medians of the times with their intervals, and the bytes."""
        return median(self.save_ms), median(self.recover_ms), counted(self.size_bytes)


def entry_bytes(entry: Entry) -> int:
    """Return the bytes of what the catalogue says of a model, written as JSON.

    Parameters
    ----------
    entry
        Of a model.
    """
    return len(json.dumps([entry.name, entry.base, entry.layers, entry.recipe, entry.files]))


def cost(
    store: ModelStore, saver: str, *, base: str, children: Sequence[Child], warmup: int = 1
) -> Cost:
    """Save, recover and delete each of some models, and return what it cost.

    Parameters
    ----------
    store
        With the base, and a function that replays.
    saver
        One of `SAVERS`; a recipe is saved without being replayed first.
    base
        Name of the model that all children start from.
    children
        Each another model.
    warmup
        Of how many of the first no time is taken.

    Raises
    ------
    ValueError
        If there is no such saver, or a model is not recovered as it was.
    """
    if saver not in SAVERS:
        raise ValueError(f"saver is {saver!r}; choose one of {', '.join(SAVERS)}")
    found = Cost(saver)
    for number, child in enumerate(children):
        name = f"{saver} {number}"
        save_ms = _ms(lambda c=child, n=name: save(store, saver, name=n, base=base, child=c))  # type: ignore[misc]  # bound early
        got: list[State] = []
        recover_ms = _ms(lambda n=name, g=got: g.append(store.recover(n)))  # type: ignore[misc]  # the same
        if not is_same(got[0], child.state):
            raise ValueError(f"{saver} gave another model than it was given")
        if number >= warmup:
            found.save_ms.append(save_ms)
            found.recover_ms.append(recover_ms)
        entry = store.catalog.entry(name)
        found.size_bytes = max(found.size_bytes, store.file_bytes(name) + entry_bytes(entry))
        store.delete(name)
        store.collect()
    return found


def save(store: ModelStore, saver: str, *, name: str, base: str, child: Child) -> None:
    """Save a model with one of the savers.

    Parameters
    ----------
    store, saver
        Where, and one of `SAVERS`.
    name, base
        Of the model, and of what it starts from; full and shared do not use the base.
    child
        The model.
    """
    if saver == "full":
        store.save_full(name, child.state)
    elif saver == "shared":
        store.save_shared(name, child.state)
    elif saver == "update":
        store.save_update(name, child.state, base=base)
    else:
        recipe = child.recipe.to_json()
        store.save_recipe(name, child.state, base=base, recipe=recipe, is_checked=False)


def recover_times(store: ModelStore, names: Sequence[str], *, repeats: int) -> list[list[float]]:
    """Return the times to recover each of some models [ms].

    Parameters
    ----------
    store, names
        Where, and which.
    repeats
        How often each; the models take turns, so that a slow moment hits all of them.
    """
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            times[name].append(_ms(lambda n=name: store.recover(n)))  # type: ignore[misc]  # bound early
    return list(times.values())


def timed(function: Callable[[int], object], *, repeats: int) -> list[float]:
    """Return the times of some calls [ms].

    Parameters
    ----------
    function
        Called with the number of the repeat.
    repeats
        How often.
    """
    return [_ms(lambda i=i: function(i)) for i in range(repeats)]  # type: ignore[misc]  # bound early


def median(samples: Sequence[float]) -> Result:
    """Return the median of some samples with its interval.

    Parameters
    ----------
    samples
        At least 5.
    """
    return stats.median_interval(samples).result()


def ratio(over: Sequence[float], under: Sequence[float]) -> Result:
    """Return the median of the ratios of pairs, with its interval.

    Parameters
    ----------
    over, under
        As many samples each, at least 5; drift between the two series is not taken out.

    Examples
    --------
    >>> ratio([2, 4, 6, 8, 10], [1, 2, 3, 4, 5]).value
    2.0
    """
    return median([a / b for a, b in zip(over, under, strict=True)])


def _ms(function: Callable[[], object]) -> float:
    start_s = perf_counter()
    function()
    return MS_PER_S * (perf_counter() - start_s)
