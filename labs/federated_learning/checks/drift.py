"""The open checks of exercise 3.4: clients with parabolas, and two rounds of the server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Callback, Student, callback

Array = NDArray[np.float64]
# All arrays are float64: a few hundred roundings of 1e-16 each, relative to the numbers that are
# added, stay far below 1e-12; float32 would miss by 1e-7.
RELATIVE = 1e-11


def judge_close(got: object, wanted: Array | float, *, size: Array | float, what: str) -> None:
    """Assert shape and values; names the first number that is off.

    Parameters
    ----------
    got, wanted
        The answer, and what it should be.
    size
        Of the numbers that were added, for all or for each.
    what
        Names them in the message.
    """
    target = np.asarray(wanted, np.float64)
    try:
        have = np.asarray(got, np.float64)
    except (TypeError, ValueError):
        raise AssertionError(f"{what}: give numbers, not {got!r:.40}") from None
    assert have.shape == target.shape, f"{what}: shape {target.shape}, yours {have.shape}"
    off = ~(np.abs(have - target) <= RELATIVE * size)
    if off.any():
        at = tuple(np.argwhere(off)[0].tolist())
        place = f", number {at[0]}," if at else ""
        raise AssertionError(f"{what}{place} is {target[at]:.10g}; yours {have[at]:.10g}")


def mean_cosine(updates: Array) -> float:
    """Return the mean cosine of all pairs of rows, a pair at a time."""
    total, pairs = 0.0, 0
    for i, one in enumerate(updates):
        for other in updates[:i]:
            length = float(np.sqrt((one @ one) * (other @ other)))
            total += float(one @ other) / length if length else 0.0
            pairs += 1
    return total / pairs


def judge_cosine(student: Student, updates: Array) -> None:
    """Assert the mean cosine of these updates, (clients, size)."""
    got = student.update_cosine(updates)
    what = f"the mean cosine of {len(updates)} updates"
    judge_close(got, mean_cosine(updates), size=10.0, what=what)


@dataclass(frozen=True)
class Round:
    """What a client is asked for.

    Parameters
    ----------
    start
        The weights that it is sent, (size,).
    steps, learning_rate
        Its work.
    mu
        Pull of FedProx.
    correction
        Of SCAFFOLD, (size,) or a number.
    """

    start: Array
    steps: int
    learning_rate: float
    mu: float = 0.0
    correction: Array | float = 0.0

    def places(self, gradient: Callable[[Array], Array]) -> list[Array]:
        """Return the weights before each step, and after the last."""
        places = [self.start]
        for _ in range(self.steps):
            here = places[-1]
            slope = gradient(here) + self.mu * (here - self.start) + self.correction
            places.append(here - self.learning_rate * slope)
        return places

    def ask(self, student: Student, gradient: Callable[[Array], Array]) -> tuple[Any, Callback]:
        """Return the student's weights, and the calls of `gradient`."""
        seen = callback(lambda weights: gradient(np.array(weights, np.float64)))
        got = student.client_steps(
            seen,
            self.start,
            steps=self.steps,
            learning_rate=self.learning_rate,
            mu=self.mu,
            correction=self.correction,
        )
        return got, seen


def judge_calls(asked: Round, seen: Callback, *, gradient: Callable[[Array], Array]) -> None:
    """Assert that `gradient` was called once a step, and where."""
    assert len(seen.calls) == asked.steps, (
        f"{asked.steps} steps call gradient {asked.steps} times; yours {len(seen.calls)}"
    )
    places = asked.places(gradient)
    for number, (call, place) in enumerate(zip(seen.calls, places, strict=False), 1):
        size = 1 + float(np.abs(places).max())
        judge_close(
            call[0], place, size=size, what=f"what gradient is called with in step {number}"
        )


def judge_end(asked: Round, got: object, *, gradient: Callable[[Array], Array]) -> None:
    """Assert the weights after the last step."""
    places = asked.places(gradient)
    size = 1 + float(np.abs(places).max())
    what = f"the weight after {asked.steps} steps with mu = {asked.mu:g}"
    judge_close(got, places[-1], size=size, what=what)


def judge_variate(
    student: Student, ends: tuple[Array, Array], *, work: Round, variates: tuple[Array, Array]
) -> None:
    """Assert a client's new variate, for weights before and after its steps."""
    start, end = ends
    got = student.new_variate(
        start, end, steps=work.steps, learning_rate=work.learning_rate, variates=variates
    )
    mean_slope = (start - end) / (work.steps * work.learning_rate)
    wanted = mean_slope + variates[1] - variates[0]
    size = 1 + float(np.abs([mean_slope, *variates]).max() + np.abs(ends).max())
    size /= min(1.0, work.steps * work.learning_rate)
    judge_close(got, wanted, size=size, what="the new variate")


def adam(weights: Array, update: Array, *, state: dict[str, Array], rate: float) -> Any:
    """Return weights and state after a step of FedAdam."""
    mean = 0.9 * state["mean"] + 0.1 * update
    square = 0.99 * state["square"] + 0.01 * update * update
    return weights + rate * mean / (np.sqrt(square) + 1e-3), {"mean": mean, "square": square}


def judge_adam(
    student: Student,
    updates: Sequence[Array],
    *,
    start: Array,
    state: dict[str, Array],
    rate: float,
) -> list[list[float]]:
    """Assert weights and state after each update, and return the weights; the student's go on.

    Parameters
    ----------
    student
        Whose `fed_adam` is asked.
    updates
        What the clients change the weights by on average, a round each.
    start, state
        Before the first round.
    rate
        Of the server.
    """
    weights, own, have = start, dict(state), start
    rows: list[list[float]] = []
    for number, update in enumerate(updates, 1):
        answer = student.fed_adam(have, update, state=own, learning_rate=rate)
        is_pair = isinstance(answer, tuple | list) and len(answer) == 2
        assert is_pair, "return two things: new weights, new state"
        have, own = answer
        before, old = weights, state
        weights, state = adam(weights, update, state=state, rate=rate)
        is_state = isinstance(own, dict) and set(own) == set(state)
        assert is_state, "the new state is a dict with mean and square"
        for name, wanted in state.items():
            added = update**2 if name == "square" else np.abs(update)
            size = np.abs(old[name]) + added
            judge_close(own[name], wanted, size=size, what=f"{name} after round {number}")
        size = np.abs(before) + np.abs(weights - before)
        judge_close(have, weights, size=size, what=f"the weights after round {number}")
        have, own = np.asarray(have, np.float64), {k: np.asarray(v) for k, v in own.items()}
        rows.append(weights.tolist())
    return rows


@check("3.4", sentence="It is the mean of the cosines of all pairs of different clients.")
def three_updates(student: Student, rng: np.random.Generator) -> None:
    """Compare two clients that agree with one that pulls the other way, of unlike lengths."""
    updates = np.array([[3.0, 4.0], [4.0, 3.0], [-6.0, -8.0]]) * rng.uniform(1, 2)
    got = student.update_cosine(updates)
    evidence.table(
        [
            {"clients": "1 and 2", "cosine": 0.96},
            {"clients": "1 and 3", "cosine": -1.0},
            {"clients": "2 and 3", "cosine": -0.96},
            {"clients": "their mean", "cosine": mean_cosine(updates), "yours": str(got)[:20]},
        ]
    )
    judge_cosine(student, updates)


@check("3.4", sentence="A client that did not move has cosine 0 with every other.", weight=0.5)
def one_did_not_move(student: Student, rng: np.random.Generator) -> None:
    """Put a client without any change among two others."""
    judge_cosine(student, np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]))


def bowl(curvature: float, centre: float) -> Callable[[Array], Array]:
    """Return the gradient of curvature / 2 (w - centre)^2."""
    return lambda weights: curvature * (weights - centre)


@check(
    "3.4",
    sentence="`gradient` is called once a step, with the weights of that step.",
)
def two_steps_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Watch where the gradient of 2 (w - 10)^2 is asked for."""
    asked, gradient = Round(np.zeros(1), steps=3, learning_rate=0.1), bowl(4, 10)
    _, seen = asked.ask(student, gradient)
    evidence.table(
        [
            {"step": i, "at": float(place[0]), "yours": str(call[0])[:20] if call else None}
            for i, (place, call) in enumerate(
                zip(asked.places(gradient)[:3], [*seen.calls, (), (), ()], strict=False), 1
            )
        ]
    )
    judge_calls(asked, seen, gradient=gradient)


@check(
    "3.4",
    sentence="A step changes the weights w by -`learning_rate` times the sum of the gradient, "
    "`mu` (w - `start`) and `correction`.",
    weight=2,
)
def pulled_and_corrected(student: Student, rng: np.random.Generator) -> None:
    """Ask for plain steps, FedProx, SCAFFOLD, and both at once."""
    gradient, start = bowl(4, 10), rng.integers(1, 5, 2).astype(float)
    correction = np.array([1.0, -2.0])
    rows = []
    cases = [
        Round(start, 3, 0.1),
        Round(start, 3, 0.1, mu=1.0),
        Round(start, 3, 0.1, correction=correction),
        Round(start, 3, 0.1, mu=0.5, correction=correction),
    ]
    answers = [(each, each.ask(student, gradient)[0]) for each in cases]
    for each, got in answers:
        end = each.places(gradient)[-1]
        rows.append(
            {
                "mu": each.mu,
                "correction": str(np.asarray(each.correction).tolist()),
                "ends at": str(np.round(end, 4).tolist()),
                "yours": str(got)[:30],
            }
        )
    evidence.table(rows)
    for each, got in answers:
        judge_end(each, got, gradient=gradient)


@check(
    "3.4",
    sentence="The new variate is (`start` - `end`) / (`steps` `learning_rate`) + c_i - c, "
    "where `variates` is (c, c_i).",
)
def a_variate_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Renew a variate from whole numbers."""
    ends = np.array([5.0, 1.0]), np.array([3.0, 2.0])
    work = Round(ends[0], steps=4, learning_rate=0.25)
    judge_variate(student, ends, work=work, variates=(np.array([1.0, 0.0]), np.array([0.0, 3.0])))


@check(
    "3.4",
    sentence="FedAdam: m is 0.9 of the old mean plus 0.1 of the update, v is 0.99 of the old "
    "square plus 0.01 of the squared update; nothing corrects them for their start.",
)
def two_rounds_of_adam(student: Student, rng: np.random.Generator) -> None:
    """Give two updates and compare means, squares and weights."""
    updates = [np.array([0.5, -0.02, 0.0]), np.array([-0.25, -0.02, 0.0])]
    state = {"mean": np.zeros(3), "square": np.full(3, 1e-6)}
    judge_adam(student, updates, start=np.ones(3), state=state, rate=0.1)


@check(
    "3.4",
    sentence="FedAdam: the weights grow by `learning_rate` m / (sqrt(v) + 0.001).",
)
def first_step_of_adam(student: Student, rng: np.random.Generator) -> None:
    """Give updates of a thousandth and of a thousand times that: see how alike the steps are."""
    updates = [np.array([0.001, 1.0])]
    state = {"mean": np.zeros(2), "square": np.zeros(2)}
    rows = judge_adam(student, updates, start=np.zeros(2), state=state, rate=0.1)
    evidence.table(
        [
            {"update": float(u), "weights grow by": round(w, 4)}
            for u, w in zip(updates[0], rows[0], strict=True)
        ]
    )
