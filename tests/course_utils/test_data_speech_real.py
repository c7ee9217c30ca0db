"""Real speech, where COURSE_DATA names a folder that has it: every clip, count and split."""

import csv
import hashlib
import io
import os
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from course_utils import data
from course_utils.data import speech
from course_utils.data.readers import Found

ARCHIVE = "speech_commands_v2_testset_dev.tar"
real_archives = os.environ.get("COURSE_DATA", "")
pytestmark = pytest.mark.skipif(
    not real_archives or not Path(real_archives, ARCHIVE).is_file(),
    reason=f"needs real speech: COURSE_DATA with {ARCHIVE} and the other archives of speech",
)
# split: clips, speakers, keywords from and to, unknown, silence; as counted when it was packed.
COUNTS = {
    "train": (2351, 124, 176, 208, 212, 218),
    "val": (364, 19, 23, 36, 30, 27),
    "test": (1212, 53, 90, 116, 92, 80),
}


@pytest.fixture(autouse=True)
def archives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COURSE_DATA", real_archives)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


def manifest_of(name: str) -> list[dict[str, str]]:
    with tarfile.open(Path(real_archives, name)) as tar:
        text = tar.extractfile("manifest.csv").read().decode()
    return list(csv.DictReader(io.StringIO(text)))


def pcm_sha256(clip: np.ndarray) -> str:
    pcm = clip * 32_768
    assert (pcm == np.rint(pcm)).all(), "a clip is 16-bit samples over 2**15, exactly"
    return hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest()


@pytest.mark.parametrize("split", COUNTS)
def test_every_clip_of_a_split(split: str) -> None:
    part = data.load("speech_commands", split=split)
    rows = [row for row in manifest_of(ARCHIVE) if row["split"] == split]
    classes = data.info("speech_commands").classes
    assert part.source == "COURSE_DATA"
    assert [pcm_sha256(clip) for clip in part.x] == [row["pcm_sha256"] for row in rows]
    assert [classes[y] for y in part.y] == [row["label"] for row in rows]
    for field in ("speaker", "word"):
        assert getattr(part, f"{field}s").tolist() == [row[field] for row in rows]
    clips, speakers, low, high, unknown, silence = COUNTS[split]
    counts = np.bincount(part.y, minlength=12)
    assert len(part.y) == clips
    assert len(set(part.speakers[part.words != "_silence_"])) == speakers
    assert (counts[:10].min(), counts[:10].max()) == (low, high)
    assert (counts[11], counts[10]) == (unknown, silence)


def test_the_rule_gives_the_split_of_every_clip() -> None:
    rows = manifest_of(ARCHIVE)
    assert len(rows) == 3927
    assert [speech.split_of_speaker(r["speaker"]) for r in rows] == [r["split"] for r in rows]
    people = {r["speaker"] for r in rows if r["label"] != "_silence_"}
    assert all(10 <= speech.percent_of(person) < 20 for person in people), "official test speakers"


def test_the_official_form_gives_the_same_clips(tmp_path: Path) -> None:
    """The archive as published, put together here from a part of the clips."""
    rows = [row for row in manifest_of(ARCHIVE) if row["split"] == "val"]
    path = tmp_path / "speech_commands_test_set_v0.02.tar.gz"
    with (
        tarfile.open(Path(real_archives, ARCHIVE)) as source,
        tarfile.open(path, "w:gz", compresslevel=1) as target,
    ):
        for row in sorted(rows, key=lambda row: row["pcm_sha256"]):
            pcm, _ = soundfile.read(
                io.BytesIO(source.extractfile(row["file"]).read()), dtype="int16"
            )
            name = {
                "_silence_": f"{row['speaker'].removeprefix('noise')}.wav",
                "_unknown_": f"{row['word']}_{row['speaker']}_nohash_{row['take']}.wav.wav",
            }.get(row["label"], f"{row['speaker']}_nohash_{row['take']}.wav")
            wav = io.BytesIO()
            soundfile.write(wav, pcm, 16_000, format="WAV", subtype="PCM_16")
            member = tarfile.TarInfo(f"./{row['label']}/{name}")
            member.size = len(wav.getvalue())
            target.addfile(member, io.BytesIO(wav.getvalue()))
    dataset = data.info("speech_commands")
    assert len(speech.read_keywords(Found(dataset, "train", [path])).y) == 0
    read = speech.read_keywords(Found(dataset, "val", [path]))
    part = data.load("speech_commands", split="val")
    np.testing.assert_array_equal(read.x, part.x)
    np.testing.assert_array_equal(read.y, part.y)
    assert read.speakers.tolist() == part.speakers.tolist()
    assert read.words.tolist() == part.words.tolist()


def test_noise_is_six_recordings() -> None:
    part = data.load("speech_commands_noise")
    rows = manifest_of("speech_commands_background_noise.tar")
    assert Counter(part.words.tolist()) == {r["word"]: int(r["n_samples"]) // 16_000 for r in rows}
    assert len(part.y) == data.info("speech_commands_noise").splits["train"]
    levels = {name: float(np.sqrt((part.x[part.words == name] ** 2).mean())) for name in part.words}
    assert max(levels, key=levels.get) in ("white_noise", "pink_noise")
    assert min(levels, key=levels.get) == "dude_miaowing"


def test_the_sample_of_the_first_version() -> None:
    part = data.load("speech_commands_v1_sample")
    rows = manifest_of("speech_commands_v1_sample.tar")
    assert part.words.tolist() == [row["word"] for row in rows]
    assert np.bincount(part.y, minlength=12).tolist() == [8, 8, 7, 8, 7, 8, 8, 8, 7, 8, 0, 172]
    n_samples = [int(row["n_samples"]) for row in rows]
    cut = [clip[:n] for clip, n in zip(part.x, n_samples, strict=True)]
    assert [pcm_sha256(clip) for clip in cut] == [row["pcm_sha256"] for row in rows]
    assert not any(clip[n:].any() for clip, n in zip(part.x, n_samples, strict=True))


def test_spoken_digits_are_whole_and_split_by_take() -> None:
    rows = manifest_of("free_spoken_digits.tar")
    for split in ("train", "test"):
        part = data.load("spoken_digits", split=split)
        mine = [row for row in rows if (int(row["take"]) < 5) == (split == "test")]
        assert part.y.tolist() == [int(row["word"]) for row in mine]
        assert part.speakers.tolist() == [row["speaker"] for row in mine]
        assert len(part.y) == data.info("spoken_digits").splits[split]
        # A recording of n samples at 8 kHz has 2 n at 16 kHz, and the same quiet on both sides.
        lengths = np.minimum([2 * int(row["n_samples"]) for row in mine], 16_000)
        before = (16_000 - lengths) // 2
        assert not any(
            x[:k].any() or x[k + n :].any() for x, k, n in zip(part.x, before, lengths, strict=True)
        )
        assert abs(part.x).max() <= 1
    longer = Counter(row["split"] for row in rows if int(row["n_samples"]) > 8_000)
    assert longer == {"train": 18, "test": 2}
