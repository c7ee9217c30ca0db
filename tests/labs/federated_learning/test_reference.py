"""What the memo of the reference quotes, against what the run printed."""

import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT
from labs.federated_learning import accountants

REFERENCE = LABS_ROOT.parent / "grading" / "answers" / "federated_learning" / "reference.ipynb"
HEADING = "#### Exercise 3.12"
QUOTED = r"[-+]?\d[\d.]* \[[^\]]*\]|\d[\d,.]* B\b|[\d.]+ s\b|[\d.]+ rounds|\d+%[ \w]*"


@pytest.fixture(scope="module")
def cells():
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def memo(cells) -> str:
    (answer,) = (
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "markdown" and "".join(cell["source"]).startswith(HEADING + "\n")
    )
    return " ".join(answer.removeprefix(HEADING).split())


@pytest.fixture(scope="module")
def printed(cells) -> str:
    texts = []
    for cell in cells:
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join("".join(text) for text in texts)


def test_it_quotes_only_numbers_that_the_run_printed(memo, printed):
    quoted = re.findall(QUOTED, memo)
    assert len(quoted) >= 10
    assert [each for each in quoted if each not in printed] == []


def test_its_target_is_that_of_its_rounds(memo, printed):
    target, rounds = re.search(r"reached ([\d.]+) in ([\d.]+) rounds", memo).groups()
    assert f"{rounds} rounds to {target}" in printed


def test_its_epsilon_is_the_accountants(memo):
    epsilon, delta = map(float, re.search(r"epsilon ([\d.]+) and delta ([\de-]+)", memo).groups())
    spent = accountants.spent(0.1, 1.0, releases=30, delta=delta)
    assert round(spent.epsilon, 2) == epsilon


def test_it_keeps_to_the_length_asked_for(memo):
    assert 150 <= len(memo.split()) <= 250
