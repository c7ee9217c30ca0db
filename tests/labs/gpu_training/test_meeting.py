"""Ranks that meet: sums as numpy has them; what would hang becomes a sentence."""

import numpy as np
import pytest

from labs.gpu_training.meeting import Meeting


def test_every_rank_gets_the_sum_of_its_kth_arrays() -> None:
    meeting = Meeting(3)

    def rank(number: int) -> list[float]:
        sums = [meeting.all_reduce(number)(np.array([float(number + k)])) for k in range(4)]
        return [float(total[0]) for total in sums]

    got = meeting.run([lambda n=n: rank(n) for n in range(3)])  # type: ignore[misc]
    assert got == [[3.0, 6.0, 9.0, 12.0]] * 3
    assert [len(sent) for sent in meeting.sent] == [4, 4, 4]


def test_what_was_sent_is_kept_as_it_was() -> None:
    meeting, array = Meeting(1), np.ones(2, np.float16)
    meeting.all_reduce(0)(array)
    array[:] = 7
    assert meeting.sent[0][0].tolist() == [1.0, 1.0]
    assert meeting.sent[0][0].dtype == np.float16


def test_tickets_may_be_asked_in_any_order() -> None:
    meeting = Meeting(2)

    def rank(number: int) -> list[float]:
        tickets = [meeting.start(number)(np.array([10.0**k])) for k in range(3)]
        return [float(meeting.wait(number)(ticket)[0]) for ticket in tickets[::-1]]

    assert meeting.run([lambda: rank(0), lambda: rank(1)]) == [[200.0, 20.0, 2.0]] * 2


def test_a_rank_that_sends_less_does_not_hang_the_other() -> None:
    meeting = Meeting(2)
    calls = [lambda: meeting.all_reduce(0)(np.ones(1)), lambda: None]
    with pytest.raises(AssertionError, match="rank 1 ended after 0 messages"):
        meeting.run(calls)


def test_a_rank_that_raises_does_not_hang_the_other() -> None:
    meeting = Meeting(2)

    def fails() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        meeting.run([fails, lambda: meeting.all_reduce(1)(np.ones(1))])


def test_arrays_that_do_not_match_are_named() -> None:
    meeting = Meeting(2)
    calls = [lambda n=n: meeting.all_reduce(n)(np.ones(n + 1)) for n in range(2)]  # type: ignore[misc]
    with pytest.raises(AssertionError, match="mix them up"):
        meeting.run(calls)


@pytest.mark.parametrize("ticket", [3, -1, "x", None])
def test_a_ticket_that_nobody_gave_is_refused(ticket: object) -> None:
    with pytest.raises(AssertionError, match="ticket"):
        Meeting(1).wait(0)(ticket)


def test_only_arrays_are_sent() -> None:
    with pytest.raises(AssertionError, match="not a list"):
        Meeting(1).start(0)([1.0])
