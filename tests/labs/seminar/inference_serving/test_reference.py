"""What the executed reference says, and what is said about it."""

import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT
from labs.seminar.inference_serving.published import OPT_13B_REQUEST_GB, OPT_13B_TOKEN_KIB

REFERENCE = LABS_ROOT.parent / "grading" / "answers" / "inference_serving" / "reference.ipynb"
HEADING = "#### Exercise 7.8"
NUMBER = r"-?\d[\d,.]*(?:e-?\d+)?"


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


@pytest.fixture(scope="module")
def results(printed) -> dict[str, tuple[float, float, float]]:
    """Return value, low and high of each result that the run handed over."""
    pattern = rf"^(\w+) = ({NUMBER})[^\[\n(]*(?:\[({NUMBER}), ({NUMBER})\])?"
    found = {}
    for name, *numbers in re.findall(pattern, printed, re.MULTILINE):
        value, low, high = (float(x.replace(",", "")) if x else None for x in numbers)
        found[name] = (value, value if low is None else low, value if high is None else high)
    return found


def test_the_memo_quotes_only_numbers_that_the_run_printed(cells, printed):
    (memo,) = (
        " ".join("".join(cell["source"]).split())
        for cell in cells
        if cell["cell_type"] == "markdown" and "".join(cell["source"]).startswith(HEADING + "\n")
    )
    quoted = re.findall(rf"{NUMBER}(?: 1/s| ms)? \[[^\]]*\]", memo)
    assert len(quoted) >= 8
    assert [number for number in quoted if number not in printed] == []
    (objective,) = re.findall(r"objective of (\d+ ms)", memo)
    assert f"objective for the first token {objective}" in printed


def test_published_bytes_are_printed(printed):
    """Kwon and others, SOSP 2023: 800 KB a token and up to 1.6 GB a request of OPT-13B."""
    assert f"{OPT_13B_TOKEN_KIB} KiB a token of OPT-13B" in printed
    (longest,) = map(float, re.findall(r"a longest request: ([\d.]+) GB", printed))
    assert longest == pytest.approx(OPT_13B_REQUEST_GB, rel=0.05)
    assert "OPT-13B, float16: 819,200 B a token" in printed


def test_counted_results_by_hand(results):
    # medium: 6 layers of 8 heads of width 48; keys and values in float32, or int8 and a scale.
    assert results["cache_token_bytes"][0] == 2 * 6 * 384 * 4
    assert results["int8_bytes_share"][0] == pytest.approx((48 + 4) / (4 * 48), abs=5e-4)
    # Decode: two operations for each weight of 4 bytes; attention and cache hardly change that.
    assert results["decode_intensity_ops_per_byte"][0] == pytest.approx(0.5, abs=0.01)


def test_a_cache_differs_from_recomputing_by_rounding_alone(printed):
    pattern = r"float32: (\S+) with the cache, tolerance (\S+)\nfloat64: (\S+) with"
    ((off, tolerance, off_double),) = re.findall(pattern, printed)
    assert float(off) <= float(tolerance)
    assert float(off_double) <= float(tolerance) * 2**-29 * 2**4


def test_measured_and_modelled_results_are_what_the_text_says(results):
    assert results["cache_speedup"][1] > 1
    assert results["static_over_continuous"][1] > 1
    assert results["goodput_shed_items_per_s"][1] > results["goodput_all_items_per_s"][2]
    assert results["int8_bits_lost"][2] < 0.001
    # The machine is shared; a simulation that were wrong by a factor of three would show.
    assert 1 / 3 < results["real_over_simulated_gap"][0] < 3
    assert results["first_p95_ms"][0] > results["gap_p50_ms"][0] > 0


def test_two_policies_by_hand(printed):
    """Five requests, two places, 10 ms a step, prompts in steps of their own: counted by hand.

    Static: 0 and 1 are read until 20 and done at 90; 2 and 3 until 130; 4 from 140 to 170.
    Continuous: places are filled at 30, 60 and 80 ms, and the long one is done at 120.
    """
    assert "end_ms: 120 ms" in printed
