"""The open checks of exercise 2.12: two groups of small tensors, and times in whole seconds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.counting import formulas

Groups = Sequence[Sequence[tuple[int, ...]]]
NAMES = ("all_reduce", "all_gather", "reduce_scatter")
# Some ten operations in float64, each right to 2.2e-16 of itself: written in another order the
# same sum differs by less than 1e-14 of itself.
RELATIVE = 1e-9
SMALL: Groups = [[(5, 2)], [(4, 3), (3,)]]


def judge_bytes(
    student: Student, strategy: str, *, groups: Groups, ranks: int, element_bytes: int = 4
) -> None:
    """Assert the payload of each collective, the likeliest mistake first."""
    got = student.collective_bytes(strategy, groups, ranks, element_bytes)
    what = f"{strategy}, {ranks} ranks"
    have = as_named(got, what=what)
    want = expected_bytes(strategy, groups, ranks=ranks, element_bytes=element_bytes)
    unpadded = expected_bytes(strategy, groups, ranks=1, element_bytes=element_bytes)
    assert have == want or have != unpadded, (
        f"{what}: your bytes are those without padding; rows are filled up to a multiple of {ranks}"
    )
    for name in NAMES:
        assert have[name] == want[name], (
            f"{what}: {name} carries {want[name]:,} B in a step; yours {have[name]:,.10g}"
        )


def as_named(got: Any, *, what: str) -> dict[str, float]:
    """Return an answer as a dict of numbers by the three names, or say what it is instead."""
    assert isinstance(got, dict), f"{what}: a dict is asked for; yours is a {type(got).__name__}"
    missing = [name for name in NAMES if name not in got]
    assert not missing, f"{what}: the answer lacks {', '.join(missing)}; write 0 for what is unused"
    strange = [name for name in got if name not in NAMES]
    assert not strange, f"{what}: {evidence.brief(strange)} is none of {', '.join(NAMES)}"
    return {name: as_number(got[name], what=f"{what}, {name}") for name in NAMES}


def as_number(got: Any, *, what: str) -> float:
    """Return an answer as a number, or say what it is instead."""
    is_scalar = isinstance(got, np.ndarray) and got.ndim == 0
    is_number = is_scalar or (isinstance(got, int | float) and not isinstance(got, bool))
    assert is_number, f"{what}: a number is asked for; yours is {evidence.brief(got)}"
    return float(got)


def expected_bytes(
    strategy: str, groups: Groups, *, ranks: int, element_bytes: int
) -> dict[str, int]:
    """Return the payloads as fake ranks count them."""
    pad = ranks if strategy == "fsdp2" else 1
    first, *rest = (element_bytes * formulas.elements(group, ranks=pad) for group in groups)
    if strategy == "ddp":
        return {"all_reduce": first + sum(rest), "all_gather": 0, "reduce_scatter": 0}
    return dict(zip(NAMES, (0, first + 2 * sum(rest), first + sum(rest)), strict=True))


def judge_held(
    student: Student, strategy: str, *, groups: Groups, ranks: int, element_bytes: int = 4
) -> None:
    """Assert the bytes that a rank holds."""
    what = f"{strategy}, {ranks} ranks"
    have = as_number(student.bytes_held(strategy, groups, ranks, element_bytes), what=what)
    want = expected_held(strategy, groups, ranks=ranks, element_bytes=element_bytes)
    assert have * 4 != want, f"{what}: these are the weights alone; a rank holds four such copies"
    assert have == want, f"{what}: a rank holds {want:,} B; yours {have:,.10g}"


def expected_held(strategy: str, groups: Groups, *, ranks: int, element_bytes: int) -> int:
    """Return what fake ranks hold."""
    share = ranks if strategy == "fsdp2" else 1
    held = sum(formulas.elements(group, ranks=share) for group in groups) // share
    return 4 * element_bytes * held


def judge_time(
    student: Student, job: Mapping[str, Any], *, machine: Mapping[str, float], is_overlapped: bool
) -> None:
    """Assert the time of a step.

    Parameters
    ----------
    student
        Whose `step_time_s` is called.
    job
        ``parameters``, ``tokens``, ``collectives`` and ``ranks``.
    machine
        ``flop_per_s``, ``alpha_s`` and ``bytes_per_s``.
    is_overlapped
        As for the student's function.
    """
    arguments = (job["parameters"], job["tokens"], dict(job["collectives"]), job["ranks"])
    got = student.step_time_s(*arguments, dict(machine), is_overlapped)
    compute_s, sending_s = expected_parts_s(job, machine)
    want_s = max(compute_s, sending_s) if is_overlapped else compute_s + sending_s
    how = "overlapped" if is_overlapped else "one after the other"
    what = f"{how}, {job['ranks']} ranks"
    have_s = as_number(got, what=what)
    assert abs(have_s - want_s) <= RELATIVE * want_s, (
        f"{what}: computing takes {compute_s:.6g} s and sending {sending_s:.6g} s, so the step "
        f"{want_s:.6g} s; yours {have_s:.6g} s"
    )


def expected_parts_s(job: Mapping[str, Any], machine: Mapping[str, float]) -> tuple[float, float]:
    """Return the time to compute and the time to send [s]."""
    ranks, sending_s = job["ranks"], 0.0
    for name, (calls, payload) in job["collectives"].items():
        rounds = (ranks - 1) * (2 if name == "all_reduce" else 1)
        sending_s += calls * rounds * machine["alpha_s"]
        sending_s += payload * rounds / ranks / machine["bytes_per_s"]
    return 6 * job["parameters"] * job["tokens"] / machine["flop_per_s"], sending_s


@check("2.12", sentence="With `ddp` every gradient is all-reduced once and nothing else is sent.")
def two_groups_with_ddp(student: Student, rng: np.random.Generator) -> None:
    """Count 25 elements of 4 bytes."""
    _show(student, "ddp")
    judge_bytes(student, "ddp", groups=SMALL, ranks=4)


@check(
    "2.12",
    sentence="With `fsdp2` the rows of each tensor, its first dimension, are padded to a multiple "
    "of the ranks; padding is sent and held like the rest.",
)
def two_groups_with_fsdp2(student: Student, rng: np.random.Generator) -> None:
    """Pad 5 rows to 8 and 3 to 4: both groups then have 16 elements, 64 bytes."""
    _show(student, "fsdp2")
    judge_bytes(student, "fsdp2", groups=SMALL, ranks=4)


def _show(student: Student, strategy: str) -> None:
    want = expected_bytes(strategy, SMALL, ranks=4, element_bytes=4)
    got = student.collective_bytes(strategy, SMALL, 4, 4)
    yours = got if isinstance(got, dict) else {}
    evidence.table(
        [
            {"collective": name, "bytes by hand": want[name], "yours": yours.get(name, "missing")}
            for name in NAMES
        ]
    )


@check(
    "2.12",
    sentence="A rank holds four copies of its part of the weights: weights, gradients, and the two "
    "moments of AdamW.",
)
def held_by_one_of_four(student: Student, rng: np.random.Generator) -> None:
    """Hold all 25 elements four times, or the 8 of a rank's own rows."""
    rows = [
        {
            "strategy": strategy,
            "bytes by hand": expected_held(strategy, SMALL, ranks=4, element_bytes=4),
            "yours": student.bytes_held(strategy, SMALL, 4, 4),
        }
        for strategy in ("ddp", "fsdp2")
    ]
    evidence.table(rows)
    for strategy in ("ddp", "fsdp2"):
        judge_held(student, strategy, groups=SMALL, ranks=4)


@check(
    "2.12",
    sentence="On N ranks a call sends N - 1 messages one after the other, an all-reduce 2 (N - 1); "
    "each costs `alpha_s`, and carries 1/N of the call's payload.",
)
def whole_seconds(student: Student, rng: np.random.Generator) -> None:
    """Compute 6 s; send 3 calls of 4 messages: 6 s of latency and 32 s for 3,200 bytes."""
    machine = {"flop_per_s": 100.0, "alpha_s": 0.5, "bytes_per_s": 100.0}
    job = {"parameters": 20, "tokens": 5, "collectives": {"all_gather": (3, 4000)}, "ranks": 5}
    both = {"parameters": 20, "tokens": 5, "collectives": {"all_reduce": (1, 1000)}, "ranks": 5}
    shown = []
    for name, each in (("3 all-gathers, 4,000 B", job), ("1 all-reduce, 1,000 B", both)):
        compute_s, sending_s = expected_parts_s(each, machine)
        arguments = (each["parameters"], each["tokens"], each["collectives"], each["ranks"])
        got = student.step_time_s(*arguments, machine, False)
        shown.append(
            {
                "sent by 5 ranks": name,
                "computing [s]": compute_s,
                "sending [s]": sending_s,
                "yours, together [s]": got,
            }
        )
    evidence.table(shown)
    for each in (job, both):
        for is_overlapped in (False, True):
            judge_time(student, each, machine=machine, is_overlapped=is_overlapped)
