"""Moodle's worksheet: both languages, every byte kept, and what is refused."""

import contextlib
import csv
import io
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.errors import WorksheetError
from grading.moodle.csv_cells import read_rows
from grading.moodle.worksheet import (
    MAX_FEEDBACK,
    Mark,
    can_be_changed,
    feedback_cell,
    maximum_grade,
    read_worksheet,
    with_grades,
)

ENGLISH = (
    'Identifier,"Full name","ID number","Email address",Status,Grade,"Maximum grade",'
    '"Grade can be changed","Last modified (submission)","Last modified (grade)",'
    '"Feedback comments"\r\n'
    '"Participant 101","Doe, Ann",7001,ann@example.org,"Submitted for grading",,10.00,Yes,'
    '"Saturday, 21 November 2026, 11:59 PM",-,\r\n'
    '"Participant 102","Max ""M"" Muster\r\nmann",7002,max@example.org,"No submission",,10.00,No,'
    "-,-,old\r\n"
)
GERMAN = (
    '\ufeffID,"Vollständiger Name",E-Mail-Adresse,Status,Gruppe,Bewertung,Bestwertung,'
    '"Bewertung kann geändert werden","Zuletzt geändert (Abgabe)","Texteingabe online",'
    '"Zuletzt geändert (Bewertung)","Feedback als Kommentar"\n'
    'Teilnehmer/in101,"Ann Doe",ann@example.org,"Zur Bewertung abgegeben",A,"3,50","10,00",Ja,'
    '"Samstag, 21. November 2026, 23:59","=HYPERLINK(1) ",-,\n'
    'Teilnehmer/in102,"Max Mustermann",max@example.org,"Keine Abgabe",A,,"10,00",Ja,-,,-,\n'
)


def test_english():
    ann, max_ = read_worksheet(ENGLISH.encode()).rows
    assert (ann.number, ann.name, ann.email, ann.id_number) == (
        101,
        "Doe, Ann",
        "ann@example.org",
        "7001",
    )
    assert ann.submitted == datetime(2026, 11, 21, 23, 59)
    assert (max_.name, max_.submitted, max_.line) == ('Max "M" Muster\r\nmann', None, 3)
    assert [can_be_changed(row) for row in (ann, max_)] == [True, False]
    assert ann.fields["Maximum grade"] == "10.00"


def test_german():
    sheet = read_worksheet(GERMAN.encode())
    assert [(row.number, row.group) for row in sheet.rows] == [(101, "A"), (102, "A")]
    assert sheet.rows[0].submitted == datetime(2026, 11, 21, 23, 59)
    assert sheet.by_number()[102].status == "Keine Abgabe"
    assert maximum_grade(GERMAN.encode()) == 10


def test_grades_are_written_as_the_language_writes_them():
    marks = {101: Mark(Decimal("7.5"), "7.5 of 10; <b>"), 102: Mark(Decimal(0), "=1+1")}
    english, german = (with_grades(text.encode(), marks).decode() for text in (ENGLISH, GERMAN))
    assert english == (
        ENGLISH.replace('grading",,10.00', 'grading",7.50,10.00')
        .replace('PM",-,\r', 'PM",-,7.5 of 10; &lt;b&gt;\r')
        .replace('submission",,10', 'submission",0.00,10')
        .replace("-,-,old", "-,-,'=1+1")
    )
    assert german == (
        GERMAN.replace('"3,50"', '"7,50"')
        .replace(' ",-,\n', ' ",-,7.5 of 10; &lt;b&gt;\n')
        .replace('A,,"10,00",Ja,-,,-,', 'A,"0,00","10,00",Ja,-,,-,\'=1+1')
    )


def test_both_spellings_of_the_maximum_grade():
    upper = ENGLISH.replace("Maximum grade", "Maximum Grade").encode()
    assert maximum_grade(upper) == maximum_grade(ENGLISH.encode()) == 10


@pytest.mark.parametrize("name", ["Identifiant", "Identificador", "Identificativo"])
def test_other_languages_can_be_told_apart_but_not_graded(name):
    text = f"{name},Nom,Note\nParticipant101,Ann,\n".encode()
    assert [row.number for row in read_worksheet(text).rows] == [101]
    with pytest.raises(WorksheetError, match=r"no column 'Grade'; download .* English or German"):
        with_grades(text, {101: Mark(Decimal(1), "")})


def test_a_worksheet_saved_by_a_german_spreadsheet():
    text = GERMAN.replace('"10,00"', "10,00").replace('"3,50"', "3,50")
    rows = csv.reader(io.StringIO(GERMAN.removeprefix("\ufeff")))
    file = io.StringIO()
    csv.writer(file, delimiter=";").writerows(rows)
    content = ("\ufeff" + file.getvalue()).encode()
    assert read_worksheet(content).separator == ";"
    after = with_grades(content, {102: Mark(Decimal(9), "")}).decode()
    assert "A;9,00;10,00;Ja" in after
    with pytest.raises(WorksheetError, match="line 2: 14 cells, the header has 12"):
        read_worksheet(text.encode())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Identifier", "Nummer", "line 1: no column Identifier or ID; .* English or German"),
        ("102", "101", "line 3: number 101 is that of line 2"),
        ("Participant 102", "Participant", "line 3: the identifier ends with no number"),
        ("Participant 102", "x 1234567890123456789", "line 3: the identifier ends with no number"),
        ("21 November 2026, 11:59 PM", "21/11/2026 23:59", "line 2: .* can be read for sure"),
        ('101",', '101"x,', "line 2: .* after the quotes"),
        ('"No submission",', "", "line 3: 10 cells, the header has 11"),
        ("Status", "Grade", "line 1: the columns 'Grade' and 'Grade' both hold the grade"),
    ],
)
def test_what_is_no_worksheet_is_refused_with_its_line(old, new, message):
    with pytest.raises(WorksheetError, match=message) as caught:
        read_worksheet(ENGLISH.replace(old, new, 1).encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Maximum grade", "Scale", "graded with a scale; set its grade type to points"),
        ("Maximum grade", "Maximal", "line 1: no column 'Maximum grade'"),
        ("10.00,No", "20.00,No", "'20.00' in line 3 and '10.00' in line 2; download"),
        ("10.00", "0.00", "the maximum grade is 0"),
        ("10.00", "ten", "the maximum grade 'ten' is no number"),
    ],
)
def test_what_no_grade_can_be_written_into(old, new, message):
    count = 1 if "No" in old else -1
    with pytest.raises(WorksheetError, match=message):
        with_grades(ENGLISH.replace(old, new, count).encode(), {101: Mark(Decimal(1), "")})


@pytest.mark.parametrize(
    ("number", "points", "message"),
    [
        (103, "1", "number 103 has no row; is this another assignment's file"),
        (101, "10.01", "10.01 points do not lie between 0 and the maximum grade 10.00"),
        (101, "-0.01", "-0.01 points do not lie"),
        (101, "NaN", "NaN points do not lie"),
    ],
)
def test_marks_that_are_refused(number, points, message):
    with pytest.raises(WorksheetError, match=message):
        with_grades(ENGLISH.encode(), {number: Mark(Decimal(points), "")})


def test_feedback_is_text_and_never_more():
    assert feedback_cell("<script>alert('1')</script> & \x1b[1m\u202e") == (
        "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt; &amp; [1m"
    )
    assert feedback_cell("a\u00a0b\tc\r\nd") == "a b c<br>d"
    assert feedback_cell("x" * 9_999) == "x" * (MAX_FEEDBACK - 3) + "..."
    assert feedback_cell("-1\n=2").startswith("'-1")


CELLS = st.text(st.sampled_from("ab1äß ,;\"'=\n\U0001f642"), max_size=8)
STUDENTS = st.lists(
    st.tuples(CELLS, CELLS, CELLS, st.sampled_from(["", "3,50", "1,00"])), min_size=1, max_size=6
)


@given(
    STUDENTS,
    st.permutations(range(8)),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\r\n", "\n"]),
    st.sampled_from(["", "\ufeff"]),
    st.data(),
)
def test_only_the_two_columns_differ(students, order, quoting, end, mark, data):
    header = [
        *("ID", "Vollständiger Name", "Status", "Bewertung", "Bestwertung"),
        *("Text", "Zuletzt geändert (Bewertung)", "Feedback als Kommentar"),
    ]
    rows = [
        [f"Teilnehmer/in{n}", name, status, grade, "10,00", text, "-", ""]
        for n, (name, status, text, grade) in enumerate(students)
    ]
    table = [[row[place] for place in order] for row in [header, *rows]]
    file = io.StringIO()
    csv.writer(file, quoting=quoting, lineterminator=end).writerows(table)
    content = (mark + file.getvalue()).encode()
    chosen = data.draw(st.sets(st.integers(0, len(students) - 1)))
    marks = {n: Mark(Decimal(n) / 2, data.draw(CELLS)) for n in chosen}
    after = with_grades(content, marks)
    grade, feedback = order.index(3), order.index(7)
    want = [row.texts for row in read_rows(content)]
    for number, given_mark in marks.items():
        cells = list(want[number + 1])
        cells[grade] = f"{given_mark.points:.2f}".replace(".", ",")
        cells[feedback] = feedback_cell(given_mark.feedback)
        want[number + 1] = tuple(cells)
    assert [row.texts for row in read_rows(after)] == want
    assert _without(after, {grade, feedback}) == _without(content, {grade, feedback})
    assert with_grades(content, {}) == content
    assert with_grades(after, marks) == after


def _without(content: bytes, columns: set[int]) -> bytes:
    """Return a file without the bytes of some columns, the header's kept."""
    for row in reversed(read_rows(content)[1:]):
        for column in sorted(columns, reverse=True):
            cell = row.cells[column]
            content = content[: cell.start] + content[cell.end :]
    return content


@given(st.binary(max_size=80))
def test_no_bytes_end_in_a_traceback(content):
    for sheet in (content, b"Identifier,Grade,Maximum grade\n" + content):
        with contextlib.suppress(WorksheetError):
            marks = {row.number: Mark(Decimal(0), "") for row in read_worksheet(sheet).rows}
            assert len(read_rows(with_grades(sheet, marks))) == len(marks) + 1
