"""Archives that nobody vouches for: what is read, what is refused and why."""

import importlib.util
import io
import re
import stat
import struct
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.errors import ArchiveError
from grading.moodle.archives import DOWNLOAD, Archive, Budget, Caps, Entry, Refused, unpack
from grading.moodle.file_names import is_junk, name_problem, shown


def _load(name: str):
    """Load a helper by its place: the folder of tests has no __init__.py."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


moodle = _load("moodle_downloads")
drawn = _load("strategies")

LIMIT = 1 << 20


def reasons(content: bytes, **caps: int) -> dict[str, str]:
    """Path -> why it is refused, of everything in an archive handed in; '' if it can be read."""
    budget = Budget(Caps(**caps))
    outer = Entry("in.zip", len(content), (2026, 1, 1, 0, 0, 0), lambda limit: content)
    found = {}
    for item in unpack([outer], budget):
        try:
            found[item.path] = item.reason if isinstance(item, Refused) else ""
            if isinstance(item, Entry):
                budget.read(item)
        except ArchiveError as err:
            found[item.path] = str(err)
    return found


def only_reason(content: bytes, **caps: int) -> str:
    (reason,) = reasons(content, **caps).values()
    return reason


def with_attributes(mode: int, content: bytes = b"/etc/passwd") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("lab.ipynb")
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return stream.getvalue()


def patched(
    content: bytes, *, local: tuple[int, bytes] | None, central: tuple[int, bytes]
) -> bytes:
    """An archive of one file with bytes of its two headers changed, at these places in them."""
    made = bytearray(content)
    for start, change in ((content.find(b"PK\3\4"), local), (content.rfind(b"PK\1\2"), central)):
        if change is not None:
            place, new = change
            made[start + place : start + place + len(new)] = new
    return bytes(made)


def shared_header(content: bytes, copies: int) -> bytes:
    """An archive of one file whose directory lists that file again and again."""
    start, end = content.rfind(b"PK\1\2"), content.rfind(b"PK\5\6")
    directory = content[start:end] * copies
    head = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, copies, copies, len(directory), start, 0)
    return content[:start] + directory + head


# What is read.


def test_entries_are_what_was_put_in_with_their_dates():
    files = {"lab.ipynb": b"{}", "part/notes.txt": b"hello" * 100, "leer/": b""}
    archive = Archive(moodle.zipped(files))
    assert archive.folders == ("leer/",)
    assert {e.path: e.load(LIMIT) for e in archive.entries} == {
        "lab.ipynb": b"{}",
        "part/notes.txt": b"hello" * 100,
    }
    assert {e.modified for e in archive.entries} == {moodle.NOON.timetuple()[:6]}


def test_an_archive_is_read_from_a_path_and_stays_lazy(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(moodle.zipped({f"{n}.txt": b"x" * n for n in range(5)}))
    archive = Archive(path, caps=DOWNLOAD)
    assert [len(e.load(LIMIT)) for e in reversed(archive.entries)] == [4, 3, 2, 1, 0]
    archive.close()


@given(
    st.dictionaries(
        st.from_regex(r"[a-zäöü0-9]{1,8}(/[a-z0-9]{4,8}\.txt)?", fullmatch=True),
        st.binary(max_size=200),
        max_size=5,
    )
)
@settings(max_examples=40)
def test_any_ordinary_archive_comes_back_whole(files):
    kept = {f"{n}/{name}": content for n, (name, content) in enumerate(files.items())}
    kept = {name: content for name, content in kept.items() if not name_problem(name)}
    archive = Archive(moodle.zipped(kept))
    assert {e.path: e.load(LIMIT) for e in archive.entries} == kept


def test_archives_in_archives_are_opened_and_backslashes_are_folders():
    inner = moodle.zipped({"part\\lab.ipynb": b"{}"})
    assert reasons(moodle.zipped({"a/inner.ZIP": inner})) == {
        "in.zip/a/inner.ZIP/part/lab.ipynb": ""
    }


def test_names_of_macos_are_utf_8_whatever_the_archive_says():
    content = moodle.zipped({"müll.txt": b"x"})
    flagless = bytearray(content)
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = content.find(signature) + place
        flagless[start : start + 2] = b"\0\0"
    (entry,) = Archive(bytes(flagless)).entries
    assert entry.path == "müll.txt"


# What is refused, one entry at a time.


@pytest.mark.parametrize("name", drawn.NASTY_NAMES)
def test_a_nasty_name_is_refused_and_the_rest_goes_on(name):
    made = moodle.zipped([(name.replace("\0", "#"), b"{}"), ("lab.ipynb", b"{}")])
    made = made.replace(b"nul#byte", b"nul\0byte")
    found = reasons(made)
    assert found.pop("in.zip/lab.ipynb") == ""
    (reason,) = found.values()
    assert reason.startswith(("has ", "leads "))


def test_the_nastiest_names_are_called_what_they_are():
    said = {name: name_problem(name) for name in ("../x", "/x", "C:x", "a/con.txt", "a\nb", "")}
    assert said == {
        "../x": "leads out of its folder",
        "/x": "has an absolute path",
        "C:x": "has an absolute path",
        "a/con.txt": "has a name that Windows reserves",
        "a\nb": "has control characters in its name",
        "": "has an empty name",
    }
    assert not any(
        map(name_problem, ("console.ipynb", "Übung 1 (Kopie).ipynb", "a..b", "12:30.txt"))
    )


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (stat.S_IFLNK | 0o777, "is a link"),
        (stat.S_IFIFO, "is no ordinary file"),
        (stat.S_IFCHR, "is no ordinary file"),
        (stat.S_IFBLK, "is no ordinary file"),
        (stat.S_IFSOCK, "is no ordinary file"),
        (stat.S_IFDIR, "is no ordinary file"),
        (stat.S_IFREG | 0o644, ""),
        (0, ""),
    ],
)
def test_only_ordinary_files_are_read(mode, reason):
    found = only_reason(with_attributes(mode))
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def test_encrypted_oddly_compressed_and_foreign_archives_are_refused_with_the_remedy():
    sound = moodle.zipped({"lab.ipynb": b"{}"})
    locked = patched(sound, local=(6, b"\1\0"), central=(8, b"\1\0"))
    assert "without a password" in only_reason(locked)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        made = moodle.zipped({"lab.ipynb": b"{}"}, method=method)
        assert f"method {method}" in only_reason(made)
    for name in ("lab.7z", "lab.tar.gz", "lab.RAR", "lab.tgz"):
        assert "hand in a .zip" in only_reason(moodle.zipped({name: b"Rar!"}))
    assert only_reason(b"Rar!\x1a\7\1\0 and so on") == "is no zip but a RAR archive; hand in a .zip"


def test_twins_and_names_that_differ_in_case_are_refused_after_the_first():
    with pytest.warns(UserWarning, match="Duplicate name"):
        made = moodle.zipped([("Lab.ipynb", b"1"), ("lab.ipynb", b"2"), ("Lab.ipynb", b"3")])
    items = Archive(made).entries
    assert [isinstance(item, Entry) for item in items] == [True, False, False]
    assert [isinstance(item, Entry) for item in Archive(made, is_unique=False).entries] == [
        True
    ] * 3


def test_junk_is_left_out_without_a_word():
    files = {"__MACOSX/._lab.ipynb": b"", ".DS_Store": b"", "a/.ipynb_checkpoints/lab.ipynb": b""}
    assert reasons(moodle.zipped(files)) == {}
    assert not is_junk("macosx/lab.ipynb")


# Bombs and lies.


def test_an_entry_that_unpacks_to_far_more_than_its_size_is_refused():
    found = reasons(moodle.zipped({"lab.ipynb": bytes(8 << 20), "small.txt": bytes(1000)}))
    assert re.fullmatch(
        r"unpacks from 7\.\d+ KiB to 8\.00 MiB, like a bomb", found["in.zip/lab.ipynb"]
    )
    assert found["in.zip/small.txt"] == ""


def test_a_nested_bomb_is_stopped_by_what_is_left_of_the_budget():
    layer = moodle.zipped({f"{n}.txt": bytes(range(256)) * 400 for n in range(10)})
    found = reasons(layer, total_bytes=500_000)
    assert list(found.values()).count("") == 4  # 100 kB each, after the archive itself
    assert set(found.values()) == {"", "is past the 488 KiB that are read of one submission"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_one_hands_in_cannot_look_like_too_many_files_of_everybody(tmp_path, method):
    path = tmp_path / "download.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("Ada_1_assignsubmission_file/lab.ipynb", b"{}")
        archive.writestr("Eve_2_assignsubmission_file/notes.txt", b"PK\x01\x02" * 100)
    caps = Caps(members=50, total_bytes=1 << 50)
    assert len(Archive(path, caps=caps, is_unique=False).entries) == 2


def test_depth_and_count_have_an_end():
    content = b"{}"
    for _ in range(4):
        content = moodle.zipped({"a.zip": content})
    assert "archives deep" in only_reason(content)
    many = moodle.zipped({f"{n}.txt": b"" for n in range(12)})
    assert only_reason(many, members=11) == "holds more than 11 files; leave out data"
    assert len(reasons(many, members=12)) == 12
    twice = moodle.zipped({"a.zip": many, "b.zip": many})
    assert list(reasons(twice, members=20).values()).count("") == 12


@pytest.mark.parametrize("copies", [2, 500])
def test_entries_that_share_bytes_are_refused_with_their_archive(copies):
    made = shared_header(moodle.zipped({"a.txt": bytes(100_000)}), copies)
    assert len(zipfile.ZipFile(io.BytesIO(made)).infolist()) == copies
    assert only_reason(made) == "has entries that overlap, like a bomb"


def test_an_entry_that_swallows_the_next_one_is_refused():
    made = moodle.zipped({"a.txt": b"a" * 50, "b.txt": b"b" * 50}, method=zipfile.ZIP_STORED)
    start = made.find(b"PK\1\2")
    longer = bytearray(made)
    for place in (20, 24):
        longer[start + place : start + place + 4] = struct.pack("<L", 120)
    assert only_reason(bytes(longer)) == "has entries that overlap, like a bomb"


@pytest.mark.parametrize("size", [0, 5, 999, 1 << 19, 0xFFFFFFFE])
def test_a_declared_size_that_lies_is_found_out(size):
    sound = moodle.zipped({"lab.ipynb": b"x" * 1000})
    lying = patched(
        sound, local=(22, struct.pack("<L", size)), central=(24, struct.pack("<L", size))
    )
    assert only_reason(lying).startswith(("is damaged (", "unpacks from "))


def test_damaged_bytes_are_found_out_and_the_rest_goes_on():
    made = moodle.zipped({"a.txt": b"first", "b.txt": b"second"}, method=zipfile.ZIP_STORED)
    found = reasons(made.replace(b"first", b"fIrst"))
    assert found["in.zip/a.txt"].startswith("is damaged (Bad CRC-32")
    assert found["in.zip/b.txt"] == ""


def test_more_than_the_limit_is_never_returned():
    (entry,) = Archive(moodle.zipped({"a": b"x" * 100})).entries
    assert len(entry.load(100)) == 100
    with pytest.raises(ArchiveError, match="has 100 B; at most 99 B are read"):
        entry.load(99)


@given(drawn.damaged())
@settings(max_examples=300, deadline=None)
def test_whatever_is_handed_in_is_read_or_refused_with_a_reason(content):
    found = reasons(content)
    assert all(shown(reason, length=400) == reason for reason in found.values())


@given(drawn.archives())
@settings(max_examples=100, deadline=None)
def test_of_a_sound_archive_no_entry_gets_lost(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [info.orig_filename for info in archive.infolist() if not info.is_dir()]
    items = Archive(content, is_unique=False).entries
    assert [item.path for item in items if isinstance(item, Refused)] == [
        name for name, item in zip(names, items, strict=True) if isinstance(item, Refused)
    ]
    assert [item.path for item in items if isinstance(item, Entry)] == [
        name.replace("\\", "/")
        for name, item in zip(names, items, strict=True)
        if isinstance(item, Entry)
    ]
