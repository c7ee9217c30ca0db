"""The readers of speech, against archives written here: both forms, and what can be wrong."""

import hashlib
import importlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_utils import data
from course_utils.data import speech
from course_utils.errors import DataCorruptError, DataMissingError

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location(
    "speech_files", Path(__file__).with_name("speech_files.py")
)
files = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(files)


def percent(text: str) -> float:
    """The rule as the data's own description gives it, computed another way than in `speech`."""
    number = int.from_bytes(hashlib.sha1(text.encode()).digest(), "big")
    return 100.0 * (number & (2**27 - 1)) / (2**27 - 1)


def our_split(speaker: str) -> str:
    at = percent(f"course-holdout:{speaker}")
    if at < 20:
        return "hold-out"
    within = (at - 20) / 80 * 100  # of those that are not held out
    return "train" if within < 65 else "val" if within < 75 else "test"


@pytest.fixture(scope="module")
def published() -> dict[str, tuple[np.ndarray, dict[str, str]]]:
    """Clips of a small test set by their official names, with label, word, speaker and take."""
    rng, clips = np.random.default_rng(0), {}
    for k in range(60):
        speaker = f"{rng.integers(2**32):08x}"
        for word in rng.choice([*files.KEYWORDS[:3], "bird", "wow"], 2, replace=False):
            known = word in files.KEYWORDS
            label, take = word if known else "_unknown_", str(k % 3)
            name = f"{speaker}_nohash_{take}.wav" if known else f"{word}_{speaker}_nohash_{take}"
            fields = {"label": label, "word": str(word), "speaker": speaker, "take": take}
            path = f"{label}/{name}" + ("" if known else ".wav.wav")
            clips[path] = files.sound(rng, 15_000 if k % 5 else 16_000), fields
    for number in rng.choice(2000, 20, replace=False):
        fields = {"label": "_silence_", "word": "_silence_", "speaker": f"noise{number}"}
        clips[f"_silence_/{number}.wav"] = files.sound(rng), {**fields, "take": "0"}
    return clips


def ours(clips: dict[str, tuple[np.ndarray, dict[str, str]]]) -> bytes:
    """The clips as our own archive: without the hold-out, renamed, ordered by name in a split."""
    rows, members = [], {}
    for pcm, f in clips.values():
        name = f"{f['label']}/{f['word']}_{f['speaker']}_nohash_{f['take']}.flac"
        if (split := our_split(f["speaker"])) != "hold-out":
            rows.append(files.row(name, split, pcm, **f))
            members[name] = files.encoded(pcm)
    rows.sort(key=lambda each: (each["split"], each["file"]))
    return files.tar_of({"manifest.csv": files.manifest(rows), **members})


def theirs(clips: dict[str, tuple[np.ndarray, dict[str, str]]], prefix: str = "./") -> bytes:
    """The clips as published, out of order, among files that are none of ours."""
    members = {
        f"{prefix}{name}": files.encoded(pcm, form="WAV") for name, (pcm, _) in clips.items()
    }
    mixed = dict(sorted(members.items(), key=lambda item: item[0][::-1]))
    noise = files.encoded(files.sound(np.random.default_rng(1)), form="WAV")
    # A speaker of each split by chance: were one of these read, a split would be too long.
    speakers = [name[-21:-13] for name in members if "/down/" in name or name.startswith("down")]
    for speaker in speakers:
        for name in (
            f"../../down/{speaker}_nohash_7.wav",
            f"/down/{speaker}_nohash_7.wav",
            f"{prefix}down/._{speaker}_nohash_7.wav",
            f"{prefix}down/{speaker}_nohash_7.txt",
            f"{prefix}down/{speaker}.wav",
            f"{prefix}a/b/down/{speaker}_nohash_7.wav",
        ):
            mixed[name] = noise
    return files.tar_of({f"{prefix}README.md": b"read me", **mixed}, "w:gz")


SPLITS = {"train": 1, "val": 1, "test": 1}


@pytest.mark.parametrize("prefix", ["", "./", "speech_commands_test_set_v0.02/"])
def test_both_forms_give_the_same_clips_in_the_same_order(
    world: Any, published: Any, prefix: str
) -> None:
    official, archive = theirs(published, prefix), ours(published)
    files.register(world, "official", official, splits=SPLITS, path="official/set.tar.gz")
    files.register(world, "archive", archive, splits=SPLITS)
    seen = Counter()
    for split in SPLITS:
        one, two = (data.load(name, split=split) for name in ("official", "archive"))
        for field in ("x", "y", "speakers", "words"):
            np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
        assert {our_split(speaker) for speaker in one.speakers} == {split}
        assert (one.x.dtype, one.x.shape[1:], one.y.dtype) == (np.float32, (16_000,), np.int64)
        seen.update(zip(one.y.tolist(), one.words.tolist(), one.speakers.tolist(), strict=True))
    expected = Counter(
        (files.CLASSES.index(f["label"]), f["word"], f["speaker"])
        for _, f in published.values()
        if our_split(f["speaker"]) != "hold-out"
    )
    assert seen == expected


def test_samples_are_exact_and_short_clips_end_in_zeros(world: Any) -> None:
    rng = np.random.default_rng(2)
    pcm = {
        "a.flac": files.sound(rng),
        "b.flac": files.sound(rng, 9_000),
        "c.flac": files.sound(rng, 20_000),
    }
    fields = {"label": "go", "word": "go", "speaker": "s"}
    rows = [files.row(name, "train", each, **fields) for name, each in pcm.items()]
    members = {name: files.encoded(each) for name, each in reversed(pcm.items())}
    files.register(world, "exact", files.tar_of({"manifest.csv": files.manifest(rows), **members}))
    x = data.load("exact").x
    for got, each in zip(x, pcm.values(), strict=True):
        whole = np.concatenate([each, np.zeros(16_000, np.int16)])[:16_000]
        np.testing.assert_array_equal(got * 32_768, whole)
    assert -1 <= x.min() < x.max() < 1


@pytest.mark.parametrize("speaker", ["022cd682", "f0ae7203", "noise1041", ""])
def test_speakers_are_dealt_out_as_described(speaker: str) -> None:
    assert speech.percent_of(speaker) == pytest.approx(percent(speaker), rel=1e-12)
    assert speech.split_of_speaker(speaker) == our_split(speaker)


def test_other_sets_have_no_speakers(world: Any) -> None:
    part = data.load("toy")
    assert (part.speakers, part.words) == (None, None)


# ---- recordings and digits


def background(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"pink_noise": files.sound(rng, 40_000), "running_tap": files.sound(rng, 33_000)}


@pytest.mark.parametrize("form", ["ours", "theirs"])
def test_recordings_are_cut_into_seconds(world: Any, form: str) -> None:
    made = background(np.random.default_rng(3))
    if form == "ours":
        label = {"label": "_background_noise_", "speaker": ""}
        rows = [files.row(f"{n}.flac", "noise", p, word=n, **label) for n, p in made.items()]
        members = {f"{name}.flac": files.encoded(pcm) for name, pcm in made.items()}
        body = files.tar_of({"manifest.csv": files.manifest(rows), **members})
    else:
        members = {
            f"./_background_noise_/{n}.wav": files.encoded(p, form="WAV") for n, p in made.items()
        }
        word = {"./yes/022cd682_nohash_0.wav": files.encoded(made["pink_noise"], form="WAV")}
        body = files.tar_of({"./_background_noise_/README.md": b"", **word, **members}, "w:gz")
    files.register(world, "noise", body, reader="recordings", classes=list(made)[::-1])
    part = data.load("noise")
    assert part.y.tolist() == [0, 0, 1, 1]
    assert part.words.tolist() == part.speakers.tolist() == ["running_tap"] * 2 + ["pink_noise"] * 2
    for value, name in enumerate(reversed(made)):
        np.testing.assert_array_equal(part.x[part.y == value].ravel() * 32_768, made[name][:32_000])


def test_digits_are_resampled_and_put_in_the_middle(world: Any) -> None:
    """A tone stays the same tone: its values are known at every time."""

    def tone(n: int, rate_hz: int) -> np.ndarray:
        return np.sin(2 * np.pi * 440.0 * np.arange(n) / rate_hz)

    rows, members = [], {}
    for name, n in (("short.flac", 4_000), ("long.flac", 12_000)):
        pcm = np.rint(tone(n, 8_000) * 30_000).astype(np.int16)
        rows.append(files.row(name, "test", pcm, label="7", word="7", speaker="theo"))
        members[name] = files.encoded(pcm, rate_hz=8_000)
    body = files.tar_of({"manifest.csv": files.manifest(rows), **members})
    splits, classes = {"train": 1, "test": 2}, list("0123456789")
    files.register(world, "spoken", body, reader="spoken_digits", splits=splits, classes=classes)
    part = data.load("spoken", split="test")
    assert (part.x.shape, part.x.dtype, part.y.tolist()) == ((2, 16_000), np.float32, [7, 7])
    short, long = part.x
    assert not short[:4_000].any()
    assert not short[12_000:].any()
    # The filter's ends reach 20 samples; 1 % is its ripple and the rounding to 16 bits.
    np.testing.assert_allclose(
        short[4_100:11_900], tone(8_000, 16_000)[100:-100] * 30 / 32.768, atol=0.01
    )
    np.testing.assert_allclose(long, tone(24_000, 16_000)[4_000:20_000] * 30 / 32.768, atol=0.01)
    none = data.load("spoken", split="train")
    assert [len(none.x), len(none.y), none.words.dtype.kind] == [0, 0, "U"]


# ---- faults


def one_clip(**changes: Any) -> tuple[dict[str, str], dict[str, bytes]]:
    pcm = files.sound(np.random.default_rng(4))
    line = files.row("a.flac", "train", pcm, label="go", word="go", speaker="s")
    return line | changes.pop("line", {}), {"a.flac": files.encoded(pcm, **changes)}


def damaged(kind: str) -> bytes:
    line, members = one_clip()
    if kind == "a file is missing":
        members = {"b.flac": members["a.flac"]}
    elif kind == "other samples":
        line["pcm_sha256"] = "0" * 64
    elif kind == "a cut FLAC":
        members["a.flac"] = members["a.flac"][:3_000]
    elif kind == "no FLAC":
        members["a.flac"] = b"none" * 100
    elif kind == "another rate":
        members = one_clip(rate_hz=8_000)[1]
    elif kind == "two channels":
        members["a.flac"] = files.encoded(np.zeros((16_000, 2), np.int16))
    fields = files.FIELDS[:-1] if kind == "a short manifest" else files.FIELDS
    body = files.tar_of({"manifest.csv": files.manifest([line], fields), **members})
    return {"a cut tar": body[:4_000], "no tar": b"hello" * 999}.get(kind, body)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("a file is missing", "lacks 1 files of its manifest, a.flac among them"),
        ("other samples", "a.flac in .* is not the sound its manifest names"),
        ("a cut FLAC", "a.flac in .* (cannot be decoded|is not the sound)"),
        ("no FLAC", "a.flac in .* cannot be decoded"),
        ("another rate", r"has 1 channel\(s\) at 8,000 Hz, expected 1 at 16,000 Hz"),
        ("two channels", r"has 2 channel\(s\) at 16,000 Hz"),
        ("a short manifest", "cannot be read"),
        ("a cut tar", "cannot be read"),
        ("no tar", "cannot be read"),
    ],
)
def test_a_damaged_archive_is_one_line(world: Any, kind: str, message: str) -> None:
    """The registry promises these very bytes, so that the reader and not the hash must notice."""
    files.register(world, "bad", damaged(kind))
    with pytest.raises(DataCorruptError, match=message) as caught:
        data.load("bad")
    text = world.one_line(caught)
    assert text.startswith("bad: ")
    assert text.endswith("replace the archive by the original")


def test_another_archive_is_refused_before_it_is_read(world: Any) -> None:
    line, members = one_clip()
    body = files.tar_of({"manifest.csv": files.manifest([line]), **members})
    files.register(world, "good", body)
    world.put(world.cache / "good" / "good.tar", body[:-1] + b"x")
    with pytest.raises(DataCorruptError, match=r"expected .* bytes with sha256") as caught:
        data.load("good")
    world.one_line(caught)


def test_what_cannot_be_downloaded_says_where_to_put_it(world: Any) -> None:
    line, members = one_clip()
    body = files.tar_of({"manifest.csv": files.manifest([line]), **members})
    files.register(world, "given", body, path="given.tar")
    (world.cache / "given.tar").unlink()
    for reach in (data.load, data.fetch, data.locate):
        with pytest.raises(
            DataMissingError, match=r"given\.tar for split train is not in"
        ) as caught:
            reach("given")
        text = world.one_line(caught)
        assert re.search("cannot be downloaded: let COURSE_DATA name a folder that holds", text)
        assert "lab data fetch" not in text
    assert not world.server.asked
