"""The synthetic keywords: the bundled files, and the maker that makes the same bytes again."""

import csv
import hashlib
import importlib.util
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from course_utils import data
from course_utils.data import speech
from course_utils.data.readers import Found

MAKER = data.registry_folder() / "makers" / "keywords_synthetic.py"
FOLDER = data.registry_folder() / "keywords_synthetic"
SPLITS = data.info("keywords_synthetic").splits
needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="needs the extra speech"
)


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("keywords_synthetic", MAKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bundle() -> dict[str, data.DataSplit]:
    return {split: data.load("keywords_synthetic", split=split) for split in SPLITS}


# ---- the bundled files


def test_every_class_has_as_many_clips(bundle: dict[str, data.DataSplit]) -> None:
    for split, count in (("train", 200), ("val", 30), ("test", 50)):
        assert np.bincount(bundle[split].y).tolist() == [count] * 12
        assert bundle[split].x.shape == (12 * count, 16_000)
        assert bundle[split].x.dtype == np.float32
        assert bundle[split].x.flags.writeable


def test_labels_words_and_speakers_fit_together(bundle: dict[str, data.DataSplit]) -> None:
    info = data.info("keywords_synthetic")
    for part in bundle.values():
        labels = [info.classes[y] for y in part.y]
        for label, word, speaker in zip(labels, part.words, part.speakers, strict=True):
            assert (word == label) == (label != "_unknown_")
            assert speaker.startswith("noise-") == (label == "_silence_")
        others = set(part.words) - set(info.classes)
        assert len(others) == 25, "every other word is in every split"
        noise = part.speakers[part.words == "_silence_"]
        assert len(set(noise)) == len(noise), "each noise is a speaker of its own"


def test_no_voice_is_in_two_splits(bundle: dict[str, data.DataSplit], maker: ModuleType) -> None:
    variants = {
        split: {speaker.partition("+")[2] for speaker in part.speakers if "+" in speaker}
        for split, part in bundle.items()
    }
    assert {split: len(names) for split, names in variants.items()} == {
        "train": 55,
        "val": 10,
        "test": 24,
    }
    assert all(maker.split_of(name) == split for split in variants for name in variants[split])
    assert len(set.union(*variants.values())) == 55 + 10 + 24


def test_clips_have_levels_of_speech_and_of_noise(bundle: dict[str, data.DataSplit]) -> None:
    for part in bundle.values():
        peaks = abs(part.x).max(axis=1)
        is_noise = part.words == "_silence_"
        assert peaks.max() <= 1.0
        # Peaks are drawn from 0.1 to 0.9; Vorbis changes them a little.
        assert peaks[~is_noise].min() > 0.07
        assert np.quantile(peaks[~is_noise], [0.25, 0.75]) == pytest.approx([0.3, 0.7], abs=0.06)
        rms = np.sqrt((part.x[is_noise] ** 2).mean(axis=1))
        assert 0.0001 < rms.min() < rms.max() < 0.04  # drawn from 0.0003 to 0.03
        # A word lies near the middle of its second: both ends of most clips are quiet.
        ends = abs(part.x[~is_noise][:, [*range(800), *range(15_200, 16_000)]]).max(axis=1)
        assert np.median(ends / peaks[~is_noise]) < 0.05


def test_other_data_does_not_change_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    assert data.load("keywords_synthetic", split="val").source == "this project"
    assert list(tmp_path.iterdir()) == []


# ---- the container


def ogg_crc(page: bytes) -> int:
    """The checksum of RFC 3533, bit by bit: polynomial 0x04c11db7, begun at 0, as it stands."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc


def pages_of(stream: bytes) -> list[bytes]:
    starts = [i for i in range(len(stream)) if stream[i : i + 5] == b"OggS\0"]
    return [stream[a:b] for a, b in zip(starts, [*starts[1:], len(stream)], strict=True)]


def vorbis(sound: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, 16_000, format="OGG", subtype="VORBIS")
    return file.getvalue()


def test_another_serial_number_leaves_the_sound_and_right_checksums(maker: ModuleType) -> None:
    sound = np.random.default_rng(0).normal(size=8_000) * 0.1
    drawn = [vorbis(sound), vorbis(sound)]
    assert drawn[0] != drawn[1], "libsndfile draws the number at random; else this is not needed"
    one, two = (maker.with_serial(stream, 7) for stream in drawn)
    assert one == two
    assert len(one) == len(drawn[0])
    for page in pages_of(one):
        assert int.from_bytes(page[14:18], "little") == 7
        blank = page[:22] + bytes(4) + page[26:]
        assert int.from_bytes(page[22:26], "little") == ogg_crc(blank)
    np.testing.assert_array_equal(*(soundfile.read(io.BytesIO(s))[0] for s in (one, drawn[0])))
    again = maker.with_serial(one, int.from_bytes(drawn[0][14:18], "little"))
    assert again == drawn[0], "libsndfile's own checksums come out"


def test_bundled_streams_are_one_stream_of_the_fixed_number(maker: ModuleType) -> None:
    for split, count in SPLITS.items():
        stream = (FOLDER / f"{split}.ogg").read_bytes()
        assert maker.with_serial(stream, maker.SERIAL) == stream
        assert soundfile.info(io.BytesIO(stream)).frames == count * 16_000


# ---- the maker


def run(folder: Path) -> Path:
    """Make a few clips in both forms, each in a process of its own."""
    for name in ("streams", "all.tar"):
        command = [sys.executable, str(MAKER), str(folder / name), "--clips", "6", "1", "2"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("made"))


def hashes(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@needs_espeak
def test_other_processes_make_the_same_bytes(made: Path, tmp_path: Path) -> None:
    assert hashes(run(tmp_path)) == hashes(made)
    assert list(hashes(made)) == ["all.tar", "manifest.csv", "test.ogg", "train.ogg", "val.ogg"]


@needs_espeak
def test_both_forms_hold_the_same_clips(made: Path) -> None:
    """The archive has the samples as they were made; each clip of a stream must be near its own."""
    bundled, full = data.info("keywords_synthetic"), data.info("keywords_synthetic_full")
    paths = [made / "streams" / name for name in ("train.ogg", "manifest.csv")]
    stream = speech.read_keywords(Found(bundled, "train", paths))
    exact = speech.read_keywords(Found(full, "train", [made / "all.tar"]))
    assert exact.words.tolist() == stream.words.tolist()
    assert exact.speakers.tolist() == stream.speakers.tolist()
    assert exact.y.tolist() == stream.y.tolist() == sorted([*range(12)] * 6)
    assert correlation(exact.x, stream.x) > 0.95
    assert correlation(exact.x, np.roll(stream.x, 1, axis=0)) < 0.2, "none is near its neighbour"


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Median over clips."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.median((a * b).sum(axis=1) / lengths))


@needs_espeak
def test_the_bundled_clips_are_those_of_the_maker(
    tmp_path: Path, bundle: dict[str, data.DataSplit]
) -> None:
    """The first clips of a whole run, in a process that has spoken nothing before."""
    code = (
        f"import itertools, sys; sys.path.insert(0, {str(MAKER.parent)!r})\n"
        "import numpy as np, keywords_synthetic as k\n"
        "clips = list(itertools.islice(k.make_clips(k.BUNDLED_CLIPS, k.SEED), 220))\n"
        "np.savez(sys.argv[1], pcm=[c.pcm for c in clips], who=[c.speaker for c in clips])\n"
    )
    path = tmp_path / "clips.npz"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=300)
    made, part = np.load(path), bundle["train"]
    assert made["who"].tolist() == part.speakers[:220].tolist()
    assert correlation(made["pcm"] / 32_768, part.x[:220].astype(np.float64)) > 0.95


def test_the_manifest_is_in_the_order_of_classes() -> None:
    with (FOLDER / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    classes = list(data.info("keywords_synthetic").classes)
    keys = [(list(SPLITS).index(row["split"]), classes.index(row["label"])) for row in rows]
    assert keys == sorted(keys)
    assert Counter(row["split"] for row in rows) == dict(SPLITS)
