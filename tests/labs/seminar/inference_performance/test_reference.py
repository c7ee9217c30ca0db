"""What the executed reference says, and what is said about it."""

import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT

ROOT = LABS_ROOT.parent
REFERENCE = ROOT / "grading" / "answers" / "inference_performance" / "reference.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def printed(cells) -> str:
    texts = []
    for cell in cells:
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join("".join(text) for text in texts)


def result(printed: str, name: str) -> float:
    return float(re.search(rf"^{name} = ([\d.,]+)", printed, re.MULTILINE)[1].replace(",", ""))


def test_the_memo_quotes_only_numbers_that_the_run_printed(cells, printed):
    (memo,) = ("".join(c["source"]) for c in cells if "I recommend" in "".join(c["source"]))
    memo = " ".join(memo.split())
    quoted = re.findall(r"-?\d[\d,.]*(?: [mu]s)? \[[^\]]*\]", memo)
    assert len(quoted) >= 4
    assert [number for number in quoted if number not in printed] == []


def test_every_row_agrees_with_scikit_learn(printed):
    """The validation digits and three times 1,000 rows that were drawn."""
    assert result(printed, "agreeing_rows") == 357 + 3 * 1000


def test_bounds_hold_and_the_widest_codes_lose_nothing(printed):
    assert re.search(r"scores beyond their bounds: 0\b", printed)
    table = printed[printed.index("bits  step  certified") :].splitlines()[1:6]
    assert [line.split()[-1] for line in table] == ["0"] * 5
    assert table[4].split()[:3] == ["5", "0.5", "1"]  # certified: all
    assert result(printed, "certified_share") <= result(printed, "unchanged_share")


def test_counted_results_go_where_the_text_says(printed):
    assert result(printed, "lines_framed") < result(printed, "lines_depth_first")
    assert result(printed, "float_factor") > 1
    assert result(printed, "accumulator_bits") == 12
    assert result(printed, "bound_factor") > 1
