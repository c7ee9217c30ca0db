"""The training gives the same bits again, and its recipe holds what it depends on."""

import json
from dataclasses import replace

import pytest
import torch

from labs.seminar.model_management import lost, networks, states, training
from labs.seminar.model_management.errors import ReplayError
from labs.seminar.model_management.store import ModelStore

START = states.state_of(networks.build("digits", seed=0, width=16))
RECIPE = training.Recipe(width=16, images=96, batch=32)


def test_the_same_recipe_gives_the_same_bits_and_only_the_head_changes():
    one, two = (training.train(START, RECIPE) for _ in range(2))
    assert states.is_same(one.state, two.state)
    assert states.is_same(one.buffers, two.buffers)
    changed = [n for n in START if not states.is_same({"": START[n]}, {"": one.state[n]})]
    assert changed == ["head.weight", "head.bias"]


def test_in_training_mode_the_statistics_move():
    after = training.train(START, replace(RECIPE, has_statistics=True)).state
    moved = {n for n in START if not states.is_same({"": START[n]}, {"": after[n]})}
    assert {"body.1.running_mean", "body.4.running_var", "body.1.num_batches_tracked"} < moved


def test_two_halves_with_the_buffers_are_one_whole():
    # Momentum goes on where it was, but the order is drawn anew from each half's own seed.
    first = training.train(START, RECIPE)
    resumed = training.train(first.state, RECIPE, buffers=first.buffers)
    fresh = training.train(first.state, RECIPE)
    assert not states.is_same(resumed.state, fresh.state)


def test_training_on_leaves_torch_as_it_was():
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    random = torch.random.get_rng_state()
    training.train(START, replace(RECIPE, threads=2))
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
    assert torch.equal(random, torch.random.get_rng_state())


def test_a_recipe_survives_json_and_is_replayed_by_a_store(tmp_path):
    recipe = RECIPE.complete()
    after = training.train(START, recipe).state
    with ModelStore(tmp_path, replay=training.replay) as store:
        store.save_full("base", START)
        plain = json.loads(json.dumps(recipe.to_json()))
        store.save_recipe("x", after, base="base", recipe=plain)
        assert states.is_same(store.recover("x"), after)


@pytest.mark.parametrize("field", ["data_hash", "torch_version"])
def test_another_place_is_refused(field):
    recipe = RECIPE.complete().to_json() | {field: "other"}
    with pytest.raises(ReplayError, match="other, here: "):
        training.replay(START, recipe)


def test_what_a_loss_does():
    whole = replace(RECIPE, trained=("",), has_statistics=True, images=200)
    begun = training.train(START, whole)
    found = {loss.lost: loss for loss in lost.losses(begun, whole)}
    assert found["nothing"].is_same
    assert found["nothing"].row()["same bits"] == "yes"
    # Threads may or may not matter on a machine; these four always do.
    for name in ("the seed of the order", "the optimiser's momentum", "the running means",
                 "the size of a batch"):  # fmt: skip
        assert not found[name].is_same, name
        assert found[name].tensors > 0
        assert found[name].largest > 0
    assert len(found) == 6
