"""Firmware on emulated cores: counts by hand, wrong answers refused."""

import numpy as np
import pytest

from labs.seminar.inference_performance.contests import WrongAnswerError
from labs.seminar.inference_performance.microcontroller import Firmware, emulate

SOURCE = """
#include <stdint.h>
int last(const uint8_t *x) {
  int sum = 0;
  for (int i = 0; i < x[0]; i++) sum = (3 * sum + x[1]) & 7;
  return sum;
}
"""
ROWS = np.array([[0, 5], [3, 5], [3, 4], [9, 1]], dtype=np.uint8)
EXPECTED = [
    0,
    1,
    4,
    1,
]  # of 5: 5, 20 & 7 = 4, 17 & 7 = 1; of 4: 4, 0, 4; of 1: 1, 4, 5, 0, 1 and so on


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_every_row_is_answered_and_counted(core):
    found = emulate(Firmware("loop", SOURCE, "last", ROWS, EXPECTED), core)
    counts = [p.instructions for p in found.profiles]
    assert counts[0] < counts[1] < counts[3]  # none, three and nine additions
    assert found.instructions.value == pytest.approx(np.mean(counts))
    assert found.instructions.kind == "counted"
    low, high = found.cycles
    assert 0 < low <= high
    assert 0 < found.flash_bytes < 200
    assert found.ram_bytes >= ROWS.shape[1]
    told = found.on_board()
    assert told["program"] == "loop"
    assert "us [" in told["time"]
    assert "uJ [" in told["energy"]


def test_a_core_without_a_table_has_counts_and_no_time():
    found = emulate(Firmware("loop", SOURCE, "last", ROWS[:1], EXPECTED[:1]), "m4")
    assert found.instructions.low == found.instructions.high


def test_a_wrong_answer_names_its_row():
    wrong = np.array([0, 2, 4, 1])
    with pytest.raises(WrongAnswerError, match="loop on Cortex-M4 answers 1 for row 1, where 2"):
        emulate(Firmware("loop", SOURCE, "last", ROWS, wrong), "m4")
