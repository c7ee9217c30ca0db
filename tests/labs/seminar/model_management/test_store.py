"""The savers: what they give back, what they write, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labs.seminar.model_management import fingerprints, states
from labs.seminar.model_management.errors import (
    CorruptModelError,
    MissingFileError,
    NameTakenError,
    ReplayError,
    UnknownModelError,
)
from labs.seminar.model_management.store import ModelStore

ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.float16, np.int64, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3),
)
NAMES = st.sampled_from(["a.w", "a.b", "b.w", "c.d.w", "top"])
STATES = st.dictionaries(NAMES, ARRAYS, min_size=1)


def add_one(state, recipe):
    return {name: array + np.float32(recipe["by"]) for name, array in state.items()}


def model(value=0.0, layers="abc"):
    return {f"{layer}.w": np.full((2, 3), value, np.float32) for layer in layers}


@given(base=STATES, state=STATES, saver=st.sampled_from(["full", "shared", "update"]))
@settings(max_examples=60, deadline=None)
def test_any_state_comes_back_bit_by_bit(tmp_path_factory, base, state, saver):
    with ModelStore(tmp_path_factory.mktemp("store")) as store:
        store.save_full("base", base)
        if saver == "update":
            store.save_update("x", state, base="base")
        else:
            getattr(store, f"save_{saver}")("x", state)
        assert states.is_same(store.recover("x"), state)
        assert states.is_same(store.recover("base"), base)


def test_an_update_writes_the_changed_layers_alone_and_does_not_read_its_base(tmp_path):
    with ModelStore(tmp_path) as store:
        (file,) = store.save_full("base", model()).files
        (tmp_path / "objects" / file).unlink()
        new = model() | {"b.w": np.ones((2, 3), np.float32)}
        store.save_update("x", new, base="base")
        # 6 numbers of 4 bytes, and a header of at most 100 characters for one name.
        assert 24 < store.file_bytes("x") < 24 + 100
        store.save_update("same", model(), base="base")
        assert store.file_bytes("same") == 0


def test_a_base_that_became_another_model_meanwhile_is_no_base(tmp_path, monkeypatch):
    with ModelStore(tmp_path) as store, ModelStore(tmp_path) as other:
        store.save_full("base", model())
        hashes = fingerprints.layer_hashes

        def replaced_meanwhile(state):
            monkeypatch.setattr(fingerprints, "layer_hashes", hashes)
            entry = store.catalog.entry("base")
            monkeypatch.setattr(store.catalog, "entry", lambda name: (swap(), entry)[1])
            return hashes(state)

        def swap():
            monkeypatch.undo()
            other.delete("base")
            other.collect()
            other.save_full("base", model(5.0))

        monkeypatch.setattr(fingerprints, "layer_hashes", replaced_meanwhile)
        with pytest.raises(UnknownModelError, match="became another one meanwhile; save again"):
            store.save_update("x", model() | {"b.w": np.ones((2, 3), np.float32)}, base="base")
        assert states.is_same(store.recover("base"), model(5.0))


def test_a_layer_that_loses_a_tensor_does_not_keep_that_of_its_base(tmp_path):
    two = model() | {"a.extra": np.zeros(1)}
    with ModelStore(tmp_path) as store:
        store.save_full("base", two)
        store.save_update("x", model(), base="base")
        assert states.is_same(store.recover("x"), model())


def test_shared_layers_are_one_file(tmp_path):
    with ModelStore(tmp_path) as store:
        store.save_shared("x", model())
        assert len(store.objects.names()) == 3
        store.save_shared("y", model() | {"b.w": np.ones((2, 3), np.float32)})
        assert len(store.objects.names()) == 4


def test_a_recipe_holds_no_tensor_and_is_replayed(tmp_path):
    with ModelStore(tmp_path, replay=add_one) as store:
        store.save_full("base", model(0.0))
        store.save_recipe("x", model(2.0), base="base", recipe={"by": 2.0})
        store.save_recipe("y", model(5.0), base="x", recipe={"by": 3.0})
        assert store.file_bytes("y") == 0
        assert states.is_same(store.recover("y"), model(5.0))
        assert [entry.name for entry in store.chain("y")] == ["y", "x", "base"]


def test_a_recipe_that_gives_another_model_is_not_saved(tmp_path):
    with ModelStore(tmp_path, replay=add_one) as store:
        store.save_full("base", model())
        with pytest.raises(ReplayError, match="'x' should have the hash"):
            store.save_recipe("x", model(2.5), base="base", recipe={"by": 2.0})
        assert store.catalog.names() == ["base"]
        store.save_recipe("x", model(2.5), base="base", recipe={"by": 2.0}, is_checked=False)
        with pytest.raises(ReplayError, match="'x' should have the hash"):
            store.recover("x")


def test_without_a_replay_recipes_are_refused(tmp_path):
    with ModelStore(tmp_path, replay=add_one) as store:
        store.save_full("base", model())
        store.save_recipe("x", model(1.0), base="base", recipe={"by": 1.0})
    with ModelStore(tmp_path) as store, pytest.raises(ReplayError, match="replay="):
        store.recover("x")


def test_names_are_unique_and_bases_must_be_kept(tmp_path):
    with ModelStore(tmp_path) as store:
        store.save_full("x", model())
        with pytest.raises(NameTakenError, match="'x'"):
            store.save_full("x", model(1.0))
        with pytest.raises(UnknownModelError, match="'y'; those kept here: x"):
            store.save_update("z", model(), base="y")
        store.save_update("z", model(1.0), base="x")
        store.delete("x")
        with pytest.raises(UnknownModelError, match="'x'"):
            store.recover("x")
        with pytest.raises(UnknownModelError, match="'x'"):
            store.save_update("w", model(), base="x")
        with pytest.raises(NameTakenError, match="still needed"):
            store.save_full("x", model())
        assert states.is_same(store.recover("z"), model(1.0))
        with pytest.raises(ValueError, match="no tensor"):
            store.save_full("empty", {})


def test_collecting_drops_models_and_files_that_nobody_needs(tmp_path):
    with ModelStore(tmp_path) as store:
        store.save_full("a", model())
        store.save_update("b", model(1.0), base="a")
        store.save_full("c", model())  # the file of a
        store.delete("a")
        assert store.collect() == ([], [])
        store.delete("b")
        models, files = store.collect()
        assert models == ["b", "a"]
        assert len(files) == 1
        assert states.is_same(store.recover("c"), model())
        store.save_full("a", model())


def test_damage_is_found_in_the_file_and_behind_it(tmp_path):
    with ModelStore(tmp_path) as store:
        (file,) = store.save_full("x", model()).files
        store.save_update("y", model() | {"a.w": np.ones(1, np.float32)}, base="x")
        path = tmp_path / "objects" / file
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
        for name in ("x", "y"):
            with pytest.raises(CorruptModelError, match="changed on the disk"):
                store.recover(name)
        path.unlink()
        with pytest.raises(MissingFileError):
            store.recover("y")


def test_a_catalogue_that_names_the_wrong_file_is_noticed(tmp_path):
    with ModelStore(tmp_path) as store:
        (one,) = store.save_full("x", model()).files
        (two,) = store.save_full("y", model(1.0)).files
        with store.catalog.writing():
            store.catalog._database.execute("UPDATE files SET object = ?", (two,))
        with pytest.raises(CorruptModelError, match="not a bit of it"):
            store.recover("x")
        assert one != two


def test_models_survive_closing(tmp_path):
    with ModelStore(tmp_path) as store:
        entry = store.save_full("x", model(), notes={"who": "me"})
    with ModelStore(tmp_path) as store:
        assert store.catalog.entry("x") == entry
        assert entry.notes == {"who": "me"}
        assert entry.hash == fingerprints.model_hash(fingerprints.layer_hashes(model()))
        assert store.total_bytes() >= store.file_bytes("x") + 4096  # a page of SQLite at least
