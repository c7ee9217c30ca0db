"""`course export` on disk: from a folder of grades and a collection to what Moodle takes."""

import argparse
import io
import zipfile

import pytest

from grading.assessing.assessment import Assessment
from grading.commands import export as command
from grading.errors import ExportError
from grading.moodle.collection import Collection, Record, write_collection
from grading.moodle.identities import Identity, Member, write_identities
from grading.moodle.worksheet import read_worksheet
from grading.rules.lateness import LateRule, penalty
from grading.store import Cost, Handed, Key, Store
from grading.submissions import read_submissions
from grading.verdict import ExerciseVerdict, Verdict
from labs.engine.errors import UsageError

SHEET = """\
Identifier,Full name,Status,Grade,Maximum grade,Last modified (grade),Feedback comments
Participant 101,Ann Doe,Submitted for grading,,6.00,-,
Participant 102,Max Muster,No submission,,6.00,-,
"""


class Folders:
    """A graded toy lab: one submission, one that is missing."""

    def __init__(self, toy, root):
        self.course = toy.course
        self.grades, self.collection, self.out = (root / name for name in ("g", "c", "o"))
        self.handed = self.collection / "submissions" / "s1" / "notebook.ipynb"
        self.handed.parent.mkdir(parents=True)
        self.handed.write_text("{}")
        self.collect("toy")
        self.grade(2.0)

    def collect(self, lab):
        records = {"s1": Record("s1", "x.ipynb"), "s2": Record("s2", is_missing=True)}
        write_collection(self.collection, Collection(lab, "0" * 64, True, records))
        names = {"s1": (101, "Ann Doe"), "s2": (102, "Max Muster")}
        people = []
        for key, (number, name) in names.items():
            folder = f"{name}_{number}_assignsubmission_file"
            member = Member(number, name, "", "", folder, f"p{number}")
            people.append(Identity(key, name, number, folder, False, (member,)))
        write_identities(self.collection / "identities.json", people)
        (self.collection / "worksheet.csv").write_text(SHEET)

    def grade(self, text_points):
        (newest,) = [each for each in read_submissions(self.collection) if each.id == "s1"]
        exercises = (
            ExerciseVerdict("9.1", "passed", 4.0, 4.0, "All cases pass."),
            ExerciseVerdict("9.2", "to mark", text_points, 2.0, "A person marks this."),
        )
        status = "needs_marking" if text_points is None else "graded"
        late = penalty(1, LateRule(percent_per_day=10))
        with Store(self.grades) as store:
            store.put_facts({"lab": "toy"})
            store.put_submissions([Handed("s1", newest.digest)], {"s1": late})
            store.put(
                Assessment(Verdict("s1", status, exercises)),
                key=Key("k", newest.digest),
                reason="first",
                run=store.begin_run(jobs=1, walls="none"),
                cost=Cost(0.0, 0.0),
            )
        page = self.grades / "feedback" / "s1" / "feedback.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("<p>well done</p>")

    def export(self, *arguments):
        parser = argparse.ArgumentParser()
        command.add(parser.add_subparsers())
        words = ["export", "toy", str(self.grades), "--collection", str(self.collection)]
        options = parser.parse_args([*words, "-o", str(self.out), *arguments])
        return options.run(options, self.course)


@pytest.fixture
def folders(toy, tmp_path):
    return Folders(toy, tmp_path / "work")


def test_a_whole_export(folders, capsys):
    assert folders.export() == 0
    assert capsys.readouterr().out.splitlines() == [
        str(folders.out / "feedback.zip"),
        str(folders.out / "worksheet_graded.csv"),
    ]
    sheet = (folders.out / "worksheet_graded.csv").read_bytes()
    ann, max_ = read_worksheet(sheet).rows
    assert ann.fields["Grade"] == "5.40"
    assert ann.fields["Feedback comments"].startswith("5.4 of 6 points. Handed in 1 day late: 10 %")
    assert max_.fields["Grade"] == ""
    content = (folders.out / "feedback.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["Ann Doe_101_assignsubmission_file/feedback.html"]
    for path in folders.out.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    folders.export()
    assert (folders.out / "feedback.zip").read_bytes() == content
    assert (folders.collection / "worksheet.csv").read_text() == SHEET


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: f.grade(None), ExportError, "nothing was written: s1: the text of 9.2 is not"),
        (lambda f: f.handed.write_text("{ }"), ExportError, "s1: a newer hand-in is not graded"),
        (lambda f: f.collect("other"), UsageError, "holds what was handed in for other, not toy"),
        (
            lambda f: (f.grades / "feedback" / "s1" / "feedback.html").unlink(),
            ExportError,
            "feedback.html is missing; run course grade again",
        ),
        (
            lambda f: (f.collection / "collection.json").unlink(),
            UsageError,
            "is no collection; course collect makes one",
        ),
    ],
)
def test_what_is_refused_writes_nothing(folders, spoil, error, message):
    spoil(folders)
    with pytest.raises(error) as caught:
        folders.export()
    assert message in str(caught.value)
    assert not folders.out.exists()


def test_a_worksheet_that_is_not_there(folders, tmp_path):
    with pytest.raises(UsageError, match=r"none\.csv is no file"):
        folders.export("--worksheet", str(tmp_path / "none.csv"))


def test_part_of_it(folders, capsys):
    folders.grade(None)
    assert folders.export("--partial") == 0
    assert (folders.out / "worksheet_graded.csv").read_text() == SHEET
