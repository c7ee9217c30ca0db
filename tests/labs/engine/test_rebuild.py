"""Whatever was done to a notebook, its answers are found, and nothing else of it counts."""

import copy
import json
import random

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.engine import catalog
from labs.engine.errors import LabFormatError, SubmissionError
from labs.engine.rebuild import pieces_for, read_base, read_submitted, rebuild

NAME = "conv_cost"
COST = (
    "def conv_cost(i, o, k, h, w, stride=1):\n    return o * (i * k * k + 1), h * w * o * i * k * k"
)
EXERCISES = ("0.1", "0.2", "0.3")


def found(rebuilt):
    return {name: (a.how, a.is_attempted) for name, a in rebuilt.answers.items()}


def cost(rebuilt):
    """What the student's function answers after the pieces of its exercise have run."""
    space = {}
    for piece in pieces_for(rebuilt, "0.1"):
        if piece.kind != "given":  # our imports are slow, and this answer needs none
            exec(piece.code, space)
    return space[NAME](1, 8, 3, 8, 8)


def test_the_untouched_notebook_is_not_attempted(blank):
    rebuilt = blank.rebuilt()
    assert found(rebuilt) == dict.fromkeys(EXERCISES, ("by its id", False))
    assert rebuilt.unmatched == ()
    assert rebuilt.notebook == blank.base.notebook


def test_the_reference_is_found_whole(blank):
    path = catalog.LABS_ROOT.parent / "grading" / "answers" / "quickstart" / "reference.ipynb"
    rebuilt = rebuild(blank.lab, read_submitted(path.read_bytes()), base=blank.base)
    assert found(rebuilt) == dict.fromkeys(EXERCISES, ("by its id", True))
    assert rebuilt.unmatched == ("the file says that it is our reference notebook",)
    assert not [note for answer in rebuilt.answers.values() for note in answer.notes]
    assert not [piece for piece in rebuilt.pieces if piece.kind == "extra"]
    assert cost(rebuilt) == (80, 4608)


def test_answers_are_found_by_their_ids(sheet):
    rebuilt = sheet.rebuilt()
    assert found(rebuilt) == dict.fromkeys(EXERCISES, ("by its id", True))
    assert rebuilt.answers["0.3"].text == "#### Exercise 0.3\n\nI ship 4 bits: it loses 0.02."
    assert cost(rebuilt) == (80, 4608)


def test_the_notebook_of_another_lab_is_refused(sheet, long_sheet):
    with pytest.raises(SubmissionError, match="lab 'mcu_compression', not of 'quickstart'"):
        rebuild(sheet.lab, read_submitted(long_sheet.bytes()), base=sheet.base)
    long_sheet.content["metadata"] = {}
    rebuilt = rebuild(sheet.lab, read_submitted(long_sheet.bytes()), base=sheet.base)
    assert not any(answer.is_attempted for answer in rebuilt.answers.values())


def test_a_wrong_name_in_the_metadata_does_no_harm(sheet):
    sheet.content["metadata"]["course"] = {"lab": "mcu_compression"}
    assert found(sheet.rebuilt()) == dict.fromkeys(EXERCISES, ("by its id", True))


def test_a_foreign_notebook_has_nothing_of_ours(sheet):
    content = json.dumps({"cells": [{"cell_type": "code", "source": "print(1)"}]}).encode()
    rebuilt = rebuild(sheet.lab, read_submitted(content), base=sheet.base)
    assert found(rebuilt) == dict.fromkeys(EXERCISES, ("not found", False))
    assert rebuilt.unmatched == ("no cell of the notebook belongs to this lab",)
    empty = rebuild(sheet.lab, read_submitted(b'{"cells": []}'), base=sheet.base)
    assert found(empty) == found(rebuilt)


def test_what_claims_an_exercise_that_there_is_not_is_listed(sheet):
    sheet.insert(3, "# Exercise 9.9\nx = 1")
    sheet.insert(4, "def conv_cost(x): return x", kind="markdown")
    sheet.insert(5, "x = '" + "y" * 200_000 + "'")
    assert sheet.rebuilt().unmatched == (
        "cell 6 was left out: 200,006 characters, in all too many",
        "cell 4 says that it answers exercise 9.9, which this lab has not",
        "cell 5 is no code cell and holds code: def conv_cost(x): return x",
    )


def test_answers_are_read_before_a_flood_of_other_cells(sheet):
    for number in range(30):
        sheet.insert(1, f"x{number} = 1\n" * 10_000)
    rebuilt = sheet.rebuilt()
    assert found(rebuilt) == dict.fromkeys(EXERCISES, ("by its id", True))
    assert len([text for text in rebuilt.unmatched if "was left out" in text]) == 30 - 12


def test_a_base_that_somebody_worked_in_is_refused(sheet):
    for change in ({"source": COST}, {"outputs": [{}]}, {"execution_count": 3}):
        content = copy.deepcopy(sheet.base.notebook)
        content["cells"][20 if "source" in change else 5] |= change
        with pytest.raises(LabFormatError, match="was worked in"):
            read_base(sheet.lab, content)


CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", 3]),
        "id": st.sampled_from(["cell-05", "cell-20", "cell-46", "", 7]),
        "source": st.sampled_from(
            [
                COST,
                f"# Exercise 0.1\n{COST}",
                "show_check('0.1')",
                'show_check("0.1")',
                "# Exercise 0.2\n",
                "#### Exercise 0.3\nText.",
                "%%writefile a.py\nx",
                "train, validation, test = 3",
                "import os, sys\nimport numpy as np\nimport torch",
                "def quantize(",
                ["x", 1],
                None,
            ]
        )
        | st.text(max_size=20),
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "nbgrader": st.fixed_dictionaries(
                    {"grade_id": st.sampled_from(["answer-0-1", "check-0-1", "answer-0-3", "x", 1])}
                ),
                "course": st.dictionaries(
                    st.sampled_from(["exercise", "role"]),
                    st.sampled_from(["0.1", "0.2", "9.9", "solution", "text", "check", 3]),
                ),
                "tags": st.just(["parameters", "injected-parameters"]),
            },
        ),
        "outputs": st.lists(
            st.sampled_from(
                [
                    {"output_type": "stream", "text": ["a\x1b[1m", 3]},
                    {"output_type": "error", "ename": 3, "evalue": "x"},
                    {"output_type": "display_data", "data": {"image/png": "AAAA"}},
                    {"output_type": "execute_result", "data": {"text/html": "<script>"}},
                    {"output_type": "execute_result", "data": []},
                    {"output_type": []},
                    3,
                ]
            ),
            max_size=3,
        ),
        "attachments": st.just({"a.png": {"image/png": 3}, "b": 3}),
    },
)


@settings(max_examples=150, deadline=None)
@given(cells=st.lists(CELL, max_size=6), seed=st.integers(0, 99), keeps=st.booleans())
def test_any_cells_among_ours_give_our_notebook(cells, seed, keeps):
    """Valid, with every cell of ours in its order, our setup, and an answer for each exercise."""
    lab = catalog.find_lab("quickstart")
    base = read_base(lab)
    ours = copy.deepcopy(base.notebook["cells"]) if keeps else []
    draw = random.Random(seed)
    for cell in cells:
        ours.insert(draw.randint(0, len(ours)), cell)
    content = json.dumps({"cells": ours, "metadata": {"kernelspec": {"argv": ["rm"]}}}).encode()
    rebuilt = rebuild(lab, read_submitted(content), base=base)
    nbformat.validate(nbformat.from_dict(rebuilt.notebook))
    assert rebuilt.notebook["metadata"] == base.notebook["metadata"]
    answers = {"cell-20", "cell-38", "cell-47"}
    same = [c for c in rebuilt.notebook["cells"] if c["id"].startswith("cell-")]
    assert [c["id"] for c in same] == [c["id"] for c in base.notebook["cells"]]
    for mine, handed_out in zip(same, base.notebook["cells"], strict=True):
        assert mine == handed_out or mine["id"] in answers
    tagged = [c["id"] for c in rebuilt.notebook["cells"] if c["metadata"].get("tags")]
    assert tagged == [c["id"] for c in base.notebook["cells"] if c["metadata"].get("tags")]
    assert not any(c.get("outputs") for c in rebuilt.notebook["cells"])
    assert list(rebuilt.answers) == list(EXERCISES)
    untouched = rebuild(lab, read_submitted(b'{"cells": []}'), base=base).pieces
    setup = [p for p in rebuilt.pieces if p.kind == "given"]
    assert setup == [p for p in untouched if p.kind == "given"]
    assert all(pieces_for(rebuilt, exercise) for exercise in ("0.1", "0.2"))
    json.dumps(rebuilt.notebook).encode()


@settings(max_examples=50, deadline=None)
@given(order=st.permutations(range(51)), copied=st.lists(st.integers(0, 50), max_size=5))
def test_reordered_and_copied_cells_give_the_same_answers(order, copied):
    lab = catalog.find_lab("quickstart")
    base = read_base(lab)
    cells = copy.deepcopy(base.notebook["cells"])
    cells[20]["source"] = f"# Exercise 0.1\n{COST}"
    cells[47]["source"] = "#### Exercise 0.3\n\nI ship 4 bits."
    content = {"cells": [cells[n] for n in [*order, *copied]]}
    rebuilt = rebuild(lab, read_submitted(json.dumps(content).encode()), base=base)
    assert found(rebuilt) == dict.fromkeys(EXERCISES, ("by its id", True)) | {
        "0.2": ("by its id", False)
    }
    assert cost(rebuilt) == (80, 4608)
    assert not [p for p in rebuilt.pieces if p.kind == "extra" and "quantize" in p.code]
