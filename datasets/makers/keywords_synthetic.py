"""Make the synthetic keywords: words spoken by espeak-ng, in rooms and through microphones.

    python keywords_synthetic.py FOLDER            manifest.csv, one Ogg Vorbis stream a split
    python keywords_synthetic.py FILE.tar          a tar of manifest.csv and one FLAC a clip

The bundled set is made as ``keywords_synthetic.py ../keywords_synthetic``, the full one as a tar
with ``--clips 420 60 120``. Needs the extra ``speech`` (espeakng-loader), numpy, scipy, soundfile.

espeak-ng carries the state of its noise and flutter from one word to the next, so a clip cannot be
made twice in a process. All clips are made in one pass, in fixed order, from one seed, in a process
that has spoken nothing before: then the bytes are the same each time. No noise is added to speech
here: whoever trains adds it at a level of their choice, and clean speech packs better.
"""

import argparse
import csv
import ctypes
import hashlib
import io
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter, resample_poly

Sound = NDArray[np.float64]

KEYWORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
OTHER_WORDS = (  # the other words of Speech Commands
    "backward", "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "four", "happy",
    "house", "learn", "marvin", "nine", "one", "seven", "sheila", "six", "three", "tree", "two",
    "visual", "wow", "zero",
)  # fmt: skip
CLASSES = (*KEYWORDS, "_silence_", "_unknown_")
ACCENTS = (
    "en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029",
    "en-us-nyc",
)  # fmt: skip
NOT_HUMAN = ("whisper", "robo", "demonic", "croak", "fast")  # parts of names of voice variants
RATE_HZ = 16_000
CLIP_SAMPLES = 16_000
PLACEMENT_SAMPLES = 1_200  # standard deviation of where the middle of a word lies: 75 ms
VORBIS_QUALITY = 0.3
SERIAL = 1  # of each Ogg stream
BUNDLED_CLIPS = (200, 30, 50)  # a class, in train, val and test
SPLITS = ("train", "val", "test")
SEED = 20_260_101


class Clip(NamedTuple):
    """A clip with what is known of it; `pcm` is (16000,), int16."""

    split: str
    label: str
    word: str
    speaker: str
    pcm: NDArray[np.int16]


class Speaker:
    """espeak-ng behind its C interface, writing into memory; make one a process.

    espeak_Initialize, espeak_SetSynthCallback and espeak_Synth are described in its speak_lib.h.
    """

    SYNCHRONOUS, CHARS_UTF8 = 2, 1
    RATE, PITCH, RANGE = 1, 3, 4

    def __init__(self, seed: int) -> None:
        import espeakng_loader  # noqa: PLC0415 - the files can be written and tested without it

        data = Path(espeakng_loader.get_data_path())
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        start = self._library.espeak_Initialize
        self.rate_hz = start(self.SYNCHRONOUS, 0, str(data.parent).encode(), 0)
        if self.rate_hz <= 0:
            raise SystemExit(f"espeak-ng does not start with the data in {data}")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
        self.variants = sorted(path.name for path in (data / "voices" / "!v").iterdir())
        self._parts: list[NDArray[np.int16]] = []
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        self._callback = kind(self._keep)  # ctypes drops a callback that nobody holds
        self._library.espeak_SetSynthCallback(self._callback)

    def _keep(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: object) -> int:
        if samples and count > 0:
            self._parts.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0

    def say(self, word: str, voice: str, **settings: int) -> Sound:
        """Return a word at 16 kHz; `settings` are words a minute, pitch and range of pitch."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SystemExit(f"espeak-ng has no voice {voice}")
        for name, value in settings.items():
            self._library.espeak_SetParameter(getattr(self, name), value, 0)
        self._parts.clear()
        text = word.encode()
        size = ctypes.c_size_t(len(text) + 1)
        self._library.espeak_Synth(text, size, 0, 1, 0, self.CHARS_UTF8, None, None)
        self._library.espeak_Synchronize()
        spoken = np.concatenate(self._parts or [np.zeros(1, np.int16)]) / 32768
        common = np.gcd(RATE_HZ, self.rate_hz)
        return np.asarray(resample_poly(spoken, RATE_HZ // common, self.rate_hz // common))


def split_of(variant: str) -> str:
    """Return the split of a voice variant: a timbre is in one split only, with every accent."""
    percent = int(hashlib.sha1(variant.encode(), usedforsecurity=False).hexdigest(), 16) % 100
    return "train" if percent < 70 else "val" if percent < 80 else "test"


def voices(variants: list[str], split: str) -> list[str]:
    """Return the voices of a split, as ``accent+variant``."""
    human = [v for v in variants if not any(part in v.casefold() for part in NOT_HUMAN)]
    return [f"{a}+{variant}" for variant in human if split_of(variant) == split for a in ACCENTS]


def place(word: Sound, rng: np.random.Generator) -> Sound:
    """Put a word, without the quiet around it, near the middle of a second."""
    loud = np.flatnonzero(np.abs(word) > 0.01)
    word = word[loud[0] : loud[-1] + 1][:CLIP_SAMPLES]
    room = CLIP_SAMPLES - len(word)
    start = int(np.clip(rng.normal(room / 2, PLACEMENT_SAMPLES), 0, room))
    return np.pad(word, (start, room - start))


def in_a_room(sound: Sound, rng: np.random.Generator) -> Sound:
    """Return a sound with the echo of a room (3 of 5), a tilt and a dull microphone (1 of 2).

    The echo is noise that falls by 60 dB (a factor exp(6.9)) within 0.05 to 0.4 s.
    """
    if rng.random() < 0.6:
        duration_s = rng.uniform(0.05, 0.4)
        time_s = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
        echo = rng.standard_normal(len(time_s)) * np.exp(-6.9 * time_s / duration_s)
        echo *= rng.uniform(0.1, 0.6) / np.linalg.norm(echo)
        echo[0] = 1.0
        sound = fftconvolve(sound, echo)[: len(sound)]
    sound = lfilter([1.0, rng.uniform(-0.6, 0.6)], [1.0], sound)
    if rng.random() < 0.5:
        share = rng.uniform(0.3, 0.9)
        sound = lfilter([share], [1.0, share - 1.0], sound)
    return np.asarray(sound)


def background(rng: np.random.Generator) -> Sound:
    """Return a second of noise: white to brown, steady, swelling or humming, RMS 0.0003 to 0.03."""
    colour, lead = rng.choice([0.0, 0.5, 0.9, 0.98]), 4_000  # the filter settles in the lead
    noise = lfilter([1.0], [1.0, -colour], rng.standard_normal(CLIP_SAMPLES + lead))[lead:]
    noise /= np.sqrt((noise**2).mean())
    time_s = np.arange(CLIP_SAMPLES) / RATE_HZ
    swell_hz, phase, depth = rng.uniform(0.2, 8.0), rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.9)
    noise *= 1.0 + depth * np.sin(2 * np.pi * swell_hz * time_s + phase)
    if rng.random() < 0.3:
        hum_hz = rng.choice([50.0, 60.0, 100.0, 120.0, 400.0])
        noise += rng.uniform(0.2, 2.0) * np.sin(2 * np.pi * hum_hz * time_s + phase)
    return np.asarray(noise / np.sqrt((noise**2).mean()) * 10 ** rng.uniform(-3.5, -1.5))


def spoken(word: str, voice: str, speaker: Speaker, *, rng: np.random.Generator) -> Sound:
    """Return a second with a word in it, its peak between 0.1 and 0.9."""
    pace, pitch, melody = (int(rng.integers(*ends)) for ends in ((110, 210), (15, 90), (20, 90)))
    word_alone = speaker.say(word, voice, RATE=pace, PITCH=pitch, RANGE=melody)
    sound = in_a_room(place(word_alone, rng), rng)
    return np.asarray(sound / np.abs(sound).max() * rng.uniform(0.1, 0.9))


def make_clips(counts: tuple[int, ...], seed: int) -> Iterator[Clip]:
    """Yield every clip, class by class in each split; `counts` are clips a class and split."""
    rng, speaker = np.random.default_rng(seed), Speaker(seed)
    for split, count in zip(SPLITS, counts, strict=True):
        known = voices(speaker.variants, split)
        for label in CLASSES:
            for number in range(count):
                if label == "_silence_":
                    word, voice, sound = label, f"noise-{split}-{number}", background(rng)
                else:
                    word = label if label in KEYWORDS else OTHER_WORDS[number % len(OTHER_WORDS)]
                    voice = known[rng.integers(len(known))]
                    sound = spoken(word, voice, speaker, rng=rng)
                pcm = np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)
                yield Clip(split, label, word, voice, pcm)


# ---- files


def with_serial(stream: bytes, serial: int) -> bytes:
    """Return an Ogg stream under another serial number, each page's checksum set anew.

    libsndfile draws the number at random, so that no two files of the same sound are alike. The
    checksum (RFC 3533, section 6) is zlib's CRC-32 with the bits of each byte and of the result
    mirrored, begun at 0 and not inverted at the end.
    """
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    pages, position = [], 0
    while position < len(stream):
        lacing = stream[position + 27 : position + 27 + stream[position + 26]]
        end = position + 27 + len(lacing) + sum(lacing)
        page = bytearray(stream[position:end])
        page[14:18], page[22:26] = serial.to_bytes(4, "little"), bytes(4)
        crc = zlib.crc32(bytes(page).translate(mirrored), 0xFFFFFFFF) ^ 0xFFFFFFFF
        page[22:26] = int(f"{crc:032b}"[::-1], 2).to_bytes(4, "little")
        pages.append(bytes(page))
        position = end
    return b"".join(pages)


def packed(clips: list[Clip]) -> bytes:
    """Return clips back to back as one Ogg Vorbis stream."""
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", RATE_HZ, 1, format="OGG", subtype="VORBIS", compression_level=1 - VORBIS_QUALITY
    ) as stream:
        for clip in clips:  # one at a time: libsndfile overruns its stack on long writes
            stream.write(clip.pcm)
    return with_serial(file.getvalue(), SERIAL)


def manifest(rows: list[dict[str, str]]) -> bytes:
    """Return a manifest: one line a clip, in the order of the clips."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def write_streams(clips: list[Clip], folder: Path) -> None:
    """Write one stream a split and the manifest into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        stream = packed([clip for clip in clips if clip.split == split])
        (folder / f"{split}.ogg").write_bytes(stream)
    rows = [{name: getattr(clip, name) for name in Clip._fields[:4]} for clip in clips]
    (folder / "manifest.csv").write_bytes(manifest(rows))


def write_archive(clips: list[Clip], path: Path) -> None:
    """Write a tar: the manifest with the hash of each clip's samples, then one FLAC a clip."""
    rows, files = [], {}
    for number, clip in enumerate(clips):
        name = f"{clip.split}/{clip.label}/{number:05d}.flac"
        digest = hashlib.sha256(clip.pcm.astype("<i2").tobytes()).hexdigest()
        fields = {field: getattr(clip, field) for field in Clip._fields[:4]}
        rows.append({"file": name, **fields, "n_samples": str(CLIP_SAMPLES), "pcm_sha256": digest})
        flac = io.BytesIO()
        soundfile.write(flac, clip.pcm, RATE_HZ, format="FLAC", subtype="PCM_16")
        files[name] = flac.getvalue()
    with tarfile.open(path, "w") as tar:
        for name, content in {"manifest.csv": manifest(rows), **files}.items():
            member = tarfile.TarInfo(name)  # time, owner and mode are those of an empty TarInfo
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def main(arguments: list[str]) -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description="Make the synthetic keywords.")
    parser.add_argument("target", type=Path, help="folder for streams, or a .tar for an archive")
    parser.add_argument("--clips", type=int, nargs=3, default=BUNDLED_CLIPS, metavar="N",
                        help="clips a class in train, val and test")  # fmt: skip
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    write: Callable[[list[Clip], Path], None]
    write = write_archive if options.target.suffix == ".tar" else write_streams
    write(list(make_clips(tuple(options.clips), options.seed)), options.target)


if __name__ == "__main__":
    main(sys.argv[1:])
