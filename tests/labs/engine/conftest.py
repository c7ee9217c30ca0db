"""A notebook to be handed in, as a student who has worked on it would have it."""

import copy
import json
from typing import Any

import pytest

from labs.engine import catalog
from labs.engine.rebuild import Rebuilt, read_base, read_submitted, rebuild

CONV_COST = """\
# Exercise 0.1
def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    params = out_channels * (in_channels * kernel**2 + 1)
    places = -(-height // stride) * -(-width // stride)
    return params, places * out_channels * in_channels * kernel**2
"""
QUANTIZE = """\
# Exercise 0.2
def quantize(weights, bits):
    largest = 2 ** (bits - 1) - 1
    scale = float(np.abs(weights).max()) / largest or 1.0
    return np.rint(weights / scale).astype(int), scale
"""
TEXT = "#### Exercise 0.3\n\nI ship 4 bits: it loses 0.02."


class Sheet:
    """The notebook of a lab in a student's hands: cells are found by their id and changed."""

    def __init__(self, name: str) -> None:
        self.lab = catalog.find_lab(name)
        self.base = read_base(self.lab)
        self.content = copy.deepcopy(self.base.notebook)

    @property
    def cells(self) -> list[dict[str, Any]]:
        return self.content["cells"]

    def at(self, grade_id: str) -> int:
        """Position of the cell with a grade_id, or with a cell's id."""
        return next(
            n
            for n, cell in enumerate(self.cells)
            if grade_id in (cell["metadata"].get("nbgrader", {}).get("grade_id"), cell["id"])
        )

    def cell(self, grade_id: str) -> dict[str, Any]:
        return self.cells[self.at(grade_id)]

    def write(self, grade_id: str, source: str) -> dict[str, Any]:
        cell = self.cell(grade_id)
        cell["source"] = source
        return cell

    def insert(self, index: int, source: str, *, kind: str = "code", **fields: Any) -> None:
        cell = {"cell_type": kind, "id": f"new-{index}-{len(self.cells)}", "metadata": {}}
        self.cells.insert(index, {**cell, "source": source, "outputs": [], **fields})

    def bytes(self) -> bytes:
        return json.dumps(self.content).encode()

    def rebuilt(self) -> Rebuilt:
        return rebuild(self.lab, read_submitted(self.bytes()), base=self.base)


@pytest.fixture
def blank() -> Sheet:
    """The quickstart as it was handed out."""
    return Sheet("quickstart")


@pytest.fixture
def sheet(blank: Sheet) -> Sheet:
    """The quickstart with all three answers."""
    blank.write("answer-0-1", CONV_COST)
    blank.write("answer-0-2", QUANTIZE)
    blank.write("answer-0-3", TEXT)
    return blank


@pytest.fixture
def long_sheet() -> Sheet:
    """The microcontroller lab as it was handed out: exercises with several functions."""
    return Sheet("mcu_compression")
