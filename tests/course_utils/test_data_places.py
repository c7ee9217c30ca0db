"""The files of a data set: found in the promised order, and whole, or one clear line."""

import errno
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import data
from course_utils.errors import DataCorruptError, DataError, DataMissingError

TEXT = bytes(range(256)) * 40


# ---- where a set is found


def test_the_first_place_wins(world: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = world.put(tmp_path / "mine" / "text.txt", world.text)
    held = world.put(world.archives / "toy" / "text.txt", world.text)
    cached = world.put(world.cache / "toy" / "text.txt", world.text)
    monkeypatch.setenv("COURSE_DATA", str(world.archives))
    for path in (named, named.parent, str(named.parent)):
        assert data.load("toy", path=path).source == "explicit path"
    assert data.load("toy").source == "COURSE_DATA"
    assert data.locate("toy") == (held,)
    held.unlink()
    assert data.load("toy").source == "cache"
    assert data.locate("toy", split="val") == (cached,)
    cached.unlink()
    assert not world.server.asked
    assert data.load("toy").source == "cache"
    assert world.server.asked == ["/toy/text.txt"]
    assert cached.read_bytes() == world.text


def test_a_folder_may_hold_the_same_data_compressed_anew(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_form("toy/text.txt", world.text[::-1])
    other = world.put(world.archives / "again" / "text.txt", world.text[::-1])
    monkeypatch.setenv("COURSE_DATA", str(world.archives))
    assert data.fetch("toy") == (other,)
    assert (
        data.load("toy", path=other.parent).x.tobytes() == world.text[::-1][: len(world.text) - 102]
    )
    assert not world.server.asked
    other.unlink()  # what the address serves must be the form that belongs to it
    world.server.replies["/toy/text.txt"] = world.sends(world.text[::-1])
    with pytest.raises(DataCorruptError, match="was not kept"):
        data.fetch("toy")


def test_what_is_nowhere_is_said_with_the_remedy(world: Any) -> None:
    with pytest.raises(DataMissingError) as caught:
        data.locate("toy")
    text = world.one_line(caught)
    for part in ("toy/text.txt", str(world.cache), "lab data fetch toy", "COURSE_DATA"):
        assert part in text
    assert not world.server.asked
    assert not world.cache.exists()


def test_an_explicit_path_is_never_replaced_by_another_place(world: Any) -> None:
    world.put(world.cache / "toy" / "text.txt", world.text)
    for path in (world.folder / "nowhere", world.archives):
        with pytest.raises(DataMissingError, match="explicit path") as caught:
            data.load("toy", path=path)
        assert str(path) in world.one_line(caught)
    assert not world.server.asked


def test_a_missing_split_is_named_and_not_substituted(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_entry("pair", "text", "{ train = 5, test = 5 }")
    world.add("pair/train.txt", world.text, '["train"]')
    world.add("pair/test.txt", world.text[::-1], '["test"]')
    world.put(world.archives / "pair" / "test.txt", world.text[::-1])
    monkeypatch.setenv("COURSE_DATA", str(world.archives))
    assert data.load("pair", split="test").source == "COURSE_DATA"
    with pytest.raises(DataMissingError) as caught:
        data.load("pair", split="train")
    text = world.one_line(caught)
    assert "pair/train.txt for split train is not in COURSE_DATA" in text
    assert "(splits there: test) nor in cache" in text
    assert f"{world.url}/pair/train.txt failed (404)" in text
    assert "lab data fetch pair" in text
    assert world.cached() == []
    world.server.replies["/pair/train.txt"] = world.sends(world.text)
    assert [path.parent.parent for path in data.fetch("pair")] == [world.cache, world.archives]


# ---- whole or not


def test_a_damaged_file_is_named_with_what_to_do(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, other = world.text[:-7], b"X" + world.text[1:]
    cached = world.put(world.cache / "toy" / "text.txt", short)
    with pytest.raises(DataCorruptError) as caught:
        data.load("toy")
    text = world.one_line(caught)
    assert f"{cached} has {len(short):,} bytes" in text
    assert f"expected {len(world.text):,} bytes" in text
    assert "run: lab data fetch toy (it replaces the file)" in text

    held = world.put(world.archives / "toy" / "text.txt", other)
    monkeypatch.setenv("COURSE_DATA", str(world.archives))
    for reach in (data.load, data.locate, data.fetch):
        with pytest.raises(DataCorruptError) as caught:
            reach("toy")
        text = world.one_line(caught)
        assert f"{held} has" in text
        assert hashlib.sha256(other).hexdigest()[:12] in text
        assert hashlib.sha256(world.text).hexdigest()[:12] in text
        assert "restore it, or delete it and run: lab data fetch toy" in text
    with pytest.raises(DataCorruptError, match="give the original"):
        data.load("toy", path=held)
    assert held.read_bytes() == other  # a user's file is never touched
    assert not world.server.asked


def test_fetch_replaces_a_damaged_file_of_the_cache(world: Any) -> None:
    cached = world.put(world.cache / "toy" / "text.txt", world.text[:100])
    assert data.fetch("toy") == (cached,)
    assert cached.read_bytes() == world.text
    assert data.fetch("toy") == (cached,)
    assert len(world.server.asked) == 1


@given(
    position=st.integers(0, len(TEXT) - 1),
    change=st.one_of(
        st.integers(1, 255).map(lambda flip: ("flip", bytes([flip]))),
        st.binary(min_size=1, max_size=4).map(lambda extra: ("insert", extra)),
        st.just(("cut", b"")),
    ),
)
def test_every_change_of_the_bytes_is_noticed(position: int, change: tuple[str, bytes]) -> None:
    kind, new = change
    body = {
        "flip": TEXT[:position]
        + bytes([TEXT[position] ^ (new or b"\0")[0]])
        + TEXT[position + 1 :],
        "insert": TEXT[:position] + new + TEXT[position:],
        "cut": TEXT[:position],
    }[kind]
    form = data.DataFile("toy/text.txt", len(TEXT), hashlib.sha256(TEXT).hexdigest())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_bytes(TEXT)
        assert data.places.problem(path, [form]) == ""
        path.write_bytes(body)
        assert "expected" in data.places.problem(path, [form])


def test_a_file_that_cannot_be_read_is_one_line(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(world.cache / "toy" / "text.txt", world.text)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(data.places, "problem", refuse)
    with pytest.raises(DataError, match=r"\(Permission denied\); check its permissions") as caught:
        data.load("toy")
    world.one_line(caught)
