"""A journal that is read while it is written, and weights that are whole or not there."""

from pathlib import Path

import numpy as np
import pytest

from labs.federated_learning.flower.journal import EVENTS, Journal


def test_events_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new")
    assert journal.read() == []
    written = [journal.write("asked", round=1, clients=[0, 2]), journal.write("finished")]
    assert journal.read() == written
    assert journal.read(1) == written[1:]
    assert written[0]["at_s"] <= written[1]["at_s"]


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("asked", round=1)
    path = tmp_path / EVENTS
    whole = path.read_text()
    path.write_text(whole + whole[: len(whole) // 2])
    assert [event["round"] for event in journal.read()] == [1]


def test_weights_of_rounds(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for round_ in (10, 0, 9):
        journal.save(round_, np.full(3, round_, np.float32))
    assert journal.rounds() == [0, 9, 10]
    assert journal.load(9).tolist() == [9, 9, 9]
    assert journal.forget_after(9) == [10]
    assert journal.rounds() == [0, 9]


@pytest.mark.parametrize("what", ["load", "forget_after"])
def test_weights_that_are_missing(tmp_path: Path, what: str) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(ValueError, match="no weights of round 2; there are those of no round"):
        getattr(journal, what)(2)
    journal.save(1, np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="there are those of 1"):
        getattr(journal, what)(2)


def test_a_writer_that_was_killed_leaves_no_half_weights(tmp_path: Path) -> None:
    (tmp_path / "round_00001.part").write_bytes(b"half")
    assert Journal(tmp_path).rounds() == []
