"""Other people's text as a cell of a table that no spreadsheet takes for a formula.

Spreadsheets run a cell that begins like a formula, whoever wrote it. Such a cell gets an apostrophe
in front. Nothing is read or written here.
"""

import unicodedata

# Spreadsheets take a cell that begins so for a formula; the last four are their wide forms.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_REORDERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_like_formula(text: str) -> bool:
    """Say whether a spreadsheet may take a text for a formula.

    What spreadsheets drop in front of a cell, or do not show, is looked through.

    Examples
    --------
    >>> is_like_formula("=1+1"), is_like_formula(' "@sum'), is_like_formula("1+1")
    (True, True, False)
    """
    start = next((c for c in text if c != '"' and unicodedata.category(c)[0] not in "ZC"), "")
    return start != "" and start in _FORMULA


def safe_cell(text: str) -> str:
    r"""Return a text as a cell that no spreadsheet takes for a formula.

    Control characters, line breaks among them, become spaces, so that a row stays one line;
    characters that reorder a line go. What then begins with ``=``, ``+``, ``-`` or ``@``, at the
    start or behind a semicolon, gets an apostrophe in front; so does what began with a tab or a
    line break.

    Examples
    --------
    >>> safe_cell("Doe, Jr"), safe_cell("=HYPERLINK(A1)"), safe_cell("a;=1")
    ('Doe, Jr', "'=HYPERLINK(A1)", "a;'=1")
    >>> safe_cell("-1\nb")
    "'-1 b"
    """
    cells = "".join(map(_harmless, text)).split(";")
    safe = ";".join(f"'{cell}" if is_like_formula(cell) else cell for cell in cells)
    return f"'{safe}" if text.startswith(("\t", "\r", "\n")) and safe[:1] != "'" else safe


def _harmless(character: str) -> str:
    if character in _REORDERING:
        return ""
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    return " " if category in ("Cc", "Zl", "Zp") else character
