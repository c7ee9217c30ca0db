"""Random histories of a store, stopped at any step of any of them.

The model beside it is a dictionary of what must be there. A crash is an exception at a step of a
write, after which the store is abandoned and opened again, as after a restart.
"""

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from labs.seminar.model_management import states
from labs.seminar.model_management.store import ModelStore


class Crash(BaseException):
    """The process stops."""


def draw_state(seed):
    rng = np.random.default_rng(seed)
    layers = [layer for layer in "abc" if rng.random() < 0.8] or ["a"]
    # Few values, so that layers and whole files are often equal.
    tensors = [f"{layer}.{name}" for layer in layers for name in "wb"[: rng.integers(1, 3)]]
    return {name: np.full(2, rng.integers(3), np.float32) for name in tensors}


def replayed(state, recipe):
    return draw_state(recipe["seed"])


SEEDS = st.integers(0, 40)
STEPS = st.integers(0, 9)  # a save of one file has 6, a collection one a file and 4


class Store(RuleBasedStateMachine):
    """The store and, beside it, what it must hold."""

    names = Bundle("names")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.left = None
        self.kept = {}
        self.rows = set()
        self.number = 0
        self.open()

    def open(self):
        self.store = ModelStore(Path(self.folder.name), replay=replayed, hook=self.step)

    def step(self, name):
        if self.left is not None:
            if self.left == 0:
                self.left = None
                raise Crash
            self.left -= 1

    def teardown(self):
        self.store.close()
        self.folder.cleanup()

    def run(self, function, crash):
        """Run a change, perhaps with a crash, and say whether it came to its end."""
        self.left = crash
        try:
            function()
        except Crash:
            self.store.close()
            self.open()
            return False
        finally:
            self.left = None
        return True

    def save(self, saver, seed, base, crash):
        name, state = f"m{self.number}", draw_state(seed)
        self.number += 1
        if saver in ("update", "recipe") and base not in self.kept:
            saver = "full"
        if saver == "update":
            change = lambda: self.store.save_update(name, state, base=base)  # noqa: E731
        elif saver == "recipe":
            recipe = {"seed": seed}
            change = lambda: self.store.save_recipe(name, state, base=base, recipe=recipe)  # noqa: E731
        else:
            change = lambda: getattr(self.store, f"save_{saver}")(name, state)  # noqa: E731
        # A crash after the commit and before the call returned: saved or not, but never half.
        if self.run(change, crash) or name in self.store.catalog.names():
            self.kept[name] = state
            return name
        return multiple()

    @rule(target=names, saver=st.sampled_from(["full", "shared"]), seed=SEEDS)
    def begin(self, saver, seed):
        return self.save(saver, seed, None, None)

    @rule(
        target=names,
        saver=st.sampled_from(["full", "update", "recipe", "shared"]),
        seed=SEEDS,
        base=names,
        crash=st.none() | STEPS,
    )
    def save_more(self, saver, seed, base, crash):
        return self.save(saver, seed, base, crash)

    @rule(name=names, crash=st.none() | STEPS)
    def delete(self, name, crash):
        if name in self.kept:
            done = self.run(lambda: self.store.delete(name), crash)
            if done or name not in self.store.catalog.names():
                del self.kept[name]

    @rule(crash=st.none() | STEPS)
    def collect(self, crash):
        if self.run(self.store.collect, crash):
            assert self.store.objects.names() == self.store.catalog.files()

    @rule()
    def reopen(self):
        self.store.close()
        self.open()

    @invariant()
    def everything_kept_comes_back(self):
        assert self.store.catalog.names() == list(self.kept)
        for name, state in self.kept.items():
            assert states.is_same(self.store.recover(name), state)


TestStore = Store.TestCase
TestStore.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("saver", ["full", "update", "shared", "recipe"])
def test_a_crash_at_every_step_of_a_save_loses_nothing_that_was_saved(tmp_path, saver):
    base, state = draw_state(1), draw_state(2)
    crashes = 0
    for number in range(40):
        left = [number]

        def fail(step, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise Crash

        folder = tmp_path / str(number)
        with ModelStore(folder, replay=replayed) as store:
            store.save_full("base", base)
        with contextlib.suppress(Crash):
            store = ModelStore(folder, replay=replayed, hook=fail)
        failing = left[0] >= 0
        if failing:
            arguments = {} if saver in ("full", "shared") else {"base": "base"}
            if saver == "recipe":
                arguments["recipe"] = {"seed": 2}
            try:
                getattr(store, f"save_{saver}")("x", state, **arguments)
                is_done = True
            except Crash:
                is_done = False
            store.close()
        with ModelStore(folder, replay=replayed) as store:
            assert states.is_same(store.recover("base"), base)
            if "x" in store.catalog.names():
                assert states.is_same(store.recover("x"), state)
            else:
                assert not (failing and is_done)
            store.collect()
            assert store.objects.names() == store.catalog.files()
            assert states.is_same(store.recover("base"), base)
        if failing and is_done:
            break
        crashes += 1
    # Opening commits in 2 steps; a save takes 2 to commit and, for each file, 4 to write it.
    files = {"full": 1, "update": 1, "shared": len(states.layers_of(state)), "recipe": 0}[saver]
    assert crashes == 2 + 4 * files + 2
