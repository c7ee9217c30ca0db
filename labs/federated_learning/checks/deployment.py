"""The open checks of exercise 3.10: lives, answers and accuracies that can be followed by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

Life = Sequence[tuple[float, str]]
COUNTS = ("good", "failed", "silent")


def judge_action(
    student: Student, life: Life, *, now_s: float, want: str, **options: float
) -> dict[str, Any]:
    """Assert what is done about one life, and return a row of a table."""
    got = student.next_action([list(entry) for entry in life], now_s, **options)
    at_s, last = life[-1]
    what = f"{last} at {at_s:g} s, now {now_s:g} s"
    refused = sum(event == "refused" for _, event in life)
    what += f", {refused} refusals in this life" if refused else ""
    assert got == want, f"{what}: {want!r}, you say {got!r:.40}"
    return {"last": last, "at [s]": at_s, "now [s]": now_s, "yours": got}


def judge_counts(
    student: Student,
    asked: Sequence[int],
    *,
    answers: Sequence[Mapping[str, Any]],
    want: Sequence[int],
) -> None:
    """Assert the three numbers of a round: good, failed and silent."""
    got = student.count_answers(list(asked), [dict(answer) for answer in answers])
    assert isinstance(got, dict), f"return a dict with {', '.join(COUNTS)}, not {got!r:.40}"
    assert set(got) == set(COUNTS), f"the dict has {', '.join(COUNTS)}; yours {sorted(got)}"
    for name, number in zip(COUNTS, want, strict=True):
        assert got[name] == number, (
            f"asked {list(asked)}, answers from {[a['client'] for a in answers]}: {number} are "
            f"{name}, you count {got[name]!r:.20}"
        )


def judge_round(
    student: Student,
    accuracies: Mapping[int, float],
    *,
    saved: Sequence[int],
    tolerance: float,
    want: int | None,
) -> None:
    """Assert the round that is gone back to."""
    got = student.roll_back(dict(accuracies), list(saved), tolerance)
    assert got == want and (got is None) == (want is None), (  # noqa: PT018 - one sentence
        f"accuracies {dict(accuracies)}, saved {list(saved)}, tolerance {tolerance:g}: "
        f"round {want}, you say {got!r:.40}"
    )


def answer(client: int, *, samples: int = 100, error: str = "") -> dict[str, Any]:
    """Return an answer as the server writes it down."""
    return {"client": client, "samples": samples, "error": error}


@check(
    "3.10",
    sentence="A node whose last event is online is left alone; a lost one is restarted at once.",
)
def online_and_lost(student: Student, rng: np.random.Generator) -> None:
    """Ask about a node that is there, and about one that has just gone."""
    life = [(0.0, "started"), (6.0, "online")]
    rows = [
        judge_action(student, life, now_s=500.0, want="wait"),
        judge_action(student, [*life, (24.0, "lost")], now_s=24.0, want="restart"),
    ]
    evidence.table(rows)


@check(
    "3.10",
    sentence="After the k-th refusal in a row a restart is due min(first_s * 2^(k - 1), most_s) "
    "seconds after that refusal; until then, wait.",
)
def the_table_above(student: Student, rng: np.random.Generator) -> None:
    """Follow the life of the table."""
    life: list[tuple[float, str]] = [(10.0, "online"), (24.0, "lost"), (24.0, "started")]
    life.append((29.0, "refused"))
    rows = [
        judge_action(student, life, now_s=30.0, want="wait"),
        judge_action(student, life, now_s=31.0, want="restart"),
    ]
    life += [(31.0, "started"), (36.0, "refused")]
    rows += [
        judge_action(student, life, now_s=39.0, want="wait"),
        judge_action(student, life, now_s=40.0, want="restart"),
    ]
    evidence.table(rows)


@check("3.10", sentence="After `tries` refusals in a row, give up.", weight=0.5)
def three_tries(student: Student, rng: np.random.Generator) -> None:
    """Refuse a node three times, with three tries and with four."""
    life: list[tuple[float, str]] = [(0.0, "online"), (1.0, "lost")]
    for turn in range(3):
        life += [(10.0 * turn + 2, "started"), (10.0 * turn + 5, "refused")]
    judge_action(student, life, now_s=25.0, want="give up", tries=3)
    judge_action(student, life, now_s=25.0, want="wait", tries=4)


@check(
    "3.10",
    sentence="Each client that was asked counts once, by its first answer; without any it is "
    "silent.",
)
def one_of_three_is_silent(student: Student, rng: np.random.Generator) -> None:
    """Ask three clients; two answer, one of them twice."""
    answers = [answer(0), answer(2), answer(2)]
    evidence.table([*answers])
    judge_counts(student, [0, 1, 2], answers=answers, want=(2, 0, 1))


@check("3.10", sentence="An answer with an error, or trained on no sample, is failed.", weight=0.5)
def an_error_and_no_sample(student: Student, rng: np.random.Generator) -> None:
    """Take one good answer, one with an error and one without samples."""
    answers = [answer(0), answer(1, error="Node Unavailable"), answer(2, samples=0)]
    judge_counts(student, [0, 1, 2], answers=answers, want=(1, 2, 0))


@check(
    "3.10",
    sentence="It is the latest saved round that is at most `tolerance` below the best saved one.",
)
def back_by_one(student: Student, rng: np.random.Generator) -> None:
    """Spoil the last of four rounds."""
    accuracies = {0: 0.125, 1: 0.5, 2: 0.75, 3: 0.6875, 4: 0.25}
    evidence.table([{"round": each, "accuracy": a} for each, a in accuracies.items()])
    for tolerance, want in ((0.0, 2), (0.125, 3), (0.5, 4)):
        judge_round(student, accuracies, saved=[0, 1, 2, 3, 4], tolerance=tolerance, want=want)
