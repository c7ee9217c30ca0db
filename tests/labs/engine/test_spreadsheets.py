"""Cells that no spreadsheet takes for a formula."""

import pytest

from labs.engine.spreadsheets import safe_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Doe, Jr", "Doe, Jr"),
        ("Müller-Lüdenscheidt", "Müller-Lüdenscheidt"),
        ('=HYPERLINK("http://x.invalid")', '\'=HYPERLINK("http://x.invalid")'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "' x"),
        ("\rx", "' x"),
        ("two\nrows,=1", "two rows,=1"),
        ("a;=1", "a;'=1"),
        ("a\ud800\u202eb", "a\ufffdb"),
        ("", ""),
    ],
)
def test_a_cell_that_is_like_a_formula_gets_an_apostrophe(text, cell):
    assert safe_cell(text) == cell
