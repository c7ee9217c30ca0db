"""Costs of the savers: counted bytes, and times that are there. No time is asserted."""

import json

import pytest

from labs.seminar.model_management import measuring, networks, states, training
from labs.seminar.model_management.store import ModelStore

START = states.state_of(networks.build("digits", seed=0, width=16))


@pytest.fixture(scope="module")
def children():
    recipes = [training.Recipe(width=16, images=64, seed=s).complete() for s in range(6)]
    return [measuring.Child(training.train(START, r).state, r) for r in recipes]


@pytest.mark.parametrize("saver", measuring.SAVERS)
def test_every_saver_is_measured_and_leaves_the_base_alone(tmp_path, saver, children):
    with ModelStore(tmp_path, replay=training.replay) as store:
        store.save_full("base", START)
        files = store.objects.names()
        found = measuring.cost(store, saver, base="base", children=children)
        assert store.catalog.names() == ["base"]
        assert store.objects.names() == files
    save_ms, recover_ms, size = found.results()
    assert (save_ms.n, recover_ms.n) == (5, 5)
    assert (save_ms.kind, size.kind) == ("measured", "counted")
    head = 4 * (16 * 10 + 10)
    bounds = {"full": states.size_bytes(START), "shared": states.size_bytes(START)}
    least = bounds.get(saver, head if saver == "update" else 0)
    # Above the tensors: a row of the catalogue and, for each file, a header.
    assert least < size.value < least + 4000


def test_an_unknown_saver_is_named(tmp_path, children):
    with ModelStore(tmp_path) as store, pytest.raises(ValueError, match="saver is 'zip'"):
        measuring.cost(store, "zip", base="base", children=children)


def test_a_store_that_gives_another_model_is_noticed(tmp_path, children, monkeypatch):
    with ModelStore(tmp_path) as store:
        store.save_full("base", START)
        monkeypatch.setattr(store, "recover", lambda name: START)
        with pytest.raises(ValueError, match="another model"):
            measuring.cost(store, "full", base="base", children=children)


def test_the_bytes_of_an_entry_are_those_of_its_json(tmp_path):
    with ModelStore(tmp_path) as store:
        entry = store.save_full("x", START)
    parts = json.loads(json.dumps(["x", None, entry.layers, None, list(entry.files)]))
    assert measuring.entry_bytes(entry) == len(json.dumps(parts))


def test_timed_calls_and_recoveries_are_counted(tmp_path):
    seen = []
    assert len(measuring.timed(seen.append, repeats=6)) == 6
    assert seen == list(range(6))
    with ModelStore(tmp_path) as store:
        store.save_full("x", START)
        (times,) = measuring.recover_times(store, ["x"], repeats=5)
    assert len(times) == 5
    assert measuring.median(times).n == 5
    assert measuring.median([3.0, 1.0, 2.0, 5.0, 4.0]).value == 3.0
