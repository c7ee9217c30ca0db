"""Data sets by name: the embedded digits, the import of torchvision, and real archives.

Real data is read where the environment names a folder of archives (COURSE_DATA); those tests are
skipped without one.
"""

import gzip
import hashlib
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from course_utils import data
from course_utils.errors import DataCorruptError, DataError, DataMissingError, UnknownDataError

ROOT = Path(__file__).parents[2]
real_archives = os.environ.get("COURSE_DATA", "")
needs_archives = pytest.mark.skipif(
    not real_archives or not Path(real_archives, "mnist_t10k").is_dir(),
    reason="needs real archives: COURSE_DATA with mnist_t10k/",
)


# ---- names, registry, torchvision


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownDataError, match="did you mean 'cifar10'") as caught:
        data.load("cifar-10")
    assert "\n" not in str(caught.value)
    with pytest.raises(
        UnknownDataError, match="known: digits, keywords_synthetic, tinyshakespeare, mnist, fa"
    ):
        data.info("xyzzy")


def test_the_registry_of_an_installed_package_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "course_utils"
    monkeypatch.setattr(data.registry, "__file__", str(package / "data" / "registry.py"))
    assert data.registry_folder() == tmp_path / "datasets"
    (package / "datasets").mkdir(parents=True)
    assert data.registry_folder() == package / "datasets"
    with pytest.raises(DataError, match="install the project again") as caught:
        data.list_datasets()
    assert "\n" not in str(caught.value)


def test_torchvision_works_whatever_torch_is_installed() -> None:
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "from course_utils.data import import_torchvision as get\n"
        "assert get() is get()\n"
        "import torch; print(get().models.resnet18().eval()(torch.zeros(1, 3, 32, 32)).shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "torch.Size([1, 1000])\n", done.stderr


def test_missing_schemas_are_declared_and_the_import_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    whole = SimpleNamespace(__name__="torchvision")

    class Library:
        def __init__(self, *args: str) -> None:
            calls.append(" ".join(args))

        def define(self, schema: str) -> None:
            calls.append(schema)

    def fake_import(name: str) -> object:
        calls.append(name)
        if name == "torch.library":
            return SimpleNamespace(Library=Library)
        if "torchvision.half" in sys.modules:
            raise RuntimeError("operator torchvision::nms does not exist")
        return whole

    monkeypatch.setattr(data.readers, "import_module", fake_import)
    monkeypatch.setattr(data.readers, "_LIBRARIES", kept := [])
    others = {name for name in sys.modules if name.partition(".")[0] != "torchvision"}
    monkeypatch.setattr(sys, "modules", {**sys.modules, "torchvision.half": whole})
    assert data.import_torchvision() is whole
    arguments = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    assert calls == [
        "torchvision",
        "torch.library",
        "torchvision FRAGMENT",
        f"nms{arguments}",
        f"qnms{arguments}",
        "torchvision",
    ]
    assert len(kept) == 1
    assert others <= set(sys.modules)


def test_another_failure_of_torchvision_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise RuntimeError("operator torchvision::roi_align does not exist")

    monkeypatch.setattr(data.readers, "import_module", fail)
    with pytest.raises(RuntimeError, match="roi_align"):
        data.import_torchvision()


# ---- digits


@pytest.fixture(scope="module")
def digits() -> dict[str, data.DataSplit]:
    return {split: data.load("digits", split=split) for split in data.info("digits").splits}


def test_digits_are_all_there_once(digits: dict[str, data.DataSplit]) -> None:
    bunch = load_digits()
    expected = sorted(
        (pixels.tobytes(), label)
        for pixels, label in zip((bunch.images / 16).astype(np.float32), bunch.target, strict=True)
    )
    seen = sorted(
        (pixels.tobytes(), label)
        for part in digits.values()
        for pixels, label in zip(part.x[:, 0], part.y, strict=True)
    )
    assert seen == expected
    assert sum(len(part.y) for part in digits.values()) == 1797


def test_digits_have_the_form_that_is_documented(digits: dict[str, data.DataSplit]) -> None:
    for split, part in digits.items():
        n = data.info("digits").splits[split]
        assert (part.x.shape, part.x.dtype) == ((n, 1, 8, 8), np.float32)
        assert (part.y.shape, part.y.dtype) == ((n,), np.int64)
        assert (part.x.min(), part.x.max()) == (0.0, 1.0)
        assert part.x.flags.c_contiguous
        assert part.x.flags.writeable
        assert (part.name, part.split, part.source) == ("digits", split, "scikit-learn")
        assert repr(part) == (
            f"digits {split}: x ({n}, 1, 8, 8) float32, y ({n},) int64, from scikit-learn"
        )


def test_digits_are_split_as_the_card_says(digits: dict[str, data.DataSplit]) -> None:
    bunch = load_digits()
    parts: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    for label in range(10):
        rows = [row for row in range(1797) if bunch.target[row] == label]
        rows.sort(key=lambda row: hashlib.sha256(f"digits:{row}".encode()).hexdigest())
        for turn, row in enumerate(rows):
            parts[["train", "train", "train", "val", "test"][turn % 5]].append(row)
    for split, rows in parts.items():
        np.testing.assert_array_equal(digits[split].y, bunch.target[sorted(rows)])
        np.testing.assert_array_equal(digits[split].x[:, 0] * 16, bunch.images[sorted(rows)])
    # One more than another class at most in val and test: dealing out ends within a round.
    spread = {split: np.ptp(np.bincount(part.y)) for split, part in digits.items()}
    assert spread["val"] <= 2
    assert spread["test"] <= 2


def test_digits_labels_belong_to_the_images(digits: dict[str, data.DataSplit]) -> None:
    train, test = (digits[split].x.reshape(-1, 1, 64) for split in ("train", "test"))
    distance = ((test - train[:, 0]) ** 2).sum(axis=2)
    right = digits["train"].y[distance.argmin(axis=1)] == digits["test"].y
    # The nearest neighbour is right on about 98 %; shuffled labels would give 10 %.
    assert right.mean() > 0.95


def test_digits_ignore_the_folder_of_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    assert len(data.load("digits").y) == 1085
    assert data.locate("digits") == data.fetch("digits") == ()


def test_digits_take_no_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="comes with scikit-learn; leave out the path") as caught:
        data.load("digits", path=tmp_path)
    assert "\n" not in str(caught.value)


def test_other_digits_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    bunch = load_digits()
    bunch.images[1000, 3, 3] += 1
    monkeypatch.setattr("sklearn.datasets.load_digits", lambda: bunch)
    with pytest.raises(DataCorruptError, match="not the known ones; install it again"):
        data.load("digits")


@pytest.mark.parametrize("split", ["Test", "validation", ""])
def test_an_unknown_split_is_refused(split: str) -> None:
    with pytest.raises(DataError, match=f"no split '{split}' in digits; ") as caught:
        data.load("digits", split=split)
    assert re.fullmatch(r".*(test|val).*", str(caught.value))


# ---- real archives


@pytest.fixture
def archives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("COURSE_DATA", real_archives)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return Path(real_archives)


@needs_archives
def test_real_mnist_test_images(archives: Path) -> None:
    part = data.load("mnist", split="test")
    assert part.source == "COURSE_DATA"
    assert part.x.shape == (10000, 1, 28, 28)
    # The histogram of the official test labels.
    official = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(part.y).tolist() == official
    raw = gzip.decompress((archives / "mnist_t10k/t10k-images-idx3-ubyte.gz").read_bytes())
    assert struct.unpack(">4I", raw[:16]) == (0x803, 10000, 28, 28)
    pixels = np.frombuffer(raw, np.uint8, offset=16)
    np.testing.assert_array_equal(np.rint(part.x * 255).ravel(), pixels)
    assert part.x.max() == 1.0


@needs_archives
def test_real_mnist_without_its_training_images(
    archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataMissingError) as caught:
        data.locate("mnist", split="train")
    text = str(caught.value)
    assert f"not in COURSE_DATA {archives} (splits there: test)" in text
    assert "lab data fetch mnist" in text
    with pytest.raises(DataMissingError, match="for split train"):
        data.locate("mnist")


def test_shakespeare_comes_along_whatever_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / "tinyshakespeare" / "input.txt").write_bytes(b"another text")
    train, val = data.load("tinyshakespeare"), data.load("tinyshakespeare", split="val")
    assert train.x[:14].tobytes() == b"First Citizen:"
    text = train.x.tobytes() + bytes(train.y[-1:].tolist())
    text += val.x.tobytes() + bytes(val.y[-1:].tolist())
    assert text == (data.registry_folder() / "tinyshakespeare" / "input.txt").read_bytes()
    assert text.endswith(b"Whiles thou art waking.\n")
    assert (train.source, val.source) == ("this project", "this project")
    assert len(set(text)) == 65
    assert len(train.x) + 1 == int(0.9 * len(text))


@needs_archives
def test_a_damaged_copy_of_a_real_archive(archives: Path, tmp_path: Path) -> None:
    name = "t10k-images-idx3-ubyte.gz"
    body = (archives / "mnist_t10k" / name).read_bytes()
    (tmp_path / name).write_bytes(body[: len(body) // 2])
    with pytest.raises(DataCorruptError, match="has 817,167 bytes") as caught:
        data.load("mnist", split="test", path=tmp_path)
    assert "expected 1,648,877 bytes" in str(caught.value)


@pytest.mark.network
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "speech_commands"])
def test_the_addresses_serve_what_the_registry_promises(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    data.fetch(name)
    for split, count in data.info(name).splits.items():
        assert len(data.load(name, split=split).y) == count
