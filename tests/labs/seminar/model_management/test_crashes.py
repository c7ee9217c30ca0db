"""A process is really killed while it saves."""

import os
import sys

import pytest

from labs.seminar.model_management import crashes, states
from labs.seminar.model_management.errors import CorruptModelError
from labs.seminar.model_management.store import ModelStore


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a signal of POSIX")
@pytest.mark.parametrize("after", [1, 6])
def test_kill_9_loses_nothing_that_was_told(tmp_path, after):
    left = crashes.kill_while_saving(tmp_path / "store", seed=3, after=after)
    assert left.told >= after + 1  # the first is not told, the second follows it
    assert left.recovered == left.told
    assert crashes.leftovers(tmp_path / "store") == []
    with ModelStore(tmp_path / "store") as store:
        assert len(store.catalog.names()) == left.told + left.others


def test_a_damaged_model_counts_as_lost(tmp_path, monkeypatch):
    def damaged(store, name):
        if name == "0":
            raise CorruptModelError("it was changed on the disk")
        return recover(store, name)

    recover = ModelStore.recover
    monkeypatch.setattr(ModelStore, "recover", damaged)
    left = crashes.kill_while_saving(tmp_path / "store", seed=3, after=1)
    assert left.recovered == left.told - 1


def test_without_a_kill_every_model_is_told_and_there(tmp_path, capsys):
    crashes.save_on(tmp_path, seed=1, most=6)
    assert capsys.readouterr().out.split() == ["1", "2", "3", "4", "5"]
    with ModelStore(tmp_path) as store:
        for number in range(6):
            assert states.is_same(store.recover(str(number)), crashes.model(1, number))
        savers = [store.catalog.entry(str(n)).saver for n in range(6)]
    assert savers == ["full", "update", "update", "update", "full", "update"]
    assert sys.executable
