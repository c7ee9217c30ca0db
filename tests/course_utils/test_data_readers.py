"""The readers of archives, against arrays that are made and packed here."""

import gzip
import io
import pickle
import struct
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_utils import data
from course_utils.errors import DataError


def test_no_room_to_unpack_is_one_line(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    add_idx(world, "MNIST", 3, 2)
    data.import_torchvision()  # makes folders of its own where temporary files go
    monkeypatch.setattr(tempfile, "tempdir", str(world.folder / "nowhere"))
    with pytest.raises(DataError, match="set TMPDIR to another folder") as caught:
        data.load("images", path=world.cache / "images")
    world.one_line(caught)


# ---- the readers, against arrays made here


def add_idx(world: Any, reader: str, n_train: int, n_test: int) -> dict[str, np.ndarray]:
    """Add a data set in the form of MNIST; return its arrays. IDX: magic, sizes, then bytes."""
    rng = np.random.default_rng(0)
    world.add_entry("images", reader, f"{{ train = {n_train}, test = {n_test} }}")
    made = {}
    for split, prefix, n in (("train", "train", n_train), ("test", "t10k", n_test)):
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = rng.integers(0, 10, n, dtype=np.uint8)
        made[split], made[f"{split} labels"] = images, labels
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim, *array.shape)
            body = gzip.compress(head + array.tobytes())
            path = f"images/{prefix}-{name}-ubyte.gz"
            world.add(path, body, f'["{split}"]')
            world.put(world.cache / path, body)
    return made


@pytest.mark.parametrize("reader", ["MNIST", "FashionMNIST"])
def test_images_of_the_mnist_form(world: Any, reader: str) -> None:
    made = add_idx(world, reader, 7, 4)
    for split, n in (("train", 7), ("test", 4)):
        part = data.load("images", split=split)
        assert (part.x.shape, part.x.dtype) == ((n, 1, 28, 28), np.float32)
        # Exact: n / 255 in float32 is the rounded quotient, and rint takes it back.
        np.testing.assert_array_equal(np.rint(part.x[:, 0] * 255), made[split])
        np.testing.assert_array_equal(part.y, made[f"{split} labels"])
        assert part.y.dtype == np.int64
        assert part.x.flags.c_contiguous
        assert part.source == "cache"
    for path in (world.cache / "images").glob("train-*"):
        path.unlink()
    assert len(data.load("images", split="test").y) == 4  # needs no file of the other split
    assert not world.server.asked


def test_images_of_the_cifar_form(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    published = data.import_torchvision().datasets.CIFAR10
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 2, 3, 32, 32), dtype=np.uint8)  # red, green, blue planes
    labels = rng.integers(0, 10, (6, 2))
    members = {
        name: {"data": pixels[i].reshape(2, 3072), "labels": labels[i].tolist()}
        for i, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"])
    }
    members["batches.meta"] = {"label_names": list(published.__name__)}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in members.items():
            body = pickle.dumps(content)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    # The class checks the md5 of the published batches; ours are others.
    for name in ("train_list", "test_list"):
        ours = [[batch, None] for batch, _ in getattr(published, name)]
        monkeypatch.setattr(published, name, ours)
    monkeypatch.setattr(published, "meta", {**published.meta, "md5": None})
    world.add_entry("colours", "CIFAR10", "{ train = 10, test = 2 }")
    world.add("colours/c.tar.gz", archive.getvalue(), '["train", "test"]')
    world.put(world.cache / "colours" / "c.tar.gz", archive.getvalue())
    train, test = data.load("colours"), data.load("colours", split="test")
    np.testing.assert_array_equal(np.rint(train.x * 255), pixels[:5].reshape(-1, 3, 32, 32))
    np.testing.assert_array_equal(np.rint(test.x * 255), pixels[5])
    np.testing.assert_array_equal(train.y, labels[:5].ravel())
    np.testing.assert_array_equal(test.y, labels[5])
    assert train.x.flags.c_contiguous
    assert train.x.dtype == np.float32


def test_members_of_a_tar_stay_within_their_folder(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("../../out", "/abs", "folder/in"):
            tar.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    data.readers._unpack(archive, archive.name, tmp_path / "deep" / "er")
    unpacked = {path.name for path in (tmp_path / "deep" / "er").iterdir()}
    assert unpacked == {"abs", "in", "out"}  # a link is left out
    everywhere = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert everywhere == unpacked | {"a.tar.gz"}


def test_text_is_codes_and_the_codes_that_follow(world: Any) -> None:
    train, val = data.load("toy"), data.load("toy", split="val")
    sizes = data.info("toy").splits
    assert (train.x.dtype, train.y.dtype) == (np.uint8, np.int64)
    assert {"train": len(train.x), "val": len(val.x)} == sizes
    assert train.x.tobytes() + bytes(train.y[-1:].tolist()) == world.text[: sizes["train"] + 1]
    assert val.x.tobytes() + bytes(val.y[-1:].tolist()) == world.text[sizes["train"] + 1 :]
    for part in (train, val):
        np.testing.assert_array_equal(part.x[1:], part.y[:-1])
        assert part.x.flags.writeable
