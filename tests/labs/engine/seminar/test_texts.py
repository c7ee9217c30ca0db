"""Bytes to text and text to lines: headings, code, comments and fields are told from prose."""

import re

import mistune
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.seminar import texts
from labs.engine.seminar.texts import decode, plain, read_lines, words

PIECES = st.sampled_from(
    ["# A", "## B ##", "### C #", "text", "more text here", "", "- item", "####### seven", "#none"]
)


def headings(text: str) -> list[tuple[int, str]]:
    return [(line.level, line.text) for line in read_lines(text) if line.kind == "heading"]


def by_mistune(text: str) -> list[tuple[int, str]]:
    """The oracle: another reader of Markdown, that of nbconvert."""
    tokens = mistune.create_markdown(renderer="ast")(text)
    return [
        (token["attrs"]["level"], "".join(child["raw"] for child in token["children"]))
        for token in tokens
        if token["type"] == "heading"
    ]


@given(st.lists(PIECES, max_size=12))
def test_headings_are_those_of_another_reader(pieces: list[str]) -> None:
    text = "\n\n".join(pieces)
    assert headings(text) == by_mistune(text)


@pytest.mark.parametrize(
    "text",
    [
        "```\n# no\n```\n# yes",
        "~~~ python\n# no\n```\n# no\n~~~\n# yes",
        "````\n```\n# no\n````\n# yes",
        "Claim\n=====\n\nEvidence\n---\nso",
        "# yes\n\n    # no\n",
        "```\n# no, and never closed",
        "   # yes\n\ntext",
    ],
)
def test_code_and_underlines_are_read_as_another_reader_does(text: str) -> None:
    assert headings(text) == by_mistune(text)


@given(st.binary(max_size=300))
def test_any_bytes_become_text_and_lines(content: bytes) -> None:
    text, line = decode(content)
    lines = read_lines(text)
    assert [each.number for each in lines] == list(range(1, len(lines) + 1))
    assert 0 <= line <= len(lines) + 1


# A text in UTF-16 that begins with NUL cannot be told from one in UTF-32.
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
def test_unicode_comes_back_with_and_without_marks(text: str) -> None:
    text = text.lstrip("\ufeff")
    assert decode(text.encode()) == (text, 0)
    assert decode(text.encode("utf-8-sig")) == (text, 0)
    assert decode(text.encode("utf-16")) == (text, 0)


@given(st.lists(st.sampled_from(["a", "", "# b", "c d"]), min_size=1, max_size=8))
def test_line_breaks_of_every_system_are_the_same(parts: list[str]) -> None:
    unix = "\n".join(parts)
    assert read_lines(unix) == read_lines(unix.replace("\n", "\r\n"))
    assert read_lines(unix) == read_lines(unix.replace("\n", "\r"))


def test_the_line_of_a_wrong_byte_is_counted_as_lines_are() -> None:
    assert decode(b"a\r\nb\nc\xe4")[1] == 3
    assert decode(b"\xe4")[0] == "ä"


def test_fields_and_comments_are_not_counted() -> None:
    text = "---\nname: x\n---\none <!-- two\nthree --> four\n<!-- five -->\nsix"
    assert [word for line in read_lines(text) for word in line.words] == ["one", "four", "six"]
    assert headings(text) == []


def test_a_line_of_dashes_without_an_end_is_no_table_of_fields() -> None:
    assert [line.kind for line in read_lines("---\nname: x\n")] == ["prose", "prose"]


def test_words_and_plain_forms() -> None:
    assert words("don't re-do 3.5 GB/s - at all") == ["don't", "re-do", "3.5", "GB/s", "at", "all"]
    assert plain("3) CLAIM, and: Idea") == plain("claim and idea")
    assert plain("2024") == "2024"
    assert plain("Größe") == "grösse"


@pytest.mark.parametrize(
    "text",
    ["![" * 50_000, "# " + " " * 100_000 + "#x", "<!--" * 40_000, "a-" * 80_000, "[" * 100_000],
)
def test_no_text_takes_long(text: str) -> None:
    """Lines of the largest size that is read; a reader in quadratic time would not come back."""
    [line] = read_lines(text)
    assert len(line.words) <= 1


def test_every_kind_of_line_is_documented() -> None:
    kinds = set(re.findall(r"\w+", str(texts.Kind.__args__))) & set(texts.Kind.__args__)
    assert all(f"``{kind}``" in str(texts.Line.__doc__) for kind in kinds)
