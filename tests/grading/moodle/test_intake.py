"""Collecting a download: who gets which row, what is written, and what happens the next time."""

import importlib.util
import json
import re
import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading.moodle import intake
from grading.moodle.archives import DOWNLOAD, Archive
from grading.moodle.collection import read_collection
from grading.moodle.file_names import is_junk
from grading.moodle.identities import (
    person_key,
    read_identities,
)
from grading.moodle.names import parse
from grading.submissions import MISSING, read_submissions
from labs.engine.errors import UsageError


def _load(name: str):
    """Load a helper by its place: the folder of tests has no __init__.py."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


moodle = _load("moodle_downloads")
drawn = _load("strategies")

SECRET, BERLIN = moodle.SECRET, moodle.BERLIN
DAY = timedelta(days=1)
LINK = "https://colab.research.google.com/drive/1aBcD"


@pytest.fixture
def desk(toy, tmp_path):
    return moodle.Desk(toy.course.lab("toy"), tmp_path)


# What is written.


def test_a_cohort_is_collected_without_a_name_outside_two_files(desk):
    hand_ins, rows = moodle.cohort(3)
    found = desk.collect(moodle.download(hand_ins), rows)
    assert (found.leftovers, found.kept) == ((), ())
    tree = desk.tree()
    ids = sorted(found.collection.records)
    assert all(re.fullmatch(r"s[a-z2-7]{10}", key) for key in ids)
    assert set(tree) == {
        "collection.json",
        "identities.json",
        "worksheet.csv",
        *(f"submissions/{key}/notebook.ipynb" for key in ids),
    }
    assert tree["worksheet.csv"] == moodle.worksheet(rows)
    for name, content in tree.items():
        has_names = b"Person" in content or b"@" in content or b"5001" in content
        assert has_names == (name in ("identities.json", "worksheet.csv")), name


def test_everything_is_for_its_owner_only(desk):
    desk.collect(moodle.download(moodle.cohort(1)[0]), [])
    for path in (desk.output, *desk.output.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_record_says_when_in_the_course_s_time_zone_and_what_moodle_says(desk):
    hand_ins, rows = moodle.cohort(2)
    rows[1].extension, rows[1].status = "Monday", "Submitted - Extension granted until: Monday"
    rows[0].status = "Draft (not submitted)"
    desk.collect(moodle.download(hand_ins), rows)
    records = read_collection(desk.output).records
    first, second = (records[desk.people()[hand_in.name]] for hand_in in hand_ins)
    assert second.submitted == (moodle.NOON + timedelta(minutes=1)).replace(tzinfo=BERLIN)
    assert second.submitted.utcoffset() == timedelta(hours=2)
    assert (first.has_extension, second.has_extension) == (False, True)
    assert second.status.startswith("Submitted")
    assert first.notes == ("is a draft that was not handed in, says Moodle's worksheet",)
    assert first.modified == (2026, 5, 4, 12, 0, 0)


def test_what_was_collected_is_what_submissions_are_read_from(desk):
    hand_ins, rows = moodle.cohort(3)
    hand_ins[1] = moodle.HandIn("Person 1 Müller", 5001, {"link.txt": LINK.encode()})
    rows.append(moodle.Row(7, "Nobody", submitted=None))
    desk.collect(moodle.download(hand_ins), rows)
    found = read_submissions(desk.output)
    assert len(found) == 4
    assert list(found.ids) == sorted(found.ids)
    one = desk.submission("Person 0 Müller")
    assert one.notebook == moodle.notebook("x = 0")
    assert one.submitted == moodle.NOON.replace(tzinfo=BERLIN)
    assert one.person == (person_key(SECRET, rows[0]),)
    link = desk.submission("Person 1 Müller")
    assert (link.notebook, link.url, link.is_missing) == (None, LINK, False)
    assert "Download .ipynb" in link.problem
    nobody = desk.submission("Nobody")
    assert (nobody.problem, nobody.is_missing, nobody.notebook) == (MISSING, True, None)
    assert nobody.notes == ()
    rows[-1].submitted = moodle.NOON
    desk.collect(moodle.download(hand_ins), rows)
    assert desk.submission("Nobody").notes[0].endswith("is the download of everybody?")


def test_the_same_people_have_the_same_pseudonyms_with_and_without_collecting(desk):
    hand_ins, rows = moodle.cohort(4)
    desk.collect(moodle.download(hand_ins), rows)
    direct = read_submissions(desk.place / "download.zip", lab=desk.lab, secret=SECRET)
    assert direct.ids == read_submissions(desk.output).ids
    assert [s.digest for s in direct] == [s.digest for s in read_submissions(desk.output)]


# Nothing gets lost.


def test_a_hostile_hand_in_is_a_row_and_the_rest_goes_on(desk):
    hand_ins, rows = moodle.cohort(2)
    bomb = moodle.zipped({"toy.ipynb": bytes(4 << 20)})
    hand_ins[0].files = {"bomb.zip": bomb, "../../../etc/cron.d/x": b"evil"}
    desk.collect(moodle.download(hand_ins), rows)
    assert "like a bomb" in desk.submission(hand_ins[0].name).problem
    assert desk.submission(hand_ins[1].name).problem == ""
    assert not (desk.place / "etc").exists()


def test_an_empty_folder_is_a_row_and_strangers_are_listed(desk):
    more = [("Ada_1_assignsubmission_file/", b""), ("readme.txt", b""), ("__MACOSX/x", b"")]
    hand_ins, rows = moodle.cohort(1)
    found = desk.collect(moodle.download(hand_ins, more=more), rows)
    assert desk.submission("Ada").problem.startswith("no file and no notebook")
    assert "not in the worksheet" in desk.submission("Ada").notes[0]
    assert [item.path for item in found.leftovers] == ["readme.txt"]
    left = json.loads(desk.tree()["identities.json"])["leftovers"]
    assert left == [
        {"path": "readme.txt", "reason": "is not named as Moodle names what is handed in"}
    ]


def test_a_hand_in_of_another_kind_is_a_row(desk):
    more = [("Ada_1_assignsubmission_mahara/page.html", b"")]
    desk.collect(moodle.download([], more=more))
    assert "'mahara', which is not read" in desk.submission("Ada").problem


@given(drawn.damaged(st.just(moodle.download(moodle.cohort(3)[0]))))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_of_a_damaged_download_every_entry_ends_somewhere(desk, tmp_path_factory, content):
    desk.output = tmp_path_factory.mktemp("collected")
    try:
        found = desk.collect(content, [moodle.Row(n) for n in (5000, 5001, 5002)])
    except UsageError:
        return  # nothing of it can be trusted, which is said in one line
    assert len(read_submissions(desk.output)) == len(found.collection.records) >= 3
    numbers = {i.number for i in read_identities(desk.output / "identities.json").values()}
    left = {item.path for item in found.leftovers}
    for item in Archive(content, caps=DOWNLOAD, is_unique=False).entries:
        name = parse(item.path)
        assert (name and name.number in numbers) or item.path in left or is_junk(item.path)
    for submission in read_submissions(desk.output):
        assert (submission.notebook is None) == bool(submission.problem)


# Again.


def test_the_same_download_gives_the_same_bytes(desk):
    hand_ins, rows = moodle.cohort(3)
    desk.collect(moodle.download(hand_ins), rows)
    before = desk.tree()
    times = {path: path.stat().st_mtime_ns for path in desk.output.rglob("*.ipynb")}
    desk.collect(moodle.download(hand_ins), rows)
    assert desk.tree() == before
    assert times == {path: path.stat().st_mtime_ns for path in desk.output.rglob("*.ipynb")}
    desk.output = desk.place / "elsewhere"
    desk.collect(moodle.download(hand_ins[::-1]), rows[::-1])
    other = desk.tree()
    assert {**other, "collection.json": 0, "worksheet.csv": 0} == {
        **before,
        "collection.json": 0,
        "worksheet.csv": 0,
    }


def test_a_newer_download_updates_and_what_it_lacks_is_kept(desk):
    hand_ins, rows = moodle.cohort(4)
    rows[3].submitted = None
    desk.collect(moodle.download(hand_ins[:3]), rows)
    ids = read_submissions(desk.output).ids
    later = moodle.NOON + DAY
    changed = moodle.HandIn(hand_ins[0].name, 5000, {"b.ipynb": moodle.notebook("new")}, when=later)
    old = moodle.HandIn(
        hand_ins[1].name,
        5001,
        {"b.ipynb": moodle.notebook("old")},
        when=moodle.NOON - later.resolution,
    )
    rows[3].submitted = later
    found = desk.collect(moodle.download([changed, old, hand_ins[3]]), rows)
    assert read_submissions(desk.output).ids == ids  # the missing one keeps its pseudonym, too
    assert [desk.submission(h.name).notebook for h in hand_ins] == [
        moodle.notebook("new"),
        *(moodle.notebook(f"x = {n}") for n in (1, 2, 3)),
    ]
    assert set(found.kept) == {desk.people()[hand_ins[n].name] for n in (1, 2)}
    assert not any(s.is_missing for s in read_submissions(desk.output))


def test_a_link_that_became_a_notebook_leaves_no_link_behind(desk):
    early = moodle.HandIn("Ada", 1, {"url.txt": LINK.encode()}, online="<p>text</p>")
    desk.collect(moodle.download([early]))
    late = moodle.HandIn("Ada", 1, {"a.ipynb": moodle.notebook()})
    desk.collect(moodle.download([late]))
    key = desk.people()["Ada"]
    assert {n for n in desk.tree() if key in n} == {f"submissions/{key}/notebook.ipynb"}


def test_a_stopped_collection_is_not_graded_and_can_be_taken_up_again(desk, monkeypatch):
    hand_ins, rows = moodle.cohort(3)
    calls = []

    def stops(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    real = intake.find
    monkeypatch.setattr(intake, "find", stops)
    with pytest.raises(KeyboardInterrupt):
        desk.collect(moodle.download(hand_ins), rows)
    with pytest.raises(UsageError, match="not collected to the end"):
        read_submissions(desk.output)
    monkeypatch.setattr(intake, "find", real)
    desk.collect(moodle.download(hand_ins), rows)
    assert len(read_submissions(desk.output)) == 3


def test_a_folder_of_something_else_is_left_alone(desk):
    desk.output.mkdir()
    (desk.output / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="was not made by course collect"):
        desk.collect(moodle.download(moodle.cohort(1)[0]))
    assert [p.name for p in desk.output.iterdir()] == ["thesis.txt"]


def test_a_collection_of_another_lab_is_left_alone(desk):
    desk.collect(moodle.download(moodle.cohort(1)[0]))
    path = desk.output / "collection.json"
    path.write_text(path.read_text().replace('"toy"', '"other"'))
    with pytest.raises(UsageError, match="holds the submissions of other, not of toy"):
        desk.collect(moodle.download(moodle.cohort(1)[0]))


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"Rar!\x1a\7\1\0", moodle.zipped({"x": b""})])
def test_what_is_no_download_is_wrong_usage_and_writes_nothing(desk, content):
    with pytest.raises(UsageError):
        desk.collect(content)
    assert not desk.output.exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', '{"submissions": {"../x": {}}}'])
def test_a_damaged_collection_is_wrong_usage(desk, text):
    desk.collect(moodle.download(moodle.cohort(1)[0]))
    (desk.output / "collection.json").write_text(text)
    with pytest.raises(UsageError, match=r"collection\.json"):
        read_submissions(desk.output)
