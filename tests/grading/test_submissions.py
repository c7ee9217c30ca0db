"""Submissions from everything that can be given to a grader: one row each, whatever is in it."""

import dataclasses
import importlib.util
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading.moodle.archives import Archive, Entry, Refused
from grading.moodle.contents import find
from grading.moodle.downloads import sort
from grading.moodle.online_text import colab_link, decoded, plain_text
from grading.submissions import Submission, read_submissions
from labs.engine.errors import UsageError


def _load(name: str):
    """Load a helper by its place: the folder of tests has no __init__.py."""
    path = Path(__file__).parent / "moodle" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


moodle = _load("moodle_downloads")
drawn = _load("strategies")

LINK = "https://colab.research.google.com/drive/1aBcD?usp=sharing"
OURS = moodle.notebook("# Exercise 9.1")
OTHER = moodle.notebook("y = 2", lab="")


@pytest.fixture
def lab(toy):
    lab = toy.course.lab("toy")
    lab.notebook.write_bytes(moodle.notebook("as handed out"))
    return lab


def chosen(files, lab=None, **options):
    """What `find` makes of files by name; a pair of content and date, or content."""
    items = [
        Entry(path, len(content), (2026,), lambda limit, content=content: content)
        for path, content in files.items()
    ]
    return find(items, lab=lab, **options)


# Which notebook.


def test_one_notebook_anywhere_is_it():
    for path in ("toy.ipynb", "a/b/My Work.IPYNB", "lab.ipynb.json", "lab.ipynb.txt"):
        found = chosen({path: OURS})
        assert (found.notebook, found.path, found.problem, found.notes) == (OURS, path, "", ())


def test_a_notebook_in_a_zip_in_a_zip_is_found_with_the_link_beside_it():
    inner = moodle.zipped({"toy.ipynb": OURS, "url.txt": LINK.encode()})
    found = chosen({"all.zip": moodle.zipped({"submission.zip": inner})})
    assert found.notebook == OURS
    assert found.path == "all.zip/submission.zip/toy.ipynb"
    assert (found.url, found.problem) == (LINK, "")


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"toy.ipynb": OTHER, "z.ipynb": OURS}, "toy.ipynb"),  # its name first
        ({"a.ipynb": OTHER, "b.ipynb": OURS, "c.ipynb": OTHER}, "b.ipynb"),  # then its marks
        ({"a.ipynb": OTHER, "b/a.ipynb": OTHER}, "a.ipynb"),  # then the nearer one
        ({"toy.ipynb": moodle.notebook("as handed out"), "toy-copy.ipynb": OURS}, "toy-copy.ipynb"),
        ({"toy.ipynb": b"", "mine.ipynb": OTHER}, "mine.ipynb"),
    ],
)
def test_among_several_the_lab_s_own_counts_and_a_note_says_so(lab, files, path):
    found = chosen(files, lab)
    assert found.path == path
    (note,) = found.notes
    assert note.startswith(f"{len(files)} notebooks; graded: {path}, not: ")
    assert chosen(dict(reversed(files.items())), lab).path == path


def test_the_latest_of_equal_ones_counts():
    dates = {"a.ipynb": (2026, 5, 1), "b.ipynb": (2026, 5, 3), "c.ipynb": (2026, 5, 2)}
    items = [Entry(p, len(OTHER), when, lambda limit: OTHER) for p, when in dates.items()]
    assert find(items).path == "b.ipynb"


# Why none.


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no file and no notebook"),
        ({"url.txt": LINK.encode()}, "only a link to Colab and no notebook"),
        (
            {"report.pdf": b"%PDF", "lab.py": b""},
            "no notebook among the files (report.pdf, lab.py)",
        ),
        (
            {"lab.tar.gz": b"\x1f\x8b"},
            "lab.tar.gz is an archive that is not opened; hand in a .zip",
        ),
        ({"lab.zip": b"PK\3\4 but no zip"}, "lab.zip is damaged, or no zip archive"),
        ({"lab.zip": moodle.zipped({"../x.ipynb": OURS})}, "x.ipynb leads out of its folder"),
    ],
)
def test_without_a_notebook_the_reason_says_what_to_do(files, words):
    found = chosen(files)
    assert found.notebook is None
    assert words in found.problem


def test_a_link_alone_is_refused_with_the_way_to_the_file():
    found = chosen({"link.url": f"[InternetShortcut]\r\nURL={LINK}\r\n".encode()})
    assert "Download .ipynb" in found.problem
    assert found.url == LINK


def test_what_was_left_out_is_noted_and_a_long_list_is_cut():
    inner = {f"../{n}.ipynb": OURS for n in range(9)}
    found = chosen({"toy.ipynb": OURS, "x.zip": moodle.zipped(inner)})
    assert found.notebook == OURS
    assert len(found.notes) == 6
    assert found.notes[-1] == "left out: 4 more"


def test_a_notebook_that_is_too_long_is_refused_unread():
    def load(limit):
        raise AssertionError("it was read")

    found = find([Entry("toy.ipynb", 1 << 40, (2026,), load)])
    assert "past the 256 MiB" in found.problem


# Text and links.


def test_an_online_text_becomes_plain_text_and_gives_its_link():
    page = (
        f'<p dir="ltr">My work:<br/><a href="{LINK}&amp;x=1">here</a></p><script>alert(1)</script>'
        "<ul><li>&lt;b&gt; stays text</li></ul><img src=x onerror=alert(1)>"
    )
    online = [Entry("onlinetext.html", len(page), (), lambda limit: page.encode())]
    found = chosen({"toy.ipynb": OURS}, online=online)
    assert found.url == f"{LINK}&x=1"
    assert found.text == f"My work:\nhere ({LINK}&x=1)\n<b> stays text"
    assert "only a text" in find([], online=[Entry("o", 3, (), lambda limit: b"hi!")]).problem


@pytest.mark.parametrize(
    "encoded", [LINK.encode(), LINK.encode("utf-16"), LINK.encode("utf-8-sig"), b"\xff " * 3]
)
def test_text_files_of_any_encoding_are_read(encoded):
    assert colab_link(decoded(encoded)) in (LINK, "")
    assert (colab_link(decoded(encoded)) == LINK) == (not encoded.startswith(b"\xff "))


@given(st.text(max_size=200) | st.text("<>!-[]&;#/abcDATA \"'=\n\0", max_size=200))
@settings(max_examples=200)
def test_any_page_becomes_text(page):
    assert isinstance(plain_text(page), str)


@pytest.mark.parametrize(
    "piece", ["<!--", "<![", "<a ", "&#", "</", "<!", "<script>", "<?", "<p a='"]
)
def test_a_hostile_page_ends(piece):
    for page in (piece * 200_000, piece * 200_000 + ">", f"<a href={piece}" * 40_000):
        assert len(plain_text(page)) <= len(page)


# Where submissions come from.


def test_a_folder_with_one_of_each_kind_gives_one_row_each(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "toy.ipynb").write_bytes(OURS)
    (tmp_path / "bob.ipynb").write_bytes(OTHER)
    (tmp_path / "cleo.zip").write_bytes(moodle.zipped({"toy.ipynb": OURS, "url.txt": b"x"}))
    (tmp_path / "empty").mkdir()
    (tmp_path / "grades.csv").write_text("x")
    (tmp_path / ".DS_Store").write_text("x")
    found = read_submissions(tmp_path)
    assert found.ids == ("ada", "bob", "cleo", "empty")
    assert [s.notebook for s in found] == [OURS, OTHER, OURS, None]
    assert found.load("empty").problem.startswith("no file and no notebook")
    assert [item.path for item in found.leftovers] == ["grades.csv"]
    assert [s.id for s in found[1:3]] == ["bob", "cleo"]
    assert found[-1].id == "empty"


def test_links_and_pipes_are_refused_and_never_followed(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(OURS)
    place = tmp_path / "in"
    (place / "pipe").mkdir(parents=True)
    os.mkfifo(place / "pipe" / "toy.ipynb")
    os.mkfifo(place / "other.ipynb")
    (place / "link.ipynb").symlink_to(secret)
    (place / "folder").symlink_to(tmp_path)
    (place / "inside").mkdir()
    (place / "inside" / "toy.ipynb").symlink_to(secret)
    (place / "inside" / "loop").symlink_to(place)
    found = {s.id: s for s in read_submissions(place)}
    assert set(found) == {"folder", "inside", "link", "other", "pipe"}
    assert all(s.notebook is None for s in found.values())
    assert "link" in found["inside"].problem
    assert "no ordinary file" in found["pipe"].problem


@pytest.fixture
def deep(tmp_path):
    """A folder with more folders in each other than Python has frames; pytest cannot remove it."""
    place = tmp_path / "in" / "deep"
    place.mkdir(parents=True)
    descriptor = os.open(place, os.O_RDONLY)
    try:
        for _ in range(1200):
            os.mkdir("d", dir_fd=descriptor)
            below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield place.parent
    finally:
        os.close(descriptor)
        subprocess.run(["rm", "-rf", str(place)], check=True)


def test_a_folder_of_any_depth_and_any_names_is_one_row(deep):
    odd = os.fsencode(deep) + b"/\xff\xfe name\n.ipynb"
    Path(os.fsdecode(odd)).write_bytes(OURS)
    found = read_submissions(deep)
    assert len(found) == 2
    assert all(s.problem for s in found)


def test_ids_are_safe_and_unique(tmp_path):
    for name in (
        "Ada L.ipynb",
        "ada-l.ipynb",
        "..ipynb",
        "CON.ipynb",
        "ü.ipynb",
        "-x" * 60 + ".zip",
    ):
        (tmp_path / name).write_bytes(OURS)
    ids = read_submissions(tmp_path).ids
    assert len({i.casefold() for i in ids}) == 6
    assert all(i.isascii() and i[0] not in ".-" and len(i) <= 92 for i in ids)
    assert "CON" not in ids


def test_a_single_notebook_and_a_zip_of_lab_submit_are_one_submission(tmp_path):
    (tmp_path / "x.ipynb").write_bytes(OURS)
    (tmp_path / "toy.zip").write_bytes(moodle.zipped({"toy.ipynb": OURS, "url.txt": LINK.encode()}))
    (alone,) = read_submissions(tmp_path / "x.ipynb")
    (packed,) = read_submissions(tmp_path / "toy.zip")
    assert (alone.id, alone.notebook) == ("x", OURS)
    assert (packed.id, packed.notebook, packed.url) == ("toy", OURS, LINK)


def test_a_zip_of_folders_has_one_submission_a_folder(tmp_path):
    (tmp_path / "all.zip").write_bytes(
        moodle.zipped({"ada/toy.ipynb": OURS, "bob/part/x.ipynb": OTHER, "__MACOSX/x": b""})
    )
    assert [(s.id, s.notebook) for s in read_submissions(tmp_path / "all.zip")] == [
        ("ada", OURS),
        ("bob", OTHER),
    ]


@pytest.mark.parametrize("is_unpacked", [False, True])
def test_moodle_s_download_is_read_without_names(tmp_path, is_unpacked):
    hand_ins, _ = moodle.cohort(3)
    hand_ins[1].files = {}
    hand_ins[1].online = f"<p>{LINK}</p>"
    packed = tmp_path / "download.zip"
    packed.write_bytes(moodle.download(hand_ins, more=[("readme.txt", b"")]))
    if is_unpacked:
        packed = tmp_path / "unpacked"
        zipfile.ZipFile(tmp_path / "download.zip").extractall(packed)
    found = read_submissions(packed)
    assert found.ids == ("moodle-5000", "moodle-5001", "moodle-5002")
    assert found.load("moodle-5001").url == LINK
    assert [bool(s.problem) for s in found] == [False, True, False]
    assert [item.path for item in found.leftovers] == ["readme.txt"]
    assert "Person" not in repr([(s.id, s.problem, s.notes) for s in found])


@pytest.mark.parametrize("name", ["nothing", "text.txt", "broken.zip"])
def test_what_holds_no_submissions_is_wrong_usage(tmp_path, name):
    if name != "nothing":
        (tmp_path / name).write_bytes(b"PK\3\4 and then nothing")
    with pytest.raises(UsageError, match=name):
        read_submissions(tmp_path / name)


def test_a_digest_changes_with_what_is_graded_alone():
    one = Submission("a", OURS, notes=("n",))
    assert one.digest == Submission("b", OURS, notes=("n",), url="x", person=("p",)).digest
    others = [Submission("a", OTHER), Submission("a", None, problem="n"), Submission("a", OURS)]
    assert len({one.digest, *(s.digest for s in others)}) == 4


# Nothing gets lost.


@given(
    people=st.dictionaries(st.integers(1, 99), drawn.moodle_names(), max_size=5),
    files=st.lists(st.tuples(drawn.names(), st.binary(max_size=9)), max_size=3),
    is_flat=st.booleans(),
    has_underscore=st.booleans(),
    stray=st.lists(drawn.names(), max_size=2),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_person_has_a_slot_and_each_stray_entry_a_reason(
    people, files, is_flat, has_underscore, stray
):
    held = {name.replace("\0", "") or "x": content for name, content in files}
    held["plain.txt"] = b""
    hand_ins = [moodle.HandIn(name, number, held) for number, name in people.items()]
    strays = [(name.replace("\0", "") or "x", b"") for name in stray]
    strays = [(name, content) for name, content in strays if not name.endswith("/")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, about two entries of a name
        content = moodle.download(
            hand_ins, is_flat=is_flat, has_underscore=has_underscore, more=strays
        )
    archive = Archive(content, is_unique=False)
    found = sort(archive.entries, archive.folders)
    assert [slot.number for slot in found.slots] == sorted(people)
    assert [slot.name for slot in found.slots] == [people[n] for n in sorted(people)]
    assert all(isinstance(item, Refused) and item.reason for item in found.leftovers)
    assert len(found.leftovers) == len(strays)
    for slot in found.slots:
        held = find(slot.files)
        assert (held.notebook is None) == bool(held.problem)


@given(drawn.damaged())
@settings(max_examples=100, deadline=None)
def test_whatever_one_hands_in_the_others_are_read(content):
    hand_ins = [
        moodle.HandIn("Ada", 1, {"toy.ipynb": OURS}),
        moodle.HandIn("Eve", 2, {"toy.zip": content, "toy.ipynb": content}),
    ]
    archive = Archive(moodle.download(hand_ins), is_unique=False)
    ada, eve = sort(archive.entries).slots
    assert find(ada.files).notebook == OURS
    found = find(eve.files)
    assert (found.notebook is None) == bool(found.problem)


def test_the_collection_of_another_lab_is_wrong_usage(lab, tmp_path):
    desk = moodle.Desk(lab, tmp_path)
    desk.collect(moodle.download(moodle.cohort(2)[0]))
    assert len(read_submissions(desk.output, lab=lab)) == 2
    other = dataclasses.replace(lab, folder=lab.folder.with_name("other"))
    with pytest.raises(UsageError, match="handed in for toy, not for other"):
        read_submissions(desk.output, lab=other)
