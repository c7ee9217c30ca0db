"""What the executed reference says, and what is said about it."""

import base64
import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT

ROOT = LABS_ROOT.parent
REFERENCE = ROOT / "grading" / "answers" / "quickstart" / "reference.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["cells"]


def printed(cells) -> str:
    texts = []
    for cell in cells:
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join("".join(text) for text in texts)


def test_the_model_answer_quotes_only_numbers_that_the_run_printed(cells):
    (answer,) = (
        "".join(c["source"]) for c in cells if "I ship the version" in "".join(c["source"])
    )
    quoted = re.findall(r"-?\d[\d,.]*\d(?: B| \[[^\]]*\])", answer)
    assert len(quoted) >= 4
    assert [number for number in quoted if number not in printed(cells)] == []


def test_the_picture_of_the_readme_is_the_one_that_the_run_drew(cells):
    (images,) = (
        [output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output["data"]]
        for cell in cells
        if "plots.pareto_front(" in "".join(cell["source"]) and cell["cell_type"] == "code"
    )
    picture = (ROOT / "docs" / "quickstart.png").read_bytes()
    assert base64.b64decode(images[-1]) == picture, "run: python docs/picture.py"


def test_student_and_library_counts_agree_in_the_run(cells):
    (line,) = re.findall(r"by hand (\(.*?\)) and counted (\(.*?\))", printed(cells))
    assert line[0] == line[1]
