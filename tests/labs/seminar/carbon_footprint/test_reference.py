"""What the executed reference says, and what is said about it."""

import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT

REFERENCE = LABS_ROOT.parent / "grading/answers/carbon_footprint/reference.ipynb"


@pytest.fixture(scope="module")
def cells() -> list[dict]:
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def printed(cells: list[dict]) -> str:
    texts = []
    for cell in cells:
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join("".join(text) for text in texts)


def test_the_memo_quotes_only_numbers_that_the_run_printed(cells: list[dict], printed: str) -> None:
    (memo,) = (
        "".join(c["source"]) for c in cells if "I would replace later" in "".join(c["source"])
    )
    text = " ".join(memo.split())
    quoted = re.findall(r"\d+(?:\.\d+)? to \d+(?:\.\d+)?|\d+\.\d W", text)
    assert len(quoted) == 6
    assert [number for number in quoted if number not in printed] == []


def test_every_published_value_comes_out(printed: str) -> None:
    assert "published 1,523,137.7 g, here 1,523,137.7 g" in printed
    boards = re.findall(r"here +([\d.]+) kg, published +([\d.]+) kg", printed)
    assert len(boards) == 7
    years = re.findall(r"here ([\d.]+) years, published ([\d.]+)", printed)
    assert len(years) == 3
    tonnes = re.findall(r"here ([\d.]+) t, published ([\d.]+) t", printed)
    assert len(tonnes) == 4
    assert all(here == there for here, there in [*boards, *years, *tonnes])


def test_no_exercise_falls_back_to_what_was_given(printed: str) -> None:
    assert len(re.findall(r"from here on, your \w+ is used", printed)) == 8
    assert "the given" not in printed
