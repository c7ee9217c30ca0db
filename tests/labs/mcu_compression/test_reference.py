"""What the memos of the reference quote, against what the run printed."""

import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT

REFERENCE = LABS_ROOT.parent / "grading" / "answers" / "mcu_compression" / "reference.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["cells"]


def printed(cells) -> str:
    texts = []
    for cell in cells:
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join("".join(text) for text in texts)


def memo(cells, exercise: str = "1.9") -> str:
    heading = f"#### Exercise {exercise}"
    (answer,) = (
        "".join(c["source"])
        for c in cells
        if c["cell_type"] == "markdown" and "".join(c["source"]).startswith(heading + "\n")
    )
    return " ".join(answer.removeprefix(heading).split())


@pytest.mark.parametrize("exercise", ["1.9", "1.14"])
def test_a_memo_quotes_only_numbers_that_the_run_printed(cells, exercise):
    number = r"-?\d[\d,.]*"
    quoted = re.findall(
        rf"{number}(?: B\b| uJ\b|(?: ms)? \[[^\]]*\])|\d+ of \d+ clips", memo(cells, exercise)
    )
    assert len(quoted) >= 5
    assert [each for each in quoted if each not in printed(cells)] == []


def test_the_savings_of_the_second_memo_are_those_of_the_run(cells):
    told = memo(cells, "1.14").partition("In instructions")[2].partition("The platform saved")[0]
    quoted = re.findall(r"\d+\.\d+", told)
    saved = re.findall(r"(\d+\.\d+) times fewer instructions", printed(cells))
    assert len(quoted) == 5
    assert [each for each in quoted if not any(s.startswith(each) for s in saved)] == []


@pytest.mark.parametrize(("exercise", "words"), [("1.9", (150, 200)), ("1.14", (170, 230))])
def test_a_memo_keeps_to_the_length_asked_for(cells, exercise, words):
    assert words[0] <= len(memo(cells, exercise).split()) <= words[1]


def test_the_memo_ships_the_version_that_the_run_tested(cells):
    (name,) = re.findall(r"Ship the (.+?) network", memo(cells))
    tested = rf"^{re.escape(name)}: [\d,]+ B, [\d,]+ MAC, [\d.]+, threshold"
    assert re.search(tested, printed(cells), re.M)
