"""Source, lab.toml and checks speak of the same exercises: each way not to, and its message."""

import pytest

from grading.errors import SourceError

TWICE = """
# %%
# Exercise 9.1
def clipped_sum(values, limit):
    ### BEGIN SOLUTION
    return 0
    ### END SOLUTION
"""


def _said(toy):
    with pytest.raises(SourceError) as caught:
        toy.built()
    return str(caught.value)


def test_the_toy_lab_agrees(toy):
    assert toy.built().lab.name == "toy"


SOURCE_EDITS = [
    ('show_check("9.1")', "clipped_sum([1], 2)", "exercise 9.1 has no check cell"),
    ('show_check("9.1")', 'show_check("9.7")', r"(cell-05): exercise 9.7 is not in "),
    ("# Exercise 9.1\n", "# Exercise 9.8\n", "exercise 9.1 has no solution cell"),
    ("(4 points,", "(5 points,", r"(cell-03): it says 5 points, lab.toml says 4"),
    ("def clipped_sum", "def clip", "defines clipped_sum; the cell defines clip"),
    ("# ### Exercise 9.1: clipped", "# ### Clipped", "no text before it sets exercise 9.1"),
    ("# #### Exercise 9.2", "# #### Exercise 9.3", "exercise 9.2 has no text cell"),
    ("An empty list gives 0.", "Nothing gives 0.", "empty tests a sentence that exercise 9.1 does"),
]


@pytest.mark.parametrize(("old", "new", "message"), SOURCE_EDITS)
def test_source_against_lab(toy, old, new, message):
    toy.edit(toy.source, old, new)
    assert message in _said(toy)


LAB_EDITS = [
    ('kind = "text"', 'kind = "code"\nfunctions = ["g"]', "9.2 is of kind 'code' in lab.toml"),
    ('"9.2"', '"9.4"', "(cell-09): exercise 9.2 is not in "),
    ("scale = 1.0", "scael = 1.0", "[presets.smoke]: no parameter 'scael'; did you mean 'scale'?"),
    ("scale = 1.0", 'scale = "big"', "[presets.smoke]: parameter scale = 'big'"),
]


@pytest.mark.parametrize(("old", "new", "message"), LAB_EDITS)
def test_lab_against_source(toy, old, new, message):
    toy.edit(toy.folder / "lab.toml", old, new)
    assert message in _said(toy)


def test_two_cells_of_one_exercise(toy):
    toy.edit(toy.source, '\n# %%\nshow_check("9.1")', TWICE + '\n# %%\nshow_check("9.1")')
    assert "(cell-05): exercise 9.1 has a solution cell already, cell-04" in _said(toy)


def test_a_check_before_its_answer(toy):
    toy.edit(toy.source, '# %%\nshow_check("9.1")\n', "")
    toy.edit(toy.source, "# %%\n# Exercise 9.1", '# %%\nshow_check("9.1")\n\n# %%\n# Exercise 9.1')
    assert "the check of 9.1 stands before its answer" in _said(toy)


def test_a_sentence_may_be_wrapped_in_the_text(toy):
    assert "Values above the limit count\n# as the limit." in toy.source.read_text()
    assert toy.built().lab.name == "toy"


def test_checks_of_unknown_exercises_and_none_at_all(toy):
    toy.edit(toy.answers / "hidden.py", '"9.1", sentence="An', '"9.5", sentence="An')
    assert "empty checks 9.5, no exercise here" in _said(toy)
    (toy.folder / "checks.py").write_text("")
    assert "checks.py: no check of exercise 9.1" in _said(toy)


def test_sentences_are_written_out(toy):
    toy.edit(toy.answers / "hidden.py", '"An empty list gives 0."', "SENTENCE")
    assert "hidden.py:6: write exercise and sentence out" in _said(toy)
    (toy.answers / "hidden.py").write_text("def f(:\n")
    assert "hidden.py:1: not Python" in _said(toy)


def test_everything_is_said_at_once(toy):
    toy.edit(toy.source, "(4 points,", "(5 points,")
    toy.edit(toy.source, "seed = 0  # start of the random numbers", "seed = 0")
    assert len(_said(toy).split("\n")) == 2


def test_checks_in_another_encoding_are_named(toy):
    (toy.folder / "checks.py").write_bytes(b"# \xe9\n")
    with pytest.raises(SourceError, match=r"checks\.py is not UTF-8 .* save it as UTF-8"):
        toy.built()
