"""Speech that is drawn (the whole of Speech Commands), bundled, or made: each on a small scale."""

import importlib
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from course_utils import data
from course_utils.errors import DataCorruptError, DataError, DataMissingError

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location(
    "speech_files", Path(__file__).with_name("speech_files.py")
)
files = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(files)

SPLITS = {"train": 1, "val": 1, "test": 1}

# ---- the whole of Speech Commands


def recording(seconds: int) -> np.ndarray:
    """Two values in turn; their ratio says which part it is, at any volume: 1, 2 and 3."""
    n = seconds * 16_000
    part = np.select([np.arange(n) < 0.8 * n, np.arange(n) < 0.9 * n], [1, 2], 3)
    return np.where(np.arange(n) % 2, 9_000 * part, 9_000).astype(np.int16)


@pytest.fixture(scope="module")
def whole() -> tuple[bytes, dict[str, tuple[str, str, np.ndarray]]]:
    """An archive as published, with lists, and its clips: name -> (split, word, samples)."""
    rng, clips = np.random.default_rng(0), {}
    for k in range(300):
        word = str(rng.choice(["yes", "stop", "bird", "wow", "zero"]))
        split = ("train", "train", "train", "val", "test")[k % 5]
        n = 16_000 if k % 4 else 12_345
        clips[f"{word}/{rng.integers(2**32):08x}_nohash_{k % 2}.wav"] = (
            split,
            word,
            files.sound(rng, n),
        )
    lists = {
        f"./{file}_list.txt": "".join(f"{n}\n" for n, c in clips.items() if c[0] == split).encode()
        for split, file in (("val", "validation"), ("test", "testing"))
    }
    noise = {f"./_background_noise_/{n}.wav": recording(s) for n, s in (("a_b", 20), ("c", 15))}
    sounds = {f"./{name}": pcm for name, (*_, pcm) in clips.items()} | noise
    members = {name: files.encoded(pcm, form="WAV") for name, pcm in sounds.items()}
    order = sorted(members, key=lambda name: name[::-1])
    readme = {"./_background_noise_/README.md": b"text", "./LICENSE": b"text"}
    return files.tar_of({**readme, **{n: members[n] for n in order}, **lists}, "w:gz"), clips


def test_the_whole_archive_gives_keywords_a_tenth_of_others_and_of_silence(
    world: Any, whole: Any
) -> None:
    body, clips = whole
    files.register(world, "whole", body, splits=SPLITS, path="whole/whole.tar.gz")
    unknown_words = set()
    for split in SPLITS:
        part, again = data.load("whole", split=split), data.load("whole", split=split)
        np.testing.assert_array_equal(part.x, again.x)
        names = np.array(files.CLASSES)[part.y]
        expected = {n: c for n, c in clips.items() if c[0] == split and c[1] in ("yes", "stop")}
        n_tenth = int(np.ceil(len(expected) / 10))
        for label in ("_unknown_", "_silence_"):
            assert (names == label).sum() == n_tenth
        is_keyword = ~np.isin(names, ["_unknown_", "_silence_"])
        assert is_keyword.sum() == len(expected)
        by_sound = {c[2].tobytes()[:4_000]: c for c in clips.values()}
        for x, name, word in zip(part.x, names, part.words, strict=True):
            if name != "_silence_":
                pcm = (x * 32_768).astype(np.int16)
                its_split, its_word, samples = by_sound[pcm.tobytes()[:4_000]]
                assert (its_split, its_word) == (split, word)
                np.testing.assert_array_equal(pcm, np.pad(samples, (0, 16_000 - len(samples))))
                assert name == (word if word in files.KEYWORDS else "_unknown_")
        unknown_words |= set(part.words[names == "_unknown_"])
    assert unknown_words <= {"bird", "wow", "zero"}
    assert len(unknown_words) > 1


def test_no_split_hears_the_noise_of_another(world: Any, whole: Any) -> None:
    files.register(world, "whole", whole[0], splits=SPLITS, path="whole/whole.tar.gz")
    for split, ratio in (("train", 1.0), ("val", 2.0), ("test", 3.0)):
        part = data.load("whole", split=split)
        silence = part.x[part.y == files.CLASSES.index("_silence_")]
        even, odd = silence[:, ::2], silence[:, 1::2]
        ratios = np.maximum(even, odd) / np.minimum(even, odd)
        np.testing.assert_allclose(ratios, ratio, rtol=1e-5)
        volume = silence.min(axis=1) / (9_000 / 32_768)
        assert ((volume > 0) & (volume < 1)).all()
    speakers = part.speakers[part.y == files.CLASSES.index("_silence_")]
    assert len(set(speakers)) == len(speakers)


# ---- bundled


@pytest.fixture
def bundle(world: Any) -> Any:
    """An embedded set of three clips in the registry of this test."""
    rng = np.random.default_rng(5)
    pcm = (rng.normal(size=(3, 16_000)) * 3_000).astype(np.int16)
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", 16_000, 1, format="OGG", subtype="VORBIS") as file:
        for clip in pcm:
            file.write(clip)
    fields = ({"label": w, "word": w, "speaker": f"v{k}"} for k, w in enumerate(("go", "up", "go")))
    rows = [files.row("", "train", clip, **each) for clip, each in zip(pcm, fields, strict=True)]
    rows.append(files.row("", "test", pcm[0], label="on", word="on", speaker="v9"))

    def add(name: str = "bundle", sound: bytes = stream.getvalue()) -> Path:
        manifest = files.manifest(rows)
        paths = {f"{name}/train.ogg": sound, f"{name}/manifest.csv": manifest}
        texts = "".join(f'{key} = "t"\n' for key in ("title", "licence", "source", "citation"))
        head = f'[{name}]\n{texts}reader = "keywords"\nembedded = "this project"\n'
        head += f"splits = {{ train = 3 }}\nclasses = {files.CLASSES}\n"
        for path, body in paths.items():
            world.put(world.registry / path, body)
            head += f'[[{name}.files]]\n{files.identity(path, body)}splits = ["train"]\n'
        world.write(head)
        return Path(world.registry, f"{name}/train.ogg")

    return add


def test_a_bundled_set_is_found_without_any_folder(
    world: Any, bundle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bundle()
    world.put(world.archives / "bundle" / "train.ogg", b"another one")
    monkeypatch.setenv("COURSE_DATA", str(world.archives))
    part = data.load("bundle")
    assert (part.source, part.x.shape) == ("this project", (3, 16_000))
    assert part.words.tolist() == ["go", "up", "go"]
    assert part.speakers.tolist() == ["v0", "v1", "v2"]
    assert [files.CLASSES[y] for y in part.y] == ["go", "up", "go"]
    assert data.fetch("bundle")[0] == data.locate("bundle")[0] == path
    with pytest.raises(DataError, match="comes with this project; leave out the path"):
        data.load("bundle", path=world.archives)


def test_a_damaged_or_missing_bundle_asks_for_a_new_installation(world: Any, bundle: Any) -> None:
    path = bundle()
    whole = path.read_bytes()
    path.write_bytes(whole[:-500])
    with pytest.raises(DataCorruptError, match="install the project again") as caught:
        data.load("bundle")
    assert str(path) in world.one_line(caught)
    path.unlink()
    for reach in (data.load, data.fetch, data.locate):
        with pytest.raises(DataMissingError, match=r"train\.ogg for split train is not in") as lost:
            reach("bundle")
        assert world.one_line(lost).endswith("; install the project again")
    assert not world.server.asked
    assert not world.cache.exists()


def test_a_stream_that_its_manifest_does_not_fit_is_one_line(world: Any, bundle: Any) -> None:
    """The registry promises these bytes, so that the reader must notice."""
    whole = bundle().read_bytes()
    for name, sound, message in (
        ("cut", whole[: len(whole) * 2 // 3], r"has [\d,]+ samples, its manifest names 48,000"),
        ("none", b"OggS" + bytes(999), "cannot be decoded"),
    ):
        bundle(name, sound)
        with pytest.raises(DataCorruptError, match=message) as caught:
            data.load(name)
        world.one_line(caught)


# ---- made on demand

MAKER = """
import sys, pathlib, time
source, known = pathlib.Path(__file__).parent / "body", len(sys.argv) == 3
if not known: sys.exit("no options")
pathlib.Path(sys.argv[1]).write_bytes(source.read_bytes())
if source.with_name("fail").exists(): raise ValueError("out of voice")
"""


@pytest.fixture
def made(world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A set that a program makes; called with True it makes other bytes of the same sound."""
    monkeypatch.setattr(data.places, "find_spec", lambda name: object())
    pcm = files.sound(np.random.default_rng(6))
    line = files.row("a.flac", "train", pcm, label="go", word="go", speaker="v")

    def body(level: float) -> bytes:
        flac = io.BytesIO()
        soundfile.write(flac, pcm // 4, 16_000, format="FLAC", compression_level=level)
        digest = files.row("a.flac", "train", pcm // 4)["pcm_sha256"]
        lines = files.manifest([line | {"pcm_sha256": digest}])
        return files.tar_of({"manifest.csv": lines, "a.flac": flac.getvalue()})

    known, other = body(0.0), body(1.0)
    assert known != other
    files.register(world, "made", known)
    registry = world.registry / "registry.toml"
    text = registry.read_text().replace('path = "made/', 'maker = "maker.py 5"\npath = "made/')
    registry.write_text(text)
    (world.cache / "made" / "made.tar").unlink()
    world.put(world.registry / "maker.py", MAKER.encode())

    def choose(is_other: bool) -> Path:
        world.put(world.registry / "body", other if is_other else known)
        return Path(world.cache, "made/made.tar")

    return choose


def test_a_made_set_is_made_once_and_says_where_its_bytes_are_others(world: Any, made: Any) -> None:
    path = made(False)
    assert data.load("made").source == "cache"
    path.unlink()
    made(True)
    part = data.load("made")
    assert part.source.startswith("cache (made with other rounding or another encoder")
    assert data.fetch("made") == data.locate("made") == (path,)
    assert part.words.tolist() == ["go"]
    world.put(world.registry / "maker.py", b"raise SystemExit('made again')")
    assert data.fetch("made") == (path,)


def test_a_made_archive_that_lacks_something_is_made_again(world: Any, made: Any) -> None:
    path = made(True)
    data.fetch("made")
    whole = path.read_bytes()
    for body in (whole[:3_000], whole[:-11_000], b"nothing", files.tar_of({"a.flac": b"x"})):
        path.write_bytes(body)
        with pytest.raises(DataCorruptError, match=r"it replaces the file") as caught:
            data.load("made")
        world.one_line(caught)
        assert data.fetch("made") == (path,)
        assert path.read_bytes() == whole


def test_a_maker_that_fails_leaves_nothing(world: Any, made: Any) -> None:
    made(False)
    world.put(world.registry / "fail", b"")
    with pytest.raises(DataMissingError, match=r"maker\.py failed \(ValueError: out of") as caught:
        data.fetch("made")
    world.one_line(caught)
    assert world.cached() == []
    with pytest.raises(DataMissingError, match=r"run: lab data fetch made \(it is made here\)"):
        data.locate("made")


def test_without_the_extra_the_remedy_is_one_command(world: Any, made: Any, monkeypatch) -> None:
    made(False)
    monkeypatch.setattr(data.places, "find_spec", lambda name: None)
    for reach in (data.fetch, data.load):
        with pytest.raises(DataMissingError, match="espeak-ng, which is not installed") as caught:
            reach("made")
        assert 'pip install "mlsys-course[speech]"' in world.one_line(caught)
    assert sys.executable
    assert world.cached() == []
