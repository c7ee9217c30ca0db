"""Verified files of speech as clips of one second: x (n, 16000), float32 in [-1, 1], 16 kHz.

Three forms of file are read; none is unpacked to the disk::

    streams   manifest.csv and one Ogg Vorbis stream a split, its clips back to back
    archive   a tar of manifest.csv and one FLAC a clip, with the sha256 of each clip's samples
    official  the archives of Speech Commands as published: WAV in a folder a word

Shorter recordings are filled up with zeros at the end, as Speech Commands' own code does. It adds
no noise, moves nothing and computes no features.
"""

import csv
import hashlib
import io
import re
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from course_utils.data.readers import Arrays, Found
from course_utils.data.registry import DatasetInfo
from course_utils.errors import DataCorruptError

RATE_HZ = 16_000
CLIP_SAMPLES = 16_000
SILENCE, UNKNOWN, NOISE_FOLDER = "_silence_", "_unknown_", "_background_noise_"
OUR_SPLITS = {"hold-out": 20, "train": 72, "val": 80, "test": 100}  # up to which percent
OFFICIAL_LISTS = {"validation_list.txt": "val", "testing_list.txt": "test"}  # train is the rest
NOISE_PARTS = {"train": (0.0, 0.8), "val": (0.8, 0.9), "test": (0.9, 1.0)}  # of each recording
# `down/022cd682_nohash_0.wav`, `_unknown_/bird_a4383927_nohash_0.wav.wav`, `_silence_/1041.wav`,
# `_background_noise_/pink_noise.wav`; one folder may lie around it. Other names are left alone.
OFFICIAL_NAME = re.compile(
    r"(?:\./)?(?:\w[\w.-]*/)?(?P<folder>\w+)/"
    r"(?:(?:(?P<word>[a-z]+)_)?(?P<speaker>[0-9a-f]{8})_nohash_(?P<take>\d+)"
    r"|(?P<number>\d+)|(?P<recording>[a-z_]+))\.wav(?:\.wav)?"
)
REMEDY = "replace the archive by the original"
Samples = NDArray[np.int16]
Sound = NDArray[np.float32]


class Clip(NamedTuple):
    """A clip to be read from an archive, and what is known of it."""

    member: str  # of the archive
    label: str
    word: str
    speaker: str
    take: str = "0"
    pcm_sha256: str = ""  # of the samples as little-endian int16; empty where none is known
    cut: tuple[float, float, float] = (0.0, 1.0, 0.0)  # part of the member, and where in that
    gain: float = 1.0

    @property
    def name(self) -> str:
        """The name that clips are ordered by, whatever the archive calls its members."""
        return f"{self.label}/{self.word}_{self.speaker}_nohash_{self.take}"


@dataclass(frozen=True)
class Archive:
    """An open archive `tar`, its path and its dataset; errors name both."""

    dataset: DatasetInfo
    path: Path
    tar: tarfile.TarFile

    def listed(self, split: str) -> list[Clip]:
        """Return the clips of a split in the manifest, in its order; none without a manifest."""
        if "manifest.csv" not in self.tar.getnames()[:1]:
            return []
        return [
            Clip(r["file"], r["label"], r["word"], r["speaker"], pcm_sha256=r["pcm_sha256"])
            for r in csv.DictReader(io.StringIO(self.content("manifest.csv").decode()))
            if r["split"] == split or len(self.dataset.splits) == 1
        ]

    def official(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the sound files as published, each with the parts of its name."""
        for member in self.tar.getmembers():
            if member.isfile() and (match := OFFICIAL_NAME.fullmatch(member.name)):
                yield member.name, match.groupdict(default="")

    def content(self, member: str) -> bytes:
        """Return the bytes of a file; no bytes for a link or folder."""
        file = self.tar.extractfile(member)
        return file.read() if file else b""

    def samples(self, clip: Clip, *, rate_hz: int = RATE_HZ) -> Samples:
        """Return the samples of a clip's member, checked against the manifest's hash."""
        where = f"{self.dataset.name}: {clip.member} in {self.path}"
        samples = _decoded(io.BytesIO(self.content(clip.member)), where, rate_hz=rate_hz)
        pcm = samples.astype("<i2", copy=False).tobytes()
        if clip.pcm_sha256 not in ("", hashlib.sha256(pcm).hexdigest()):
            raise DataCorruptError(f"{where} is not the sound its manifest names; {REMEDY}")
        return samples


def read_keywords(found: Found) -> Arrays:
    """Return the clips of a split, from whichever form the files have.

    An official archive is read two or three times: names, lists, sound. x is filled as the clips
    are decoded, one at a time; it takes 64 kB a clip, 2.4 GB for all of Speech Commands' train.
    """
    if found.dataset.embedded:
        return _read_streams(*found)
    split = found.split
    with _opened(found) as archive:
        clips = archive.listed(split) or _whole(archive, split) or _test_set(archive, split)
        return _arrays(found.dataset, clips, _sound(archive, clips))


def read_recordings(found: Found) -> Arrays:
    """Return recordings cut into whole seconds, one after the other; y says which it is."""
    with _opened(found) as archive:
        clips = archive.listed(found.split) or [
            Clip(member, NOISE_FOLDER, part["recording"], "")
            for member, part in archive.official()
            if part["folder"] == NOISE_FOLDER
        ]
        by_name = {clip.word: _scaled(archive.samples(clip)) for clip in clips}
        sounds = [by_name[name] for name in found.dataset.classes]
    parts = [s[: s.size // CLIP_SAMPLES * CLIP_SAMPLES].reshape(-1, CLIP_SAMPLES) for s in sounds]
    y = np.repeat(np.arange(len(parts), dtype=np.int64), [len(part) for part in parts])
    names = np.array(found.dataset.classes)[y]
    return Arrays(np.concatenate(parts), y, names, names)


def read_spoken_digits(found: Found) -> Arrays:
    """Return digits recorded at 8 kHz, resampled and put in the middle of a second."""
    from scipy.signal import resample_poly  # noqa: PLC0415 - slow to import

    def in_the_middle(samples: Samples, _: Clip) -> Sound:
        sound = np.clip(resample_poly(_scaled(samples), 2, 1), -1, 1)
        surplus = max(len(sound) - CLIP_SAMPLES, 0)
        sound = sound[surplus // 2 :][:CLIP_SAMPLES]
        before = (CLIP_SAMPLES - len(sound)) // 2
        return np.pad(sound, (before, CLIP_SAMPLES - len(sound) - before))

    with _opened(found) as archive:
        clips = archive.listed(found.split)
        x = _sound(archive, clips, fit=in_the_middle, rate_hz=8_000)
        return _arrays(found.dataset, clips, x)


def percent_of(text: str) -> float:
    """Return where a text falls between 0 and 100, as Speech Commands deals out its speakers.

    That is sha1 mod 2**27, over 2**27 - 1; `which_set` in TensorFlow's speech_commands example.

    Examples
    --------
    >>> 10 <= percent_of("022cd682") < 20  # a speaker of the official test set
    True
    """
    most = 2**27 - 1
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % (most + 1) * (100.0 / most)


def split_of_speaker(speaker: str) -> str:
    """Return our split of a speaker of the official test set; the hold-out is never read.

    Examples
    --------
    >>> split_of_speaker("f0ae7203")
    'val'
    """
    percent = percent_of(f"course-holdout:{speaker}")
    return next(name for name, below in OUR_SPLITS.items() if percent < below)


# ---- which clips there are


def _test_set(archive: Archive, split: str) -> list[Clip]:
    """Return the clips of a split in the official test set, in the order of our manifest."""
    clips = []
    for member, part in archive.official():
        word, speaker = part["word"] or part["folder"], part["speaker"] or f"noise{part['number']}"
        clip = Clip(member, part["folder"], word, speaker, part["take"] or "0")
        if not part["recording"] and split_of_speaker(speaker) == split:
            clips.append(clip)
    return sorted(clips, key=lambda clip: clip.name)


def _whole(archive: Archive, split: str) -> list[Clip]:
    """Return the keywords of an official split, a tenth as many other words, and silence.

    No clips where the archive has no lists of the splits, as the test set has not.
    """
    lists = {
        OFFICIAL_LISTS[PurePosixPath(name).name]: set(archive.content(name).decode().split())
        for name in archive.tar.getnames()
        if PurePosixPath(name).name in OFFICIAL_LISTS
    }
    if not lists:
        return []
    found: dict[bool, list[Clip]] = {True: [], False: []}  # by whether it is a keyword
    recordings = []
    for member, part in archive.official():
        folder, file = PurePosixPath(member).parts[-2:]
        its_split = next((s for s in lists if f"{folder}/{file}" in lists[s]), "train")
        if part["recording"] and folder == NOISE_FOLDER:
            recordings.append(member)
        elif part["speaker"] and its_split == split:
            label = folder if folder in archive.dataset.classes else UNKNOWN
            clip = Clip(member, label, folder, part["speaker"], part["take"])
            found[label != UNKNOWN].append(clip)
    n_tenth = -(-len(found[True]) // 10)
    others = sorted(found[False], key=lambda clip: hashlib.sha256(clip.name.encode()).digest())
    silence = _silence(sorted(recordings), n_tenth, split=split)
    return sorted([*found[True], *others[:n_tenth], *silence], key=lambda clip: clip.name)


def _silence(recordings: list[str], count: int, *, split: str) -> list[Clip]:
    """Return cuts of noise at random volume, from a part of each recording that is the split's."""
    rng = np.random.default_rng([20_180_403, list(NOISE_PARTS).index(split)])
    which, part = rng.integers(len(recordings), size=count), NOISE_PARTS[split]
    drawn = enumerate(zip(which, *rng.uniform(size=(2, count)), strict=True))
    fixed = {"label": SILENCE, "word": SILENCE}
    return [
        Clip(recordings[i], **fixed, speaker=f"noise{k:04d}", cut=(*part, at), gain=gain)
        for k, (i, at, gain) in drawn
    ]


# ---- their sound


def _read_streams(dataset: DatasetInfo, split: str, paths: Sequence[Path]) -> Arrays:
    """Return the clips of a stream, which its manifest names in their order."""
    by_name = {path.name: path for path in paths}
    with by_name["manifest.csv"].open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    clips = [Clip("", row["label"], row["word"], row["speaker"]) for row in rows]
    path = by_name[f"{split}.ogg"]
    where = f"{dataset.name}: {path}"
    sound = _decoded(path, where, dtype="float32")
    if sound.size != len(clips) * CLIP_SAMPLES:
        named = f"its manifest names {len(clips) * CLIP_SAMPLES:,}"
        raise DataCorruptError(f"{where} has {sound.size:,} samples, {named}; {REMEDY}")
    x = np.clip(sound, -1, 1, out=sound)  # decoding may overshoot
    return _arrays(dataset, clips, x.reshape(-1, CLIP_SAMPLES))


def _decoded(
    source: Path | io.BytesIO, where: str, *, rate_hz: int = RATE_HZ, dtype: str = "int16"
) -> NDArray[Any]:
    """Return the samples of a file of sound."""
    try:
        samples, found_hz = soundfile.read(source, dtype=dtype)
    except soundfile.LibsndfileError as err:
        raise DataCorruptError(f"{where} cannot be decoded ({err}); {REMEDY}") from err
    if samples.ndim != 1 or found_hz != rate_hz:
        form = f"{samples.shape[-1] if samples.ndim > 1 else 1} channel(s) at {found_hz:,} Hz"
        raise DataCorruptError(f"{where} has {form}, expected 1 at {rate_hz:,} Hz; {REMEDY}")
    return np.asarray(samples)


def _arrays(dataset: DatasetInfo, clips: Sequence[Clip], x: Sound) -> Arrays:
    value_of = {label: value for value, label in enumerate(dataset.classes)}
    y = np.array([value_of[clip.label] for clip in clips], dtype=np.int64)
    speakers, words = [clip.speaker for clip in clips], [clip.word for clip in clips]
    return Arrays(x, y, np.array(speakers, dtype=np.str_), np.array(words, dtype=np.str_))


def _scaled(samples: Samples) -> Sound:
    return samples.astype(np.float32) / np.float32(32_768)


def _one_second(samples: Samples, clip: Clip) -> Sound:
    low, high, at = clip.cut
    first, last = int(low * samples.size), int(high * samples.size) - CLIP_SAMPLES
    start = first + int(at * max(last - first, 0))
    sound = _scaled(samples[start : start + CLIP_SAMPLES]) * np.float32(clip.gain)
    return np.pad(sound, (0, CLIP_SAMPLES - sound.size))


def _sound(
    archive: Archive,
    clips: Sequence[Clip],
    *,
    fit: Callable[[Samples, Clip], Sound] = _one_second,
    rate_hz: int = RATE_HZ,
) -> Sound:
    """Return x, read in the order of the archive: a compressed one cannot be read backwards."""
    x = np.zeros((len(clips), CLIP_SAMPLES), dtype=np.float32)
    rows = defaultdict(list)
    for row, clip in enumerate(clips):
        rows[clip.member].append(row)
    for member in archive.tar.getnames():
        if wanted := rows.pop(member, []):
            samples = archive.samples(clips[wanted[0]], rate_hz=rate_hz)
            x[wanted] = [fit(samples, clips[row]) for row in wanted]
    if rows:
        lost = f"{len(rows)} files of its manifest, {min(rows)} among them"
        raise DataCorruptError(f"{archive.dataset.name}: {archive.path} lacks {lost}; {REMEDY}")
    return x


@contextmanager
def _opened(found: Found) -> Iterator[Archive]:
    """Open an archive; what is wrong with its form is one line."""
    name, path = found.dataset.name, found.paths[0]
    try:
        with tarfile.open(path) as tar:
            yield Archive(found.dataset, path, tar)
    except (tarfile.TarError, EOFError, OSError, KeyError, UnicodeDecodeError, csv.Error) as err:
        why = str(err).partition("\n")[0]
        raise DataCorruptError(f"{name}: {path} cannot be read ({why}); {REMEDY}") from err
