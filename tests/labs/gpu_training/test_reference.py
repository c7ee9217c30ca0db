"""What the memo of the reference quotes, against what the run printed and our formulas say."""

import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT
from labs.gpu_training.given.failing import checkpoint_interval_s

REFERENCE = LABS_ROOT.parent / "grading" / "answers" / "gpu_training" / "reference.ipynb"
HEADING = "#### Exercise 2.15"
RESTART_S = 600.0  # the ten minutes of the memo
MTBF_S = 3 * 24 * 3600.0  # of the job of the scenario: one of its GPUs fails every three days


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
    number = r"\d[\d,.]*"
    quoted = re.findall(rf"{number} G?B\b|{number} (?:us|ms|GB/s) \[[^\]]*\]", memo)
    assert len(quoted) >= 6
    assert [each for each in quoted if each not in printed] == []


def test_its_interval_and_losses_follow_from_the_formula(memo):
    told = r"every (\d+) min, .* save of (\d+) s: ([\d.]+) % goes to saving, ([\d.]+) % to work"
    minutes, save_s, saving, lost = map(float, re.search(told, memo).groups())
    interval_s = checkpoint_interval_s(save_s, MTBF_S, 1)
    assert minutes == round(interval_s / 60)
    assert saving == round(100 * save_s / interval_s, 1)
    assert lost == round(100 * interval_s / 2 / MTBF_S, 1)
    restarting, whole = map(float, re.search(r"adds ([\d.]+) %, in all ([\d.]+) %", memo).groups())
    assert restarting == round(100 * RESTART_S / MTBF_S, 1)
    shares = save_s / interval_s + interval_s / 2 / MTBF_S + RESTART_S / MTBF_S
    assert whole == round(100 * shares, 1)


def test_it_keeps_to_the_length_asked_for(memo):
    assert 150 <= len(memo.split()) <= 250
