"""The given functions against oracles of their own."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.seminar.model_management import given as functions
from labs.seminar.model_management import states

STATES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2), max_size=4)


def arrays(state):
    return {name: np.array([value], np.int16) for name, value in state.items()}


@given(leaves=st.lists(st.sampled_from("xyz"), min_size=1, max_size=40), data=st.data())
def test_changed_leaves_are_all_and_only_those_that_differ(leaves, data):
    other = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(leaves), max_size=len(leaves)))
    mine, theirs = functions.merkle_levels(leaves), functions.merkle_levels(other)
    found = functions.changed_leaves(mine, lambda level, index: theirs[level][index])
    assert found == [i for i, (a, b) in enumerate(zip(leaves, other, strict=True)) if a != b]


@given(chain=st.lists(STATES, min_size=1, max_size=6))
def test_updates_in_a_chain_give_every_model_back(chain):
    shelf = {0: {"base": None, "tensors": arrays(chain[0]), "removed": []}}
    for number, (old, new) in enumerate(itertools.pairwise(chain), start=1):
        changed, removed = functions.update_of(arrays(old), arrays(new))
        shelf[number] = {"base": number - 1, "tensors": changed, "removed": removed}
    for number, state in enumerate(chain):
        assert states.is_same(functions.recover(number, shelf.get), arrays(state))


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 99), st.integers(100, 999))
def test_a_plan_against_a_walk(models, every, update, full):
    sizes = [full if i % every == 0 else update for i in range(models)]
    reads = [sum(sizes[i - i % every : i + 1]) for i in range(models)]
    plan = functions.chain_plan(full, update, models=models, every=every)
    assert plan == (sum(sizes), max(reads))


@given(
    *(st.integers(1, 12), st.integers(1, 5), st.integers(0, 3), st.integers(0, 3)),
)
@settings(max_examples=30)
def test_a_replay_sees_the_batches_of_the_original(examples, batch, first, epochs):
    rng = np.random.default_rng(7)
    orders = [rng.permutation(examples).tolist() for _ in range(first + epochs)][first:]
    seen = []
    record = {"state": (), "seed": 7, "examples": examples, "batch": batch}
    record |= {"first_epoch": first, "epochs": epochs, "hash": "h"}

    def step(state, indices):
        seen.append(list(indices))
        return (*state, *indices)

    state = functions.replay(record, step, lambda state: "h")
    assert list(state) == [i for order in orders for i in order]
    assert all(len(b) == batch for b in seen[:-1]) or examples % batch
    with pytest.raises(ValueError, match="another model"):
        functions.replay(record, step, lambda state: "other")


@given(data=st.data(), count=st.integers(1, 10))
def test_garbage_is_what_no_walk_from_a_kept_model_reaches(data, count):
    models = {}
    for i in range(count):
        base = data.draw(st.sampled_from([None, *range(i)]))
        files = data.draw(st.lists(st.sampled_from("pqrstu"), max_size=3))
        models[str(i)] = {"base": None if base is None else str(base), "files": files}
    keep = data.draw(st.lists(st.sampled_from(sorted(models))))
    reached = set()
    for kept in keep:
        name = kept
        while name is not None:
            reached.add(name)
            name = models[name]["base"]
    used = {file for name in reached for file in models[name]["files"]}
    gone, files = functions.garbage(models, keep)
    assert set(gone) == set(models) - reached
    assert set(files) == {f for m in models.values() for f in m["files"]} - used
    with pytest.raises(ValueError, match="not there: x"):
        functions.garbage(models, ["x"])


def test_a_saving_by_hand():
    tensors = [("a.w", "float32", (2, 3)), ("a.n", "int64", ()), ("b.w", "float32", (2,))]
    # 24, 8 and 8 bytes.
    assert functions.update_saving(tensors, ["b"]) == 32 / 40
