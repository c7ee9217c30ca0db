"""The open checks of exercise 7.4: one queue a sentence, small enough to follow."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

Rows = Sequence[Mapping[str, Any]]
Decision = dict[str, list[int]]


def queue(*sizes: tuple[int, int], first: int = 0) -> list[dict[str, int]]:
    """Return waiting requests with these prompts and outputs, numbered from `first`."""
    return [{"id": first + i, "prompt": p, "output": o} for i, (p, o) in enumerate(sizes)]


def batch(*sizes: tuple[int, int, int], first: int = 50) -> list[dict[str, int]]:
    """Return running requests with prompts, outputs and tokens made, numbered from `first`."""
    named = queue(*((prompt, output) for prompt, output, _ in sizes), first=first)
    return [{**each, "made": made} for each, (_, _, made) in zip(named, sizes, strict=True)]


def decide(waiting: Rows, running: Rows, *, cache_tokens: int, most_running: int) -> Decision:
    """Return the decision by giving the queue one place after the other."""
    leave = [r["id"] for r in running if r["made"] >= r["output"]]
    used = [r["prompt"] + r["output"] for r in running if r["id"] not in leave]
    refuse = [r["id"] for r in waiting if r["prompt"] + r["output"] > cache_tokens]
    admit: list[int] = []
    for each in (r for r in waiting if r["id"] not in refuse):
        used.append(each["prompt"] + each["output"])
        if sum(used) > cache_tokens or len(used) > most_running:
            break
        admit.append(each["id"])
    return {"leave": leave, "admit": admit, "refuse": refuse}


def judge(
    student: Student, waiting: Rows, *, running: Rows, capacity: tuple[int, int], what: str
) -> None:
    """Assert a decision; `capacity` is tokens and places, `what` says which queue this is."""
    how = {"cache_tokens": capacity[0], "most_running": capacity[1]}
    want = decide(waiting, running, **how)
    got = student.schedule(list(waiting), list(running), **how)
    form = f"the answer is a dict with leave, admit and refuse, yours is {evidence.brief(got)}"
    assert isinstance(got, dict), form
    assert set(got) == set(want), form
    evidence.table([{"list": name, "expected": want[name], "yours": got[name]} for name in want])
    assert_equal(sorted(got["leave"]), sorted(want["leave"]), what=f"{what}: who leaves")
    assert_equal(sorted(got["refuse"]), sorted(want["refuse"]), what=f"{what}: who is refused")
    assert_equal(got["admit"], want["admit"], what=f"{what}: who is admitted")


@check("7.4", sentence="At most `most_running` requests run at once.")
def empty_server(student: Student, rng: np.random.Generator) -> None:
    """Let four wait before an empty server with three places, and then with none free."""
    four = queue((4, 4), (4, 4), (4, 4), (4, 4))
    judge(student, four, running=[], capacity=(1000, 3), what="four wait, three places")
    busy = batch((4, 4, 1), (4, 4, 2), (4, 4, 3))
    judge(student, four, running=busy, capacity=(1000, 3), what="three run in three places")
    judge(student, [], running=[], capacity=(1000, 3), what="nobody is there")


@check(
    "7.4",
    sentence="A running request that has made all of its output leaves, and frees its place and "
    "its tokens for this very step.",
)
def one_is_done(student: Student, rng: np.random.Generator) -> None:
    """Let one of two be done: its place and its tokens go to the next, in the same step."""
    running = batch((4, 4, 4), (4, 9, 4))
    judge(student, queue((5, 3)), running=running, capacity=(21, 2), what="one of two is done")


@check(
    "7.4",
    sentence="A request reserves its prompt and its output in the cache, and all that run may "
    "reserve at most `cache_tokens` together.",
)
def budget_of_tokens(student: Student, rng: np.random.Generator) -> None:
    """Reserve 13 of 30 tokens; two of 8 fit beside them, three do not, and 17 fill it exactly."""
    running = batch((4, 9, 1))
    three = queue((5, 3), (5, 3), (5, 3))
    judge(student, three, running=running, capacity=(30, 8), what="17 tokens are free")
    judge(
        student, queue((9, 8)), running=running, capacity=(30, 8), what="a request fills the cache"
    )


@check(
    "7.4",
    sentence="Who came first is admitted first: if the first in the queue does not fit yet, "
    "nobody behind it comes in.",
)
def nobody_overtakes(student: Student, rng: np.random.Generator) -> None:
    """Let a large request wait in front of small ones that would fit."""
    running = batch((4, 9, 1))
    waiting = queue((10, 10), (2, 2), (2, 2))
    judge(student, waiting, running=running, capacity=(30, 8), what="the first does not fit yet")


@check(
    "7.4",
    sentence="A request that needs more than the whole cache is refused at once, wherever it "
    "stands, and holds nobody up.",
)
def never_fits(student: Student, rng: np.random.Generator) -> None:
    """Let requests that are larger than the cache wait at the front and at the end."""
    waiting = queue((4, 4), (20, 20), (4, 4), (20, 11), (20, 10))
    judge(
        student, waiting, running=[], capacity=(30, 8), what="some need more than the whole cache"
    )
    judge(student, waiting, running=[], capacity=(30, 1), what="they stand behind one that waits")
