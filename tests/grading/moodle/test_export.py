"""What goes back to Moodle: the right grade to the right person, or nothing at all."""

import dataclasses
import io
import zipfile
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.errors import ExportError, WorksheetError
from grading.moodle.export import Collected, Graded, export, mark
from grading.moodle.identities import Identity, Member
from grading.moodle.worksheet import read_worksheet
from grading.verdict import ExerciseVerdict, Verdict

SHEET = (
    '\ufeffID,"Vollständiger Name",Status,Bewertung,Bestwertung,"Bewertung kann geändert werden",'
    '"Zuletzt geändert (Bewertung)","Feedback als Kommentar"\r\n'
    'Teilnehmer/in101,"Ann Doe","Zur Bewertung abgegeben",,"10,00",Ja,-,\r\n'
    'Teilnehmer/in102,"Max Mustermann",x,,"10,00",Ja,-,\r\n'
    'Teilnehmer/in103,"=cmd()",x,"1,00","10,00",Nein,-,"by hand"\r\n'
).encode()
NAMES = {101: "Ann Doe", 102: "Max Mustermann", 103: "=cmd()"}


def member(number, name=None):
    name = NAMES.get(number, "Someone") if name is None else name
    return Member(number, name, "", "", f"{name}_{number}_assignsubmission_file", f"p{number}")


def identity(submission, *numbers, is_team=False):
    members = tuple(member(number) for number in numbers)
    own = members[0] if members else member(900)
    return Identity(submission, own.name, own.number, own.folder, is_team, members)


def graded(submission, total=7.5, **fields):
    exercises = (
        ExerciseVerdict("0.1", "passed", 4.0, 4.0, "All cases pass."),
        ExerciseVerdict("0.3", "to mark", total - 4, 6.0, "Marked."),
    )
    verdict = Verdict(submission, "graded", exercises)
    return Graded(dataclasses.replace(verdict, **fields), total, 10.0)


def run(rows, identities, sheet=SHEET, handed_in=None, **options):
    by_id = {each.submission: each for each in identities}
    collected = Collected(by_id, list(by_id) if handed_in is None else handed_in, sheet)
    return export(rows, collected, feedback=lambda name: f"<p>{name}".encode(), **options)


def cells(found):
    rows = read_worksheet(found.worksheet).rows
    return {
        row.number: (row.fields["Bewertung"], row.fields["Feedback als Kommentar"]) for row in rows
    }


def pages(found):
    with zipfile.ZipFile(io.BytesIO(found.feedback_zip)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_grades_and_feedback_reach_their_people():
    late = dataclasses.replace(graded("s2", 6.0), late_sentence="Handed in 1 day late: -10 %.")
    found = run([graded("s1"), late], [identity("s1", 101), identity("s2", 102)])
    assert found.graded == 2
    assert (found.left_out, found.warnings) == ((), ())
    assert cells(found) == {
        101: ("7,50", "7.5 of 10 points.<br>0.1: 4 of 4<br>0.3: 3.5 of 6<br>"
              "The file feedback.html says why."),
        102: ("6,00", "6 of 10 points. Handed in 1 day late: -10 %.<br>0.1: 4 of 4<br>"
              "0.3: 2 of 6<br>The file feedback.html says why."),
        103: ("1,00", "by hand"),
    }  # fmt: skip
    assert pages(found) == {
        "Ann Doe_101_assignsubmission_file/feedback.html": "<p>s1",
        "Max Mustermann_102_assignsubmission_file/feedback.html": "<p>s2",
    }


def test_the_same_again_is_the_same_bytes_whatever_the_order():
    people = [identity("s1", 101), identity("s2", 102)]
    found = run([graded("s1"), graded("s2")], people)
    assert run([graded("s2"), graded("s1")], people[::-1]) == found


def test_every_member_of_a_team_gets_a_row_and_a_page():
    found = run([graded("s1")], [identity("s1", 101, 102, is_team=True)])
    assert {number: cell[0] for number, cell in cells(found).items()} == {
        101: "7,50",
        102: "7,50",
        103: "1,00",
    }
    assert len(pages(found)) == found.graded == 2


def test_a_refused_submission_goes_out_with_its_reason_escaped():
    verdict = Verdict("s1", "refused", problem="no notebook in '<b>.zip'")
    found = run([Graded(verdict, 0.0, 10.0)], [identity("s1", 101)])
    assert cells(found)[101] == ("0,00", "Not graded: no notebook in &#x27;&lt;b&gt;.zip&#x27;")


def test_who_handed_in_nothing_keeps_the_row():
    missing = Graded(Verdict("s2", "missing"), 0.0, 10.0)
    people = [identity("s1", 101), identity("s2", 102)]
    found = run([graded("s1"), missing], people, handed_in=["s1"])
    assert cells(found)[102] == ("", "")
    assert len(pages(found)) == 1


def test_a_newer_hand_in_is_graded_first():
    people = [identity("s1", 101), identity("s2", 102)]
    collected = Collected({p.submission: p for p in people}, ["s1", "s2"], SHEET, ["s2"])
    rows, page = [graded("s1"), graded("s2")], lambda name: b""
    with pytest.raises(ExportError, match="s2: a newer hand-in is not graded yet"):
        export(rows, collected, feedback=page)
    assert cells(export(rows, collected, feedback=page, is_partial=True))[102] == ("", "")


UNMARKED = (ExerciseVerdict("0.3", "to mark", None, 2.0, "A person marks this."),)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "needs_marking", "exercises": UNMARKED}, "the text of 0.3 is not marked yet"),
        ({"status": "needs_marking"}, "it is not marked yet"),
        ({"flags": ("Two cells for 0.1.",)}, "an open flag: Two cells for 0.1."),
    ],
)
def test_nothing_goes_out_before_a_person_has_looked(fields, reason):
    rows = [graded("s1"), graded("s2", **fields)]
    people = [identity("s1", 101), identity("s2", 102)]
    with pytest.raises(ExportError) as caught:
        run(rows, people)
    first, last = str(caught.value).split("\n")
    assert first == f"s2: {reason}"
    assert last.startswith("--partial exports the others")
    found = run(rows, people, is_partial=True)
    assert found.left_out == (f"s2: {reason}",)
    assert cells(found)[101][0] == "7,50"
    assert cells(found)[102] == ("", "")
    assert list(pages(found)) == ["Ann Doe_101_assignsubmission_file/feedback.html"]


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        ([identity("s1", 101), identity("s2", 999)], "s2: number 999 is not in the worksheet"),
        ([identity("s1", 101), identity("s2", is_team=True)], "s2: nobody is known behind it"),
        ([identity(f"s{n}", 100 + n) for n in (1, 2, 3)], "s3: handed in and not graded"),
    ],
)
def test_a_row_that_would_be_lost_stops_the_export(people, reason):
    rows = [graded("s1"), graded("s2")]
    with pytest.raises(ExportError, match=reason):
        run(rows, people)
    found = run(rows, people, is_partial=True)
    assert reason in "\n".join(found.left_out)
    assert cells(found)[101][0] == "7,50"


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([identity("s1", 101)], "s2: graded, but not in the collection"),
        ([identity("s1", 101), identity("s2", 101)], "s2: number 101 has also handed in s1"),
        (
            [identity("s1", 101, 102, is_team=True), identity("s2", 102)],
            "s2: number 102 has also handed in s1",
        ),
        (
            [identity("s1", 101), Identity("s2", "", 102, "", False, (member(102, "Eve"),))],
            "s2: number 102 has another name in the worksheet",
        ),
        (
            [identity("s1", 101), Identity("s2", "x", 102, member(101).folder, False, ())],
            "s2: its folder for feedback is not that of number 102",
        ),
        (
            [
                identity("s1", 101),
                Identity("s2", "x", 102, "../x_102_assignsubmission_file", False, ()),
            ],
            "s2: its folder for feedback is not that of number 102",
        ),
    ],
)
def test_a_grade_that_might_be_anothers_never_goes_out(people, message):
    for is_partial in (False, True):
        with pytest.raises(ExportError) as caught:
            run([graded("s1"), graded("s2")], people, is_partial=is_partial)
        assert message in str(caught.value)
        assert "Eve" not in str(caught.value)


@pytest.mark.parametrize("name", ["Doe, Ann", "ann doe", "", "Participant 101"])
def test_names_in_another_order_or_hidden_ones_are_no_others(name):
    people = [Identity("s1", name, 101, "x_101_assignsubmission_file", False, ())]
    assert run([graded("s1")], people).graded == 1


def test_the_folder_of_an_older_moodle():
    people = [Identity("s1", "Ann Doe", 101, "Ann Doe_101_assignsubmission_file_", False, ())]
    assert list(pages(run([graded("s1")], people))) == [
        "Ann Doe_101_assignsubmission_file_/feedback.html"
    ]


def test_a_locked_grade_is_told():
    found = run([graded("s1")], [identity("s1", 103)])
    assert found.warnings == (
        "number 103: Moodle has locked this grade and skips it; unlock it there",
    )


def test_another_maximum_is_refused_unless_rescaled():
    sheet = SHEET.replace(b"10,00", b"100,00")
    people = [identity("s1", 101)]
    with pytest.raises(ExportError, match="the lab has 10 points, Moodle's maximum grade is 100;"):
        run([graded("s1")], people, sheet)
    assert cells(run([graded("s1")], people, sheet, is_rescaled=True))[101][0] == "75,00"


def test_a_scale_is_refused():
    with pytest.raises(WorksheetError, match="graded with a scale"):
        run([graded("s1")], [identity("s1", 101)], SHEET.replace(b"Bestwertung", b"Skala"))


def test_without_a_worksheet_only_feedback_goes_out():
    found = run([graded("s1")], [identity("s1", 101)], None)
    assert found.worksheet is None
    assert len(pages(found)) == 1


def test_many_reasons_are_cut_but_the_remedy_stays():
    rows = [graded(f"s{n}", status="needs_marking") for n in range(40)]
    people = [identity(f"s{n}", 1_000 + n) for n in range(40)]
    with pytest.raises(ExportError) as caught:
        run(rows, people, None)
    lines = str(caught.value).split("\n")
    assert len(lines) == 22
    assert lines[-2] == "and 21 more"
    assert "--partial" in lines[-1]


@given(
    st.decimals(0, 10, places=2), st.sampled_from([Fraction(1), Fraction(10), Fraction(100, 72)])
)
def test_a_mark_is_the_total_and_never_more(total, scale):
    found = mark(Graded(Verdict("s1", "graded"), float(total), 10.0), scale=scale)
    assert abs(Fraction(found.points) - Fraction(total) * scale) <= Fraction(1, 200)
    assert found.points <= round(10 * float(scale), 2)


def test_one_name_that_no_zip_may_hold_stops_nobody():
    odd = Identity("s1", "Ann|Doe", 101, "Ann|Doe_101_assignsubmission_file", False, ())
    found = run([graded("s1"), graded("s2")], [odd, identity("s2", 102)])
    assert "AnnDoe_101_assignsubmission_file/feedback.html" in pages(found)
    assert found.graded == 2
