"""The line of a key: against a scan of simple files, and around values of several lines."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from grading.rules.toml_lines import line_of

NAMES = st.text("abcdef", min_size=1, max_size=4)
VALUES = st.sampled_from(
    ["1", "true", '"x # y"', "[1,\n 2,\n]", '"""\na = 1\n[b]\n"""', "'''[c]'''", "{ a = 1 }"]
)
FILLERS = st.lists(st.sampled_from(["", "# a = 1", "  "]), max_size=2)


@given(st.data())
def test_every_key_is_found_where_it_was_written(data):
    lines, want = [], {}
    for table in data.draw(st.lists(NAMES, max_size=3, unique=True)):
        lines += [*data.draw(FILLERS), f"[{table}]"]
        want[(table,)] = len(lines)
        for key in data.draw(st.lists(NAMES, max_size=3, unique=True)):
            lines += data.draw(FILLERS)
            want[(table, key)] = len(lines) + 1
            lines += f"{key} = {data.draw(VALUES)}".split("\n")
    text = "\n".join(lines)
    tomllib.loads(text)
    assert {keys: line_of(text, keys) for keys in want} == want


def test_what_is_missing_is_looked_for_in_the_table_around_it():
    text = "a = 1\n\n[labs.x]\nweight = 1\n"
    assert line_of(text, ("labs", "x", "deadline")) == 3
    assert line_of(text, ("labs", "y", "deadline")) == 3  # where [labs] begins
    assert line_of(text, ("nothing",)) == 1


def test_dotted_and_inline_tables():
    text = "late.free_days = 1\n\nlabs = { toy = { weight = 1 } }\n"
    assert line_of(text, ("late", "free_days")) == 1
    assert line_of(text, ("labs", "toy", "weight")) == 3
