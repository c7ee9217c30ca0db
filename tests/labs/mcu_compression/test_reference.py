"""What the decision memo of the reference quotes, against what the run printed."""

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


def memo(cells) -> str:
    (answer,) = (
        "".join(c["source"])
        for c in cells
        if c["cell_type"] == "markdown" and "#### Exercise 1.9" in "".join(c["source"])
    )
    return " ".join(answer.removeprefix("#### Exercise 1.9").split())


def test_the_memo_quotes_only_numbers_that_the_run_printed(cells):
    quoted = re.findall(r"-?\d[\d,.]*(?: B\b| \[[^\]]*\])", memo(cells))
    assert len(quoted) >= 5
    assert [number for number in quoted if number not in printed(cells)] == []


def test_the_memo_keeps_to_the_length_asked_for(cells):
    assert 150 <= len(memo(cells).split()) <= 200


def test_the_memo_ships_the_version_that_the_run_tested(cells):
    (name,) = re.findall(r"Ship the (.+?) network", memo(cells))
    tested = rf"^{re.escape(name)}: [\d,]+ B, [\d,]+ MAC, [\d.]+, threshold"
    assert re.search(tested, printed(cells), re.M)
