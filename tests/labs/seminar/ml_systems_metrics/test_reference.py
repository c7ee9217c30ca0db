"""What the executed reference says, and what is said about it."""

import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT

ROOT = LABS_ROOT.parent
REFERENCE = ROOT / "grading" / "answers" / "ml_systems_metrics" / "reference.ipynb"


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
    quoted = re.findall(r"-?\d[\d,.]*(?: ms)? \[[^\]]*\]", memo)
    assert len(quoted) >= 4
    assert [number for number in quoted if number not in printed] == []


def test_counted_and_drawn_results_are_what_the_text_leads_to_expect(printed):
    assert result(printed, "fewest_for_p99") == 368  # 0.99^368 < 0.025 < 0.99^367
    # 3x3, 64 to 64, 25x5, int8: 4,608,000 MACs of 0.3 pJ; 9,216 + 2 * 2,000 words of 640 pJ.
    share = 4_608_000 * 0.3 / (4_608_000 * 0.3 + 13_216 * 640)
    assert result(printed, "arithmetic_share") == pytest.approx(share, rel=0.005)
    # 0.98 + 0.02 * 40, the usual mean 0.5 % above its median; 2,000 requests a repeat.
    assert result(printed, "tail_mean_factor") == pytest.approx(1.78, abs=0.15)


def test_far_memory_is_slower_than_near(printed):
    """On any machine: 4 KiB lie in the first level, the largest set does not."""
    assert result(printed, "far_load_ns") > result(printed, "near_load_ns")


def test_the_case_of_hdrhistogram_stands_in_the_notebook(printed):
    """HdrHistogram's test expects 1 ms as raw p99.99, and 50 s as corrected p75."""
    assert re.search(r"as recorded\s+10,001\s+0.011\s+0.001\s+0.001", printed)
    assert re.search(r"corrected\s+20,000\s+25\s+50\s+100", printed)


def test_the_hunt_finds_the_three_faults_and_acquits_the_fourth(printed):
    assert "test rows among the training rows: 150" in printed
    assert "story of the steps: accumulated" in printed
    assert "scores depend on company: True" in printed
