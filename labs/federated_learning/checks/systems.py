"""The open checks of exercise 3.5: rounds of five phones that can be followed by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.federated_learning import waiting

# A sum of fewer than 100 durations is right to 1e-14, a power to a few 1e-16; either may be taken
# by another way.
RELATIVE = 1e-9


def judge_kept(got: Any, durations: Sequence[float], *, wanted: int, deadline_s: float) -> None:
    """Assert who is kept, in which order.

    Parameters
    ----------
    got
        What the student's function returned.
    durations, wanted, deadline_s
        What it was given.
    """
    what = f"kept of {list(durations)}, {wanted} wanted, deadline {deadline_s:g} s"
    assert_equal(got, waiting.kept(durations, wanted, deadline_s), what=what)


def judge_round(got: Any, durations: Sequence[float], *, wanted: int, deadline_s: float) -> None:
    """Assert all three values of a round; see `judge_kept`.

    Parameters
    ----------
    got
        What the student's function returned.
    durations, wanted, deadline_s
        What it was given.
    """
    want = waiting.simulate_round(durations, wanted, deadline_s)
    what = f"of {list(durations)}, {wanted} wanted, deadline {deadline_s:g} s"
    assert isinstance(got, dict), f"return a dict with kept, round_s and wasted_s; got {got!r:.40}"
    assert set(got) == set(want), f"the dict has {sorted(want)}; yours {sorted(map(str, got))}"
    assert_equal(got["kept"], want["kept"], what=f"kept {what}")
    assert_equal(got["round_s"], want["round_s"], what=f"round_s {what}", relative=RELATIVE)
    off = abs(float(got["wasted_s"]) - want["wasted_s"])
    # Against all work, of which the wasted may be what is left after a subtraction.
    assert off <= RELATIVE * len(durations) * want["round_s"], (
        f"wasted_s {what}: expected {want['wasted_s']:g}, you have {got['wasted_s']:g}"
    )


def judge_staleness(student: Student, staleness: Any, *, a: float) -> None:
    """Assert weights and their shape.

    Parameters
    ----------
    student
        Has `staleness_weight`.
    staleness
        A number or an array.
    a
        Exponent.
    """
    got = student.staleness_weight(staleness, a)
    want = waiting.staleness_weight(staleness, a)
    what = f"weights of staleness {np.asarray(staleness).tolist()} at a = {a:g}"
    have = np.asarray(got)
    assert have.shape == want.shape, f"{what}: shape {want.shape}; yours {have.shape}"
    assert have.dtype.kind in "iuf", f"{what}: give numbers, not {have.dtype}"
    # Each against itself: small weights beside large ones are to be right as well.
    is_right = np.abs(have - want) <= RELATIVE * want
    assert is_right.all(), f"{what}: expected {want.tolist()}, you have {have.tolist()}"


def _show(got: Any, durations: Sequence[float]) -> None:
    chosen = got.get("kept", []) if isinstance(got, dict) else got
    order = {int(c): at for at, c in enumerate(np.ravel(np.asarray(chosen, dtype=int)), 1)}
    evidence.table(
        [
            {"client": c, "done after [s]": float(each), "yours keeps it as number": order.get(c)}
            for c, each in enumerate(durations)
        ]
    )


@check(
    "3.5",
    sentence="`kept` lists the clients that are done first, in the order in which they finish, at "
    "most `wanted` of them; of equals the lower position is first.",
)
def first_three_of_five(student: Student, rng: np.random.Generator) -> None:
    """Show five phones of which three are enough, two of them equally fast."""
    durations = rng.permutation([20.0, 50, 30, 30, 90]).tolist()
    got = student.kept(durations, 3, 1e6)
    _show(got, durations)
    judge_kept(got, durations, wanted=3, deadline_s=1e6)
    judge_kept(student.kept(durations, 2, 1e6), durations, wanted=2, deadline_s=1e6)


@check(
    "3.5",
    sentence="Who is done exactly at the deadline is kept, who is later is not, and who never "
    "answers, after inf seconds, never is.",
)
def deadlines(student: Student, rng: np.random.Generator) -> None:
    """Set a deadline that one phone just meets, then none at all."""
    durations = rng.permutation([20.0, 61, 60, np.inf, 90]).tolist()
    got = student.kept(durations, 5, 60.0)
    _show(got, durations)
    judge_kept(got, durations, wanted=5, deadline_s=60.0)
    judge_kept(student.kept(durations, 5, np.inf), durations, wanted=5, deadline_s=np.inf)


@check(
    "3.5",
    sentence="A round ends when the last wanted update is there; if too few come in time, it ends "
    "at the deadline.",
)
def end_of_a_round(student: Student, rng: np.random.Generator) -> None:
    """Show the same phones with enough and with too few in time."""
    durations = rng.permutation([20.0, 50, 35, 70, 90]).tolist()
    for wanted, deadline_s in ((3, 60.0), (4, 60.0), (5, 200.0)):
        got = student.simulate_round(durations, wanted, deadline_s)
        _show(got, durations)
        judge_round(got, durations, wanted=wanted, deadline_s=deadline_s)


@check(
    "3.5",
    sentence="Everyone who is not kept worked in vain until the round was over; `wasted_s` adds "
    "that up.",
)
def two_who_worked_in_vain(student: Student, rng: np.random.Generator) -> None:
    """Let one that is never done work in vain, and one of two that finish together."""
    for durations in ([10.0, 40.0, 40.0, np.inf], [25.0, 25.0, 25.0, 80.0]):
        got = student.simulate_round(durations, 2, 60.0)
        _show(got, durations)
        judge_round(got, durations, wanted=2, deadline_s=60.0)


@check(
    "3.5",
    sentence="`staleness_weight` is (1 + staleness)^-a; an array gives an array of its shape.",
)
def three_weights(student: Student, rng: np.random.Generator) -> None:
    """Weigh updates that are 0, 3 and 8 changes late."""
    staleness = np.array([0, 3, 8])
    got = np.ravel(np.asarray(student.staleness_weight(staleness, 0.5)))
    evidence.table(
        [
            {
                "staleness": int(each),
                "weight": float(want),
                "yours": float(got[at]) if len(got) == 3 else None,
            }
            for at, (each, want) in enumerate(
                zip(staleness, waiting.staleness_weight(staleness, 0.5), strict=True)
            )
        ]
    )
    judge_staleness(student, staleness, a=0.5)
    judge_staleness(student, 3, a=1.0)
