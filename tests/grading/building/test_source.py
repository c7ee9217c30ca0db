"""Reading a source: cells, roles and places, and what is refused with file, line and cell."""

import pytest

from grading.building.source import read_source
from grading.errors import SourceError


def test_cells_have_type_text_tags_role_and_line(toy):
    source = read_source(toy.source)
    lines = toy.source.read_text().split("\n")
    assert [cell.id for cell in source.cells] == [f"cell-{n:02d}" for n in range(10)]
    assert all(lines[cell.line - 1].startswith("# %%") for cell in source.cells)
    assert source.cells[1].tags == ("parameters",)
    roles = {(c.index, c.role, c.exercise) for c in source.cells if c.role}
    assert roles == {(4, "solution", "9.1"), (5, "check", "9.1"), (9, "text", "9.2")}


def test_the_statement_of_an_exercise_is_its_own_markdown(toy):
    source = read_source(toy.source)
    assert [cell.index for cell in source.statement("9.1")] == [3]
    assert [cell.index for cell in source.statement("9.2")] == [8, 9]
    assert source.statement("9.3") == ()


def test_built_texts(toy):
    answer, text = (read_source(toy.source).cells[n] for n in (4, 9))
    assert answer.stubbed.endswith(
        'limit."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
    )
    assert "total += value" in answer.solved
    assert "SOLUTION" not in answer.solved
    assert text.stubbed == "#### Exercise 9.2\n\nYOUR ANSWER HERE"


REFUSED = [
    ("    ### END SOLUTION\n", "", r"source.py:24 \(cell-04\): line 4: .* without an"),
    ("# Exercise 9.1\n", "# Answer 9.1\n", r"source.py:24 \(cell-04\): .* needs '# Exercise 0.1'"),
    ("# #### Exercise 9.2", "# Your answer", r"\(cell-09\): a text answer begins with a heading"),
    (
        "    ### BEGIN SOLUTION\n    total = 0",
        "    total = 0",
        r"\(cell-04\): line 10: .* without a",
    ),
    ('show_check("9.1")', 'x = show_check("9.1")', r"\(cell-05\): .* as its last expression"),
    (
        'show_check("9.1")',
        'show_check("9.1")\nshow_check("9.1")',
        r"\(cell-05\): .* once in a cell",
    ),
    ('show_check("9.1")', "show_check(9.1)", r"\(cell-05\): .* the exercise's id as text"),
    ("import math\n", "%cd /tmp\n", r"\(cell-02\): line 1 is not Python"),
    ("import math\n", "import math as\n", r"\(cell-02\): line 1 is not Python"),
    ("LIMIT = 3", 'LIMIT = """\n# %% x\n"""', "11 lines begin a cell, but there are 10 cells"),
    ("# %%\nimport math", "# %% A title\nimport math", "source.py:11: the cell marker says title"),
    ("# %%\nimport math", "# %% [raw]\n# import math", "source.py:11: a raw cell"),
]


@pytest.mark.parametrize(("old", "new", "message"), REFUSED)
def test_what_a_source_may_not_hold(toy, old, new, message):
    toy.edit(toy.source, old, new)
    with pytest.raises(SourceError, match=message):
        read_source(toy.source)


def test_an_exercise_cell_without_a_region_is_refused(toy):
    for marker in ("    ### BEGIN SOLUTION\n", "    ### END SOLUTION\n"):
        toy.edit(toy.source, marker, "")
    with pytest.raises(SourceError, match=r"\(cell-04\): exercise 9.1 has no ### BEGIN SOLUTION"):
        read_source(toy.source)


def test_a_source_in_another_encoding_is_named(toy):
    toy.source.write_bytes(toy.source.read_bytes() + b"# \xe9\n")
    with pytest.raises(SourceError, match=r"source\.py is not UTF-8"):
        read_source(toy.source)


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"source\.py is missing"):
        read_source(tmp_path / "source.py")


def test_text_before_the_first_cell_is_refused(toy):
    toy.source.write_text("import os\n" + toy.source.read_text())
    with pytest.raises(SourceError, match="put no text before the first"):
        read_source(toy.source)


def test_the_colab_cell_may_hold_magics(toy):
    toy.edit(toy.source, "# %%\nimport math", '# %% tags=["colab"]\n# !ls\n\n# %%\nimport math')
    assert read_source(toy.source).cells[2].solved == "!ls"
