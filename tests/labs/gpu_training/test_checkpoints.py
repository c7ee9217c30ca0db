"""Checkpoints under damage: half a file, a full disk, a rank that was killed while it wrote."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.gpu_training import checkpoints
from labs.gpu_training.checkpoints import CheckpointError, load, newest, save

STATE = {"weights": [torch.arange(6.0).view(2, 3)], "step": 4, "rate": 1e-3, "seen": {0: True}}


def test_what_is_saved_comes_back(tmp_path):
    path = save(tmp_path / "new" / "folder", STATE, step=4, rank=2, world_size=4)
    back = load(path.parent, step=4, rank=2, world_size=4)
    assert torch.equal(back.pop("weights")[0], STATE["weights"][0])
    assert back == {"step": 4, "rate": 1e-3, "seen": {0: True}}
    assert [each.name for each in path.parent.iterdir()] == [path.name]  # no half file is left


def test_arrays_come_back_as_tensors(tmp_path):
    save(tmp_path, (np.ones(2), [np.zeros(1)]), step=0)
    back = load(tmp_path, step=0)
    assert isinstance(back, tuple)
    assert torch.equal(back[0], torch.ones(2, dtype=torch.float64))
    assert isinstance(back[1][0], torch.Tensor)


@settings(max_examples=30, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans())
def test_any_damage_is_noticed(tmp_path_factory, place, flip, cut):
    folder = tmp_path_factory.mktemp("states")
    path = save(folder, STATE, step=7)
    data = bytearray(path.read_bytes())
    where = int(place * len(data))
    if cut:
        data = data[:where]
    else:
        data[where] ^= flip
    path.write_bytes(data)
    assert not checkpoints.is_whole(path)
    with pytest.raises(
        CheckpointError, match=r"step-000000007.rank-0-of-1.state is damaged.*remove it"
    ):
        load(folder, step=7)


def test_the_newest_that_every_rank_has_whole(tmp_path):
    assert newest(tmp_path / "nowhere") is None
    for step in (2, 4, 10, 12):
        for rank in (0, 1):
            save(tmp_path, STATE, step=step, rank=rank, world_size=2)
    (tmp_path / "step-000000012.rank-1-of-2.state").unlink()  # killed before it wrote
    damaged = tmp_path / "step-000000010.rank-0-of-2.state"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    (tmp_path / "step-000000014.rank-0-of-2.part").write_bytes(b"half")
    assert newest(tmp_path, world_size=2) == 4
    for ranks in (1, 3):
        with pytest.raises(CheckpointError, match=f"checkpoints of 2 ranks, this job has {ranks};"):
            newest(tmp_path, world_size=ranks)
    save(tmp_path, STATE, step=6, world_size=1)
    assert newest(tmp_path) == 6


def test_a_full_disk_leaves_the_one_before(tmp_path, monkeypatch):
    save(tmp_path, {"step": 1}, step=1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        CheckpointError, match=r"rank-0-of-1.state cannot be written: .*No space left"
    ):
        save(tmp_path, {"step": 2}, step=1)
    monkeypatch.undo()
    assert load(tmp_path, step=1) == {"step": 1}
    assert not list(tmp_path.glob("*.part"))


def test_what_is_no_data_or_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="a value of type object"):
        save(tmp_path, object(), step=1)
    with pytest.raises(CheckpointError, match=r"cannot be read: .*No such file"):
        load(tmp_path, step=1)


def test_a_whole_file_of_another_kind_runs_nothing(tmp_path: Path):
    content = b"no message"
    path = save(tmp_path, {}, step=3)
    path.write_bytes(hashlib.sha256(content).digest() + content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path, step=3)
