"""Small archives of speech for tests: in our form, and as Speech Commands is published."""

import csv
import hashlib
import io
import tarfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import soundfile

KEYWORDS = "down go left no off on right stop up yes".split()  # noqa: SIM905
CLASSES = [*KEYWORDS, "_silence_", "_unknown_"]
FIELDS = ("file", "split", "label", "word", "speaker", "take", "n_samples", "pcm_sha256")


def sound(rng: np.random.Generator, n: int = 16_000) -> np.ndarray:
    """Noise that no other clip has."""
    return rng.integers(-(2**15), 2**15, n, dtype=np.int16)


def encoded(pcm: np.ndarray, *, form: str = "FLAC", rate_hz: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, pcm, rate_hz, format=form, subtype="PCM_16")
    return file.getvalue()


def row(file: str, split: str, pcm: np.ndarray, **fields: str) -> dict[str, str]:
    """A line of a manifest; `fields` are label, word, speaker, take."""
    digest = hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest()
    known = {"file": file, "split": split, "n_samples": str(len(pcm)), "pcm_sha256": digest}
    return {"take": "0", **known, **fields}


def manifest(rows: list[dict[str, str]], fields: tuple[str, ...] = FIELDS) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def tar_of(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def register(world: Any, name: str, body: bytes, **entry: Any) -> None:
    """Add a data set of one archive to the registry, and put the archive into the cache.

    `entry` may give reader, splits, classes, path and other keys of the set, and `also`: another
    form of the archive, not put anywhere.
    """
    path, also = entry.pop("path", f"{name}/{name}.tar"), entry.pop("also", None)
    known = {"reader": "keywords", "splits": {"train": 1}, "classes": CLASSES} | entry
    splits = ", ".join(f"{key} = {value}" for key, value in known.pop("splits").items())
    texts = dict.fromkeys(("title", "licence", "source", "citation"), "t")
    lines = [f"{key} = {value!r}" for key, value in (texts | known).items()]
    named = [part.split(" ")[0] for part in splits.split(", ")]
    files = f"[[{name}.files]]\n{identity(path, body)}splits = {named}\n"
    if also is not None:
        files += f"[[{name}.files.also]]\n{identity(f'also-{name}.tar', also)}"
    world.write("\n".join([f"[{name}]", f"splits = {{ {splits} }}", *lines, files]))
    world.put(world.cache / path, body)


def identity(path: str, body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()
    return f'path = "{path}"\nsize_bytes = {len(body)}\nsha256 = "{digest}"\n'
