"""Solution regions: properties against how a cell was put together, and each malformed one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.building import regions
from grading.building.nbgrader_format import CODE_STUB
from grading.errors import SourceError

words = st.text(alphabet="abc_=1 .#", max_size=12)
plain = st.lists(words, max_size=4)
indents = st.sampled_from(["", "    ", "        ", "\t"])
solutions = st.lists(words.filter(str.strip), min_size=1, max_size=4)
# A cell as its parts: lines that stay, and (indent, lines) of a region.
cells = st.lists(st.one_of(plain, st.tuples(indents, solutions)), min_size=1, max_size=6)


def _text(parts):
    lines = []
    for part in parts:
        if isinstance(part, tuple):
            indent, inner = part
            lines += [indent + regions.BEGIN, *inner, indent + regions.END]
        else:
            lines += part
    return "\n".join(lines)


def _flat(parts, region):
    lines = []
    for part in parts:
        lines += region(*part) if isinstance(part, tuple) else part
    return "\n".join(lines)


@given(cells)
def test_students_get_stubs_where_the_regions_were(parts):
    expected = _flat(parts, lambda indent, _: [indent + line for line in CODE_STUB])
    assert regions.stubbed(_text(parts), CODE_STUB) == expected


@given(cells)
def test_the_reference_has_everything_but_the_markers(parts):
    text = _text(parts)
    assert regions.solved(text) == _flat(parts, lambda _, inner: inner)
    lines = regions.solved(text).split("\n")
    inside = [line for part in parts if isinstance(part, tuple) for line in part[1]]
    assert [lines[n - 1] for n in sorted(regions.solution_lines(text))] == inside


@given(cells)
def test_a_built_cell_has_no_region_left(parts):
    text = _text(parts)
    for built in (regions.stubbed(text, CODE_STUB), regions.solved(text)):
        assert not regions.has_region(built)
        assert regions.stubbed(built, CODE_STUB) == built == regions.solved(built)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("### BEGIN SOLUTION\na", r"line 1: .* without an ### END SOLUTION"),
        ("a\n### END SOLUTION", r"line 2: .* without a ### BEGIN SOLUTION"),
        (
            "### BEGIN SOLUTION\na\n### BEGIN SOLUTION\nb\n### END SOLUTION",
            "line 3: .* inside the region of line 1",
        ),
        ("### BEGIN SOLUTION\n\n### END SOLUTION", "line 3: the region of line 1 is empty"),
        ("# BEGIN SOLUTION\na\n# END SOLUTION", "line 1: '# BEGIN SOLUTION' would be a marker"),
        ("x = 1  ### BEGIN SOLUTION", "line 1: .* write exactly ### BEGIN SOLUTION"),
        ("### BEGIN HIDDEN TESTS", "line 1: .* would be a marker to nbgrader"),
    ],
)
def test_malformed_regions_are_refused(text, message):
    with pytest.raises(SourceError, match=message):
        regions.lines_of(text)
