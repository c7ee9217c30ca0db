"""A table of the notebook as text and as HTML."""

from labs.shared.tables import Table


def test_columns_are_aligned_and_numbers_written_out():
    rows = [{"strategy": "ddp", "bytes": 444160}, {"strategy": "overlapped", "bytes": 0.5}]
    assert repr(Table(rows, caption="Sent")).splitlines() == [
        "Sent",
        "strategy    bytes",
        "ddp         444,160",
        "overlapped  0.5",
    ]


def test_a_column_that_a_row_lacks_is_left_empty():
    assert repr(Table([{"a": "x", "b": 1}, {"a": "y"}])).splitlines() == ["a  b", "x  1", "y"]


def test_no_rows_leave_the_caption_alone():
    assert repr(Table([], caption="Nothing")) == "Nothing"


def test_html_escapes_what_students_write():
    told = Table([{"yours": "<b>", "n": 1024}], caption="A & B")._repr_html_()
    assert "&lt;b&gt;" in told
    assert "1,024" in told
    assert "A &amp; B" in told
