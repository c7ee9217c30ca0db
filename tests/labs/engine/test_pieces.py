"""What runs for one exercise, and in which order: our setup, the student's own cells, answers."""

import ast

import pytest

from labs.engine import pieces, placing
from labs.engine.errors import LabFormatError
from labs.engine.pieces import Piece, is_setup, pieces_for, setup_statements

HELPER = "def helper(x):\n    return 2 * x"


def codes(rebuilt, exercise, *kinds):
    return [p.code for p in pieces_for(rebuilt, exercise) if p.kind in kinds]


def order(rebuilt, exercise):
    return [p.label for p in pieces_for(rebuilt, exercise) if p.kind != "given"]


def test_given_are_imports_literals_and_definitions_one_by_one(blank):
    given = codes(blank.rebuilt(), "0.1", "given")
    assert given == [
        "seed = 0",
        "epochs = 12",
        "width = 8",
        "bits = 8",
        "measure_s = 0.5",
        "import numpy as np",
        "import torch",
        "from course_utils import counting",
        "from course_utils import data",
        "from course_utils import energy",
        "from course_utils import memory",
        "from course_utils import plots",
        "from course_utils import records",
        "from course_utils import stats",
        "from course_utils import timing",
        "from course_utils import widgets",
        "from labs.engine.notebook import best",
        "from labs.engine.notebook import show_check",
        "from labs.engine.notebook import show_prediction",
        "from labs.quickstart import network",
        "from labs.quickstart import pictures",
        "from labs.quickstart import shrink",
        "guessed_top1 = None",
        "guessed_macs = None",
    ]


def test_functions_of_ours_are_given(long_sheet):
    given = codes(long_sheet.rebuilt(), "1.8", "given")
    assert any(code.startswith("def totals(rows)") for code in given)
    assert not any("best(" in code or "train(" in code for code in given)


def test_presets_take_the_place_of_the_parameters_and_of_nothing_else(sheet):
    sheet.insert(4, "epochs = 99")
    rebuilt = sheet.rebuilt()
    chosen = {"epochs": 1, "measure_s": 0.25, "guessed_macs": 3, "helper": 4}
    found = [p.code for p in pieces_for(rebuilt, "0.1", parameters=chosen)]
    assert found[:4] == ["seed = 0", "epochs = 1", "width = 8", "bits = 8"]
    assert found[4:6] == ["measure_s = 0.25", "epochs = 99"]
    assert "guessed_macs = None" in found


@pytest.mark.parametrize("value", [True, "a'b", [1, 2.5], -3])
def test_a_value_of_any_type_is_written_as_python(blank, value):
    found = pieces_for(blank.rebuilt(), "0.1", parameters={"seed": value})
    assert ast.literal_eval(found[0].code.removeprefix("seed = ")) == value


def test_an_exercise_gets_what_stands_before_its_check(sheet):
    sheet.insert(sheet.at("answer-0-1"), HELPER)
    sheet.insert(sheet.at("check-0-1"), "between = 1")
    sheet.insert(sheet.at("check-0-1") + 1, "behind = 1")
    rebuilt = sheet.rebuilt()
    first = ["def helper", "# Exercise", "between = 1"]
    found = codes(rebuilt, "0.1", "extra", "solution")
    assert [code[: len(start)] for code, start in zip(found, first, strict=True)] == first
    assert codes(rebuilt, "0.2", "extra", "solution")[3:-1] == ["behind = 1"]
    assert order(rebuilt, "0.1") == [
        "your own cell in the part of exercise 0.1",
        "your answer to exercise 0.1",
        "your own cell in the part of exercise 0.1",
    ]


def test_an_untouched_stub_runs_as_it_is(blank):
    (piece,) = [p for p in pieces_for(blank.rebuilt(), "0.1") if p.kind == "solution"]
    assert piece.exercise == "0.1"
    assert piece.code == blank.base.cells[20].source


def test_own_cells_keep_their_place_behind_cells_of_ours(sheet):
    sheet.insert(0, "first = 1")
    sheet.insert(7, "second = 2")
    ids = [c["id"] for c in sheet.rebuilt().notebook["cells"]]
    assert ids[0].startswith("own-")
    assert ids[6] == "cell-05"
    assert ids[7].startswith("own-")


def test_what_ran_before_a_moved_answer_still_does(sheet):
    answer = sheet.cells.pop(sheet.at("answer-0-1"))
    sheet.insert(30, HELPER)
    sheet.cells.append(answer)
    sheet.insert(len(sheet.cells), "later = 1")
    rebuilt = sheet.rebuilt()
    assert codes(rebuilt, "0.1", "extra", "solution") == [HELPER, answer["source"], "later = 1"]


def test_additions_to_our_cells_run_and_changes_do_not(sheet):
    cell = sheet.cell("cell-05")
    cell["source"] = (
        cell["source"]
        .replace("import torch\n", "import torch, math\n")
        .replace("torch.set_num_threads(1)", "torch.set_num_threads(64)")
        + f"\n{HELPER}\nwidth = 3\nnp.float64 = 5\nbest = max\nEPS = np.finfo(float).eps\n"
        "for i in range(10**9): pass\nnetwork = None"
    )
    rebuilt = sheet.rebuilt()
    added = "import math\n" + HELPER + "\nEPS = np.finfo(float).eps"
    assert codes(rebuilt, "0.1", "extra") == [added]
    assert order(rebuilt, "0.1")[0] == "what you added to our cell before the first exercise"


def test_a_changed_parameter_or_guess_changes_nothing(sheet):
    expected = sheet.rebuilt().pieces
    sheet.write("cell-03", sheet.cell("cell-03")["source"].replace("width = 8", "width = 64"))
    sheet.write("cell-18", "guessed_macs = 20_000  # a whole number")
    assert sheet.rebuilt().pieces == expected


def test_changed_checks_and_measurements_have_no_effect(sheet):
    expected = sheet.rebuilt()
    sheet.write("check-0-1", "import os; os._exit(0)\nhelper = 3")
    cell = sheet.cell("cell-12")
    cell["source"] = cell["source"].replace("epochs=epochs", "epochs=10**9")
    del sheet.cells[sheet.at("check-0-2")]
    rebuilt = sheet.rebuilt()
    assert rebuilt.pieces == expected.pieces
    assert rebuilt.notebook == expected.notebook


def test_our_cells_are_ours_without_their_ids_too(sheet):
    expected = sheet.rebuilt().pieces
    for number, cell in enumerate(sheet.cells):
        cell["id"] = f"{number:08x}"
    cell = sheet.cells[14]
    cell["source"] = cell["source"].replace("wide=True", "wide=False") + "\nprint(3)"
    assert sheet.rebuilt().pieces == expected


def test_an_own_cell_with_the_id_of_ours_is_own(sheet):
    sheet.write("cell-26", "import random\nstart = random.random()")
    assert "start = random.random()" in codes(sheet.rebuilt(), "0.2", "extra")[0]


def test_calls_that_judge_an_answer_do_not_run(sheet):
    sheet.insert(sheet.at("check-0-1"), 'x = 1\nconv_cost = best("0.1", conv_cost)')
    sheet.insert(sheet.at("check-0-1"), "show_check('0.1')\nshow_check('0.2')")
    sheet.write("answer-0-1", sheet.cell("answer-0-1")["source"] + '\nshow_check("0.1")')
    rebuilt = sheet.rebuilt()
    assert codes(rebuilt, "0.1", "extra") == ["x = 1\n"]
    assert not any("show_check(" in p.code for p in rebuilt.pieces)
    assert 'show_check("0.1")' in rebuilt.answers["0.1"].text


def test_too_many_own_cells_are_left_out_and_said_so(sheet, monkeypatch):
    monkeypatch.setattr(placing, "MAX_EXTRAS", 2)
    for number in range(3):
        sheet.insert(6, f"x{number} = 1")
    rebuilt = sheet.rebuilt()
    assert len(codes(rebuilt, "0.1", "extra")) == 2
    assert rebuilt.unmatched == ("1 own code cells were left out: too many or too long",)
    monkeypatch.setattr(placing, "MAX_EXTRA_CODE", 1)
    assert codes(sheet.rebuilt(), "0.1", "extra") == []


@pytest.mark.parametrize("exercise", ["0.3", "9.9"])
def test_an_exercise_without_a_check_has_no_pieces(blank, exercise):
    with pytest.raises(LabFormatError, match="no check of exercise"):
        pieces_for(blank.rebuilt(), exercise)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a.b as c, d", ["import a.b as c", "import d"]),
        ("from . import a, b", ["from . import a", "from . import b"]),
        ("x = {'a': [1, -2.5, None]}", ["x = {'a': [1, -2.5, None]}"]),
        ("x: int = 3", ["x: int = 3"]),
        ("x: int", []),
        ("x = y", []),
        ("x = f'{1}'", []),
        ("x = {[]: 1}", []),
        ("x += 1", []),
        ("del x", []),
        ("async def f(): pass", []),
        ("class A:\n    pass", ["class A:\n    pass"]),
    ],
)
def test_what_counts_as_setup(code, expected):
    tree = ast.parse(code)
    assert list(setup_statements(tree)) == expected
    assert is_setup(tree.body[0]) == bool(expected)


def test_a_place_of_a_check_is_told_from_code():
    assert pieces.is_check(Piece("given", "", "0.1", pieces.CHECK))
    assert not pieces.is_check(Piece("given", "x = 1"))
