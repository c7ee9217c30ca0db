"""Cells with their places: against Python's own reader, and byte for byte."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.errors import WorksheetError
from grading.moodle.csv_cells import read_rows, replaced, without_formula

TEXTS = st.text(st.sampled_from("ab1äö ,;\t\"'=\r\n\U0001f642"), max_size=8)
ROWS = st.lists(st.lists(TEXTS, min_size=2, max_size=4), min_size=1, max_size=5)


def written(rows, separator=",", quoting=csv.QUOTE_MINIMAL, end="\r\n"):
    if any("\r" in text or "\n" in text for row in rows for text in row):
        quoting = csv.QUOTE_ALL  # of a break that is not its own, Python's writer thinks nothing
    file = io.StringIO()
    csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)
    return file.getvalue()


@given(
    ROWS,
    st.sampled_from(",;\t"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\r\n", "\n", "\r"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_any_csv_reads_as_python_reads_it(rows, separator, quoting, end, mark):
    text = written(rows, separator, quoting, end)
    content = (mark + text).encode()
    found = read_rows(content, separator)
    assert [list(row.texts) for row in found] == rows
    want = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    assert [list(row.texts) for row in found] == want
    for row in found:
        for cell in row.cells:
            raw = content[cell.start : cell.end].decode()
            assert cell.is_quoted == raw.startswith('"')
            assert raw.strip('"') == "" or cell.text.replace('"', '""') in raw


@given(st.data(), ROWS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_only_the_chosen_cells_change(data, rows, quoting):
    content = ("\ufeff" + written(rows, quoting=quoting)).encode()
    found = read_rows(content)
    cells = [cell for row in found for cell in row.cells]
    chosen = data.draw(st.lists(st.sampled_from(cells), unique=True))
    changes = {cell: data.draw(TEXTS) for cell in chosen}
    after = replaced(content, changes)
    kept, place = [], 0
    for cell in sorted(chosen, key=lambda c: c.start):
        kept.append(content[place : cell.start])
        place = cell.end
    kept.append(content[place:])
    rest = after
    for part in kept:  # every byte outside the chosen cells is there, in order
        assert part in rest
        rest = rest[rest.index(part) + len(part) :]
    want = [tuple(changes.get(cell, cell.text) for cell in row.cells) for row in found]
    assert [row.texts for row in read_rows(after)] == want
    assert replaced(content, {}) == content


def test_lines_are_counted_through_breaks_in_cells():
    content = b'a,b\r\n"1\r\n\n2",x\r\n\r\ny,z'
    assert [(row.line, len(row.cells)) for row in read_rows(content)] == [(1, 2), (2, 2), (6, 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'a,b\n"x', "line 2: the quotes of a cell are not closed"),
        (b'a,b\n"x"y,z', "line 2: 'y,z' after the quotes of a cell"),
        (b"a,b\n\xff", "line 2: not UTF-8"),
        ("a,b".encode("utf-16"), "not UTF-8 .*save it as 'CSV UTF-8'"),
        (b"a\x00b", "not UTF-8"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(content, message):
    with pytest.raises(WorksheetError, match=message):
        read_rows(content)


def test_a_huge_file_is_refused(monkeypatch):
    monkeypatch.setattr("grading.moodle.csv_cells.MAX_BYTES", 3)
    with pytest.raises(WorksheetError, match="4 bytes; a worksheet has at most 3"):
        read_rows(b"a,b\n")


def test_an_unclosed_quote_before_much_text_costs_no_time():
    with pytest.raises(WorksheetError, match="not closed"):
        read_rows(b'"' + b'x""' * 300_000)


@given(st.binary(max_size=60))
def test_no_bytes_end_in_a_traceback(content):
    try:
        rows = read_rows(content)
    except WorksheetError:
        return
    assert all(row.cells for row in rows)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(text):
    assert without_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Points: 1", "1-2", "'=1", "a=b"])
def test_other_texts_stay(text):
    assert without_formula(text) == text
