"""Sets of models: packed, stored, updated, recovered."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.seminar.model_management import given as functions
from labs.seminar.model_management import sets, states
from labs.seminar.model_management.store import ModelStore


def test_a_set_comes_back_from_a_store(tmp_path):
    models = sets.related(5, seed=0)
    with ModelStore(tmp_path) as store:
        sets.save_set(store, "set", models=models, pack=functions.pack_set)
        back = sets.recover_set(store, "set", unpack=functions.unpack_model)
    assert all(map(states.is_same, back, models))


def test_one_model_by_hand():
    # 4 x 32 + 32, 32 x 32 + 32, 32 x 16 + 16, 16 + 1: the four layers' weights and biases.
    (one,) = sets.related(1, seed=0)
    assert states.size_bytes(one) == 4 * (160 + 1056 + 528 + 17)


@given(share=st.floats(0, 1), seed=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_an_update_holds_the_models_that_changed_and_their_last_layer(share, seed):
    models = sets.related(8, seed=1)
    after = sets.retrained(models, share=share, seed=seed)
    _, old = functions.pack_set(models)
    _, new = functions.pack_set(after)
    update = sets.update_of_set(old, new)
    changed = round(share * 8)
    assert len(update["rows"]) == changed
    assert len(update["columns"]) == (17 if changed else 0)
    assert sets.with_update(old, update).tobytes() == new.tobytes()


def test_whole_models_that_change_are_rows_of_an_update():
    models = sets.related(8, seed=1)
    _, old = functions.pack_set(models)
    after = sets.retrained(models, share=0.25, seed=0, whole=True)
    update = sets.update_of_set(old, functions.pack_set(after)[1])
    assert update["values"].shape == (2, old.shape[1])


def test_nan_and_negative_zero_count_as_bits():
    old = np.array([[0.0, np.nan, 1.0]], np.float32)
    new = np.array([[-0.0, np.nan, 1.0]], np.float32)
    update = sets.update_of_set(old, new)
    assert update["columns"].tolist() == [0]
    assert sets.with_update(old, update).tobytes() == new.tobytes()


def test_a_set_saves_the_published_share_when_few_models_change():
    # "up to 99 % less storage", Strassenburg, Kupfer, Kowal, Rabl: Efficient Multi-Model
    # Management, EDBT 2023, doi 10.48786/edbt.2023.37. Here: one of 100 models, its last layer.
    models = sets.related(100, seed=0)
    _, old = functions.pack_set(models)
    _, new = functions.pack_set(sets.retrained(models, share=0.01, seed=0))
    saving = 1 - states.size_bytes(sets.update_of_set(old, new)) / old.nbytes
    assert saving > 0.99


def test_models_that_do_not_fit_are_refused():
    models = sets.related(2, seed=0)
    models[1]["layer0.bias"] = np.zeros(1, np.float32)
    with pytest.raises(ValueError, match="same names and shapes"):
        functions.pack_set(models)
