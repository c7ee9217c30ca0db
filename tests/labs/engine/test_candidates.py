"""The answer to an exercise is found, wherever and in whatever form a student left it."""

import copy

import pytest

from labs.engine.rebuild import pieces_for

NAME = "conv_cost"
COST = (
    "def conv_cost(i, o, k, h, w, stride=1):\n    return o * (i * k * k + 1), h * w * o * i * k * k"
)
EXERCISES = ("0.1", "0.2", "0.3")


def found(rebuilt):
    return {name: (a.how, a.is_attempted) for name, a in rebuilt.answers.items()}


def solution(rebuilt, exercise):
    """The code that runs as the answer to an exercise."""
    pieces = [p for p in rebuilt.pieces if p.kind == "solution" and p.exercise == exercise]
    return pieces[-1].code if pieces else None


def cost(rebuilt):
    """What the student's function answers after the pieces of its exercise have run."""
    space = {}
    for piece in pieces_for(rebuilt, "0.1"):
        if piece.kind != "given":  # our imports are slow, and this answer needs none
            exec(piece.code, space)
    return space[NAME](1, 8, 3, 8, 8)


@pytest.mark.parametrize("key", ["nbgrader", "course"])
def test_either_key_of_the_metadata_is_enough(sheet, key):
    for cell in sheet.cells:
        cell["metadata"].pop(key, None)
        cell["id"] = "x" + cell["id"]
    sheet.write("answer-0-1" if key == "course" else "xcell-20", COST)
    assert found(sheet.rebuilt())["0.1"] == ("by its id", True)


@pytest.mark.parametrize("cells_lose", ["metadata", "metadata and ids"])
def test_without_metadata_the_first_line_is_enough(sheet, cells_lose):
    for number, cell in enumerate(sheet.cells):
        cell["metadata"] = {}
        if "ids" in cells_lose:
            cell["id"] = f"{number:08x}"
    rebuilt = sheet.rebuilt()
    assert found(rebuilt) == dict.fromkeys(EXERCISES, ("by its first line", True))
    assert not [piece for piece in rebuilt.pieces if piece.kind == "extra"]


def test_without_first_line_the_functions_are_enough(sheet):
    for cell in sheet.cells:
        cell["metadata"] = {}
    sheet.write("cell-20", COST)
    rebuilt = sheet.rebuilt()
    assert found(rebuilt)["0.1"] == ("by its functions", True)
    assert solution(rebuilt, "0.1") == COST


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%timeit -n 1"])
def test_cell_magics_do_not_hide_an_answer(sheet, magic):
    sheet.write("answer-0-1", f"{magic}\n# Exercise 0.1\n{COST}")
    rebuilt = sheet.rebuilt()
    assert found(rebuilt)["0.1"] == ("by its id", True)
    assert cost(rebuilt) == (80, 4608)
    assert rebuilt.answers["0.1"].text.startswith(magic)


def test_an_answer_that_is_only_written_to_a_file_is_run_as_well(sheet):
    sheet.write("answer-0-1", f"%%writefile mine.py\n{COST}")
    sheet.cell("answer-0-1")["metadata"] = {}
    rebuilt = sheet.rebuilt()
    first, second = [p for p in pieces_for(rebuilt, "0.1") if p.kind != "given"]
    assert (first.kind, first.code) == ("extra", f"%%writefile mine.py\n{COST}")
    assert (second.kind, second.code) == ("solution", COST)
    assert "writes its code into a file" in rebuilt.answers["0.1"].notes[0]


def test_the_last_copy_before_the_check_counts_as_it_does_in_the_notebook(sheet):
    at = sheet.at("answer-0-1")
    better = copy.deepcopy(sheet.cells[at]) | {"source": f"# Exercise 0.1\n{COST}", "id": "new"}
    later = copy.deepcopy(better) | {"source": "# Exercise 0.1\nconv_cost = max", "id": "later"}
    sheet.cells.insert(at + 1, better)
    sheet.cells.insert(at + 3, later)  # behind the check
    rebuilt = sheet.rebuilt()
    assert solution(rebuilt, "0.1").endswith(COST)
    assert "cell 21, cell 24 could be the answer, too; taken was cell 22" in str(
        rebuilt.answers["0.1"].notes
    )
    assert cost(rebuilt) == (80, 4608)


@pytest.mark.parametrize("where", [0, 19, 20, 21, 22, 50])
def test_a_copied_stub_never_takes_the_place_of_an_answer(sheet, blank, where):
    stub = copy.deepcopy(blank.base.notebook["cells"][20])
    for source in (stub["source"], stub["source"] + "\n# my plan"):
        sheet.cells.insert(where, {**stub, "source": source, "id": "copy"})
        rebuilt = sheet.rebuilt()
        assert found(rebuilt)["0.1"] == ("by its id", True)
        assert cost(rebuilt) == (80, 4608)


def test_a_new_cell_below_an_untouched_stub_is_the_answer(blank):
    blank.insert(blank.at("answer-0-1") + 1, COST)
    rebuilt = blank.rebuilt()
    assert found(rebuilt)["0.1"] == ("by its functions", True)
    assert cost(rebuilt) == (80, 4608)


def test_a_function_written_again_before_the_check_is_the_one_that_runs(sheet):
    sheet.insert(sheet.at("answer-0-1") + 1, "def conv_cost(*sizes):\n    return 1, 2")
    rebuilt = sheet.rebuilt()
    assert found(rebuilt)["0.1"] == ("by its id", True)
    assert cost(rebuilt) == (1, 2)
    assert "could be the answer, too" in rebuilt.answers["0.1"].notes[0]


def test_a_function_written_again_after_the_check_changes_nothing(sheet):
    sheet.insert(sheet.at("check-0-1") + 1, "def conv_cost(*sizes):\n    return 1, 2")
    assert cost(sheet.rebuilt()) == (80, 4608)


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_retyped_answer_counts_and_is_noted(sheet, kind):
    for grade_id in ("answer-0-1", "answer-0-3"):
        sheet.cell(grade_id)["cell_type"] = kind
    rebuilt = sheet.rebuilt()
    assert found(rebuilt) == dict.fromkeys(EXERCISES, ("by its id", True))
    assert cost(rebuilt) == (80, 4608)
    assert "is no code cell" in rebuilt.answers["0.1"].notes[0]


def test_an_old_version_kept_as_markdown_does_not_count(sheet):
    old = copy.deepcopy(sheet.cell("answer-0-1")) | {"cell_type": "markdown", "id": "old"}
    sheet.cells.insert(sheet.at("answer-0-1") + 1, {**old, "source": old["source"] + "\n# old"})
    rebuilt = sheet.rebuilt()
    assert not rebuilt.answers["0.1"].text.endswith("# old")
    assert rebuilt.answers["0.1"].notes == ()


def test_a_heading_in_a_note_is_no_answer(blank):
    blank.insert(5, "# Exercise 0.1\nI shall do this tomorrow.", kind="markdown")
    assert found(blank.rebuilt())["0.1"] == ("by its id", False)


def test_a_deleted_answer_is_not_found_and_our_stub_stands_in_the_notebook(sheet):
    del sheet.cells[sheet.at("answer-0-1")]
    rebuilt = sheet.rebuilt()
    assert found(rebuilt)["0.1"] == ("not found", False)
    assert solution(rebuilt, "0.1") is None
    assert rebuilt.notebook["cells"][20] == sheet.base.notebook["cells"][20]


def test_an_answer_under_another_exercise_is_found(sheet):
    sheet.write("answer-0-2", f"# Exercise 0.2\n{COST}")
    sheet.write("answer-0-1", sheet.base.notebook["cells"][20]["source"])
    rebuilt = sheet.rebuilt()
    assert found(rebuilt)["0.1"] == ("by its functions", True)
    assert cost(rebuilt) == (80, 4608)
    assert rebuilt.answers["0.2"].notes == ("no cell defines quantize",)


def test_two_answers_in_one_cell_answer_both_exercises(sheet):
    both = sheet.cell("answer-0-1")["source"] + "\n\n" + sheet.cell("answer-0-2")["source"]
    sheet.write("answer-0-1", both)
    sheet.write("answer-0-2", sheet.base.notebook["cells"][38]["source"])
    rebuilt = sheet.rebuilt()
    assert found(rebuilt)["0.2"] == ("by its functions", True)
    assert solution(rebuilt, "0.1") == solution(rebuilt, "0.2") == both
    assert cost(rebuilt) == (80, 4608)


def test_an_answer_in_a_cell_of_ours_or_in_its_check_is_found(blank):
    cell = blank.cell("cell-05")
    cell["source"] += f"\n{COST}\ntrained = 3\n"
    blank.write("check-0-2", 'def quantize(w, bits):\n    return w, 1.0\n\nshow_check("0.2")')
    rebuilt = blank.rebuilt()
    assert found(rebuilt)["0.1"] == ("by its functions", True)
    assert cost(rebuilt) == (80, 4608)
    assert solution(rebuilt, "0.2") == "def quantize(w, bits):\n    return w, 1.0\n\n"
    assert "in a cell of ours" in rebuilt.answers["0.1"].notes[0]


def test_functions_spread_over_cells_make_one_answer(long_sheet):
    """Each of the three has a cell of its own, below the first, which keeps the other stubs."""
    parts = [f"def {name}(*sizes):\n    return {name!r}" for name in ("frame", "log_mel", "mfcc")]
    stub = long_sheet.cell("answer-1-2")["source"]
    long_sheet.write("answer-1-2", parts[0] + stub[stub.index("\n\ndef log_mel") :])
    at = long_sheet.at("answer-1-2")
    long_sheet.insert(at + 1, parts[1])
    long_sheet.insert(at, parts[2])  # above: the stub below would undo it
    rebuilt = long_sheet.rebuilt()
    space = {}
    for piece in pieces_for(rebuilt, "1.2"):
        if piece.exercise == "1.2" or piece.label.endswith("1.2"):
            exec(piece.code, space)
    assert [space[n]() for n in ("frame", "log_mel", "mfcc")] == ["frame", "log_mel", "mfcc"]
    answer = rebuilt.answers["1.2"]
    assert (answer.how, answer.is_attempted) == ("by its id", True)
    assert all(part in answer.text for part in parts)
    assert "spread over" in answer.notes[0]


def test_a_half_of_the_functions_is_an_answer_with_a_note(long_sheet):
    long_sheet.write("answer-1-1", "# Exercise 1.1\ndef relative_energy(e, base):\n    return e")
    rebuilt = long_sheet.rebuilt()
    assert rebuilt.answers["1.1"].notes == ("no cell defines arithmetic_energy_uj",)


def test_broken_code_is_found_and_said_to_be_broken(sheet):
    sheet.write("answer-0-1", "def conv_cost(x) return x")
    sheet.cell("answer-0-1")["metadata"] = {}
    rebuilt = sheet.rebuilt()
    assert found(rebuilt)["0.1"] == ("by its functions", True)
    assert solution(rebuilt, "0.1") == "def conv_cost(x) return x"
    assert "not valid Python" in rebuilt.answers["0.1"].notes[0]


def test_invisible_characters_are_noted(sheet):
    sheet.write("answer-0-1", f"# Exercise 0.1\n{COST}  # \u202e")
    assert "cannot be seen" in sheet.rebuilt().answers["0.1"].notes[0]


# Texts: what a person reads must be all that was written.


def test_a_text_goes_on_below_its_cell(sheet):
    at = sheet.at("answer-0-3")
    sheet.insert(at + 1, "And one table.", kind="markdown")
    sheet.insert(at + 2, "And one more.", kind="raw")
    answer = sheet.rebuilt().answers["0.3"]
    assert answer.text.endswith("0.02.\n\nAnd one table.\n\nAnd one more.")
    assert answer.notes == ("the text goes on in cell 49, cell 50",)


def test_a_text_below_an_untouched_stub_is_the_answer(blank):
    blank.insert(blank.at("answer-0-3") + 1, "I ship 4 bits.", kind="markdown")
    answer = blank.rebuilt().answers["0.3"]
    assert answer.is_attempted
    assert "I ship 4 bits." in answer.text


def test_a_text_in_the_cell_that_sets_the_exercise_is_the_answer(blank):
    blank.cell("cell-46")["source"] += "\n\nI ship 4 bits."
    answer = blank.rebuilt().answers["0.3"]
    assert (answer.is_attempted, answer.text) == (True, "I ship 4 bits.")
    assert answer.notes == ("the answer stands in the cell that sets the exercise",)


def test_a_text_that_may_be_the_answer_is_listed_for_a_person(blank):
    del blank.cells[blank.at("answer-0-3")]
    blank.insert(blank.at("cell-46") + 1, "I ship\n4 bits.", kind="markdown")
    rebuilt = blank.rebuilt()
    assert found(rebuilt)["0.3"] == ("not found", False)
    assert rebuilt.unmatched == ("cell 48 may be the answer to exercise 0.3: I ship 4 bits.",)


def test_of_two_texts_the_last_is_taken_and_the_other_is_shown(sheet):
    copied = copy.deepcopy(sheet.cell("answer-0-3")) | {"id": "new"}
    sheet.cells.append({**copied, "source": "#### Exercise 0.3\nI ship 8 bits."})
    answer = sheet.rebuilt().answers["0.3"]
    assert answer.text.endswith("8 bits.")
    assert "I ship 4 bits" in answer.notes[0]


@pytest.mark.parametrize(
    "text", ["", "#### Exercise 0.3\n\nYOUR ANSWER HERE", " \n", "YOUR ANSWER HERE"]
)
def test_an_empty_text_is_not_attempted(sheet, text):
    sheet.write("answer-0-3", text)
    assert found(sheet.rebuilt())["0.3"] == ("by its id", False)
