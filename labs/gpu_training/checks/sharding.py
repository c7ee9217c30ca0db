"""The open checks of exercise 2.9: a step of AdamW, a step on two ranks, and a published table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student, callback
from labs.gpu_training.sharded_state import PARTS, adamw, fresh_state, held_bytes

Array = NDArray[Any]
PUBLISHED_GB = {0: 120.0, 1: 31.4, 2: 16.6, 3: 1.9}  # ZeRO, arXiv:1910.02054, figure 1


# ---- AdamW


def judge_adamw(student: Student, gradients: Sequence[Array], *, start: Array, rate: float) -> None:
    """Assert weights and state after each of some steps; the student's own state goes on."""
    state, weights = fresh_state(len(start)), start
    wanted, wanted_state = start, fresh_state(len(start))
    for number, gradient in enumerate(gradients, 1):
        what = f"after step {number}"
        answer = student.adamw_update(weights, gradient, state=state, learning_rate=rate)
        wanted, wanted_state = adamw(wanted, gradient, state=wanted_state, learning_rate=rate)
        assert isinstance(answer, tuple | list), "return two things: new weights, new state"
        assert len(answer) == 2, "return two things: new weights, new state"
        got, state = answer
        assert isinstance(state, dict), "the new state is a dict with step, mean and square"
        assert set(state) == {"step", "mean", "square"}, (
            f"the state has step, mean and square; yours {sorted(map(str, state))}"
        )
        assert state["step"] == number, f"{what} the state counts {number} steps"
        # Of float32's 24 bits a few roundings a step take the last ones; those of a mean are as
        # large as the gradients, even where these cancel.
        size = 1e-6 * number * np.abs(np.stack(gradients[:number])).max(0)
        mean, square = wanted_state["mean"], wanted_state["square"]
        judge_within(state["mean"], mean, slack=size, what=f"mean {what}")
        judge_within(state["square"], square, slack=1e-5 * square, what=f"square {what}")
        # A weight is rounded by up to 6e-8 of itself in each of a few operations, and its change,
        # which is about the learning rate, by 1e-6 of itself.
        slack = number * (3e-7 * np.abs(wanted) + 1e-5 * rate)
        judge_within(got, wanted, slack=slack, what=f"the weights {what}")
        weights = np.asarray(got, np.float32)


def judge_within(got: object, wanted: Array, *, slack: Array, what: str) -> None:
    """Assert form and values; names the first number that is off."""
    have = np.asarray(got)
    assert have.shape == wanted.shape, f"{what}: shape {wanted.shape}, yours {have.shape}"
    assert have.dtype.kind in "iuf", f"{what}: give numbers, not {have.dtype}"
    is_right = np.abs(have.astype(np.float64) - wanted) <= slack  # false for NaN
    if not is_right.all():
        at = int(np.argmin(is_right))
        raise AssertionError(
            f"{what}: number {at} should be {wanted[at]:.7g}, you have {have[at]:.7g}"
        )


@check(
    "2.9",
    sentence="The new weights are those of AdamW with the formulas and constants above.",
)
def three_weights_one_step(student: Student, rng: np.random.Generator) -> None:
    """Change three weights by a first step, in which every weight moves by the learning rate."""
    start = np.array([1, -2, 0], np.float32)
    gradient = np.array([0.5, -0.001, 3], np.float32)
    wanted, _ = adamw(start, gradient, state=fresh_state(3), learning_rate=0.1)
    answer = student.adamw_update(start, gradient, state=fresh_state(3), learning_rate=0.1)
    new = np.ravel(np.asarray(answer[0], dtype=float)) if isinstance(answer, tuple | list) else ()
    evidence.table(
        [
            {
                "weight": float(start[i]),
                "gradient": float(gradient[i]),
                "new": float(wanted[i]),
                "yours": float(new[i]) if len(new) == 3 else None,
            }
            for i in range(3)
        ]
    )
    judge_adamw(student, [gradient], start=start, rate=0.1)


# ---- a step on several ranks


@dataclass
class Seen:
    """What one rank handed over in a step: the arguments of each function's calls."""

    reduce_scatter: list[Array] = field(default_factory=list)
    update: list[tuple[Array, Array]] = field(default_factory=list)
    all_gather: list[Array] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """Ranks that train together; the check plays all of them but one.

    Parameters
    ----------
    weights
        Before the step, (n,), float32.
    gradients
        One a rank, (ranks, n).
    change
        New weights of a piece, given the old ones, the mean gradient and the rank.
    """

    weights: Array
    gradients: Array
    change: Callable[[Array, Array, int], Array]

    @property
    def ranks(self) -> int:
        """How many there are."""
        return len(self.gradients)

    @property
    def piece(self) -> int:
        """Elements of each rank's piece."""
        return -(-len(self.weights) // self.ranks)

    def pieces(self, flat: Array) -> Array:
        """Return a flat array, padded with zeros, as (ranks, piece)."""
        padding = self.piece * self.ranks - len(flat)
        return np.pad(flat, (0, padding)).reshape(self.ranks, -1)

    def mean_gradient(self) -> Array:
        """Return the mean over the ranks, float32."""
        return np.asarray(self.gradients.astype(np.float64).mean(0).astype(np.float32))

    def wanted_pieces(self) -> Array:
        """Return the pieces of all ranks after the step."""
        old, mean = self.pieces(self.weights), self.pieces(self.mean_gradient())
        return np.stack([self.change(old[r], mean[r], r) for r in range(self.ranks)])

    def ask(self, student: Student, rank: int) -> tuple[Any, Seen]:
        """Return what the student's function gives on a rank, and what it handed over."""
        seen = Seen()
        got = student.zero1_step(
            self.weights,
            self.gradients[rank],
            place=(rank, self.ranks),
            update=callback(self._update(rank, seen)),
            reduce_scatter=callback(self._sum(rank, seen)),
            all_gather=callback(self._all(rank, seen)),
        )
        return got, seen

    def _sum(self, rank: int, seen: Seen) -> Callable[[Any], Array]:
        others = self.gradients.astype(np.float64).sum(0) - self.gradients[rank]

        def reduce_scatter(array: Any) -> Array:
            given = flat_array(array, "reduce_scatter")
            seen.reduce_scatter.append(given)
            assert len(given) == self.piece * self.ranks, (
                f"reduce_scatter got {len(given)} numbers for {self.ranks} ranks and "
                f"{len(self.weights)} weights; {self.piece * self.ranks} are enough and can be "
                "shared out evenly"
            )
            whole = self.pieces(others) + given.reshape(self.ranks, -1)
            return np.asarray(whole[rank].astype(given.dtype))

        return reduce_scatter

    def _update(self, rank: int, seen: Seen) -> Callable[[Any, Any], Array]:
        def update(weights: Any, gradient: Any) -> Array:
            pair = flat_array(weights, "update"), flat_array(gradient, "update")
            seen.update.append(pair)
            sizes = [len(part) for part in pair]
            assert sizes == [self.piece] * 2, (
                f"update is for this rank's piece alone: {self.piece} weights and as many mean "
                f"gradients; you gave {sizes[0]} and {sizes[1]}"
            )
            return self.change(*pair, rank)

        return update

    def _all(self, rank: int, seen: Seen) -> Callable[[Any], Array]:
        def all_gather(array: Any) -> Array:
            given = flat_array(array, "all_gather")
            seen.all_gather.append(given)
            assert len(given) == self.piece, (
                f"all_gather gets this rank's {self.piece} new weights; you gave {len(given)}"
            )
            pieces = self.wanted_pieces().astype(given.dtype)
            pieces[rank] = given
            return np.asarray(pieces.reshape(-1))

        return all_gather


def flat_array(value: Any, name: str) -> Array:
    """Return what a callback got as an array; refuses what is no flat array of numbers."""
    array = np.asarray(value)
    assert array.ndim == 1, f"{name} takes flat arrays; yours has the shape {array.shape}"
    assert array.dtype.kind == "f", f"{name} takes real numbers; yours are {array.dtype}"
    return array


def judge_calls(job: Job, seen: Seen) -> None:
    """Assert that each function was called once, and on a single rank at most once."""
    for name in ("reduce_scatter", "update", "all_gather"):
        calls = len(getattr(seen, name))
        least = 1 if job.ranks > 1 or name == "update" else 0  # alone there is nothing to send
        assert least <= calls <= 1, f"{name} is called once in a step; you called it {calls} times"


def judge_handed(job: Job, seen: Seen, *, rank: int) -> None:
    """Assert what was handed over: padded gradients, own weights with mean gradients, new piece."""
    judge_calls(job, seen)
    where = f"rank {rank} of {job.ranks}"
    padded = job.pieces(job.gradients[rank])
    for given in seen.reduce_scatter:
        same = bool((given == padded.reshape(-1)).all())
        assert same, f"{where}: reduce_scatter gets all gradients of this rank, then zeros"
    weights, gradient = seen.update[0]
    mean = job.pieces(job.mean_gradient().astype(np.float64))[rank]
    assert bool((weights == job.pieces(job.weights)[rank]).all()), (
        f"{where}: update gets piece {rank} of the weights, padded as the gradients are"
    )
    # Sum and quotient are each rounded once to float32, at most 6e-8 of the largest part.
    largest = float(np.abs(job.gradients).max(initial=0.0)) * job.ranks
    slack = np.full(job.piece, 2e-7 * largest)
    judge_within(gradient, mean, slack=slack, what=f"{where}: the mean gradients for update")
    new = job.change(weights, gradient, rank)
    for given in seen.all_gather:
        assert bool((given == new).all()), f"{where}: all_gather gets what update returned"


def judge_types(job: Job, seen: Seen, *, rank: int) -> None:
    """Assert that nothing grew to float64, which would double the bytes sent.

    What is sent must be there as well: zeros of the right type send nothing.
    """
    for name in ("reduce_scatter", "all_gather"):
        for given in getattr(seen, name):
            assert given.dtype == job.weights.dtype, (
                f"{name} got {given.dtype}, the weights are {job.weights.dtype}: padding must "
                "not change the type, or more bytes are sent"
            )
    owed = {"reduce_scatter": job.gradients[rank], "all_gather": job.change(*seen.update[0], rank)}
    for name, numbers in owed.items():
        for given in getattr(seen, name):
            is_there = bool(np.isin(numbers.astype(given.dtype), given).all())
            assert is_there, f"{name} got the right type and size, and other numbers than are due"


def judge_weights(job: Job, got: object, *, rank: int) -> None:
    """Assert that all new weights came back, without padding."""
    wanted = job.wanted_pieces().reshape(-1)[: len(job.weights)].astype(np.float64)
    slack = np.full(len(wanted), 5e-7)  # of weights up to 4: two of their last bits
    judge_within(got, wanted, slack=slack, what=f"the new weights on rank {rank} of {job.ranks}")


def _halve(*given: Any) -> Array:
    """Return the weights moved by half of the gradient: a step that is easy to follow."""
    weights, gradient, _ = given
    return np.asarray(weights - gradient / 2, dtype=weights.dtype)


@check(
    "2.9",
    sentence="`reduce_scatter` is called once, with all gradients of this rank followed by as few "
    "zeros as make their number a multiple of the ranks.",
)
def five_weights_on_two_ranks(student: Student, rng: np.random.Generator) -> None:
    """Share five weights out over two ranks: one zero must be added, and cut off again."""
    gradients = np.array([[2, 0, 4, 2, 6], [0, 2, 0, 2, 2]], np.float32)
    job = Job(np.array([1, 2, 3, 4, 5], np.float32), gradients, _halve)
    for rank in range(job.ranks):
        got, seen = job.ask(student, rank)
        evidence.table(
            [
                {"rank": rank, "what": name, "yours": given[0] if given else "no call"}
                for name, given in vars(seen).items()
            ]
        )
        judge_handed(job, seen, rank=rank)
        judge_types(job, seen, rank=rank)
        judge_weights(job, got, rank=rank)


# ---- bytes


def judge_bytes(got: object, wanted: dict[str, int], *, what: str) -> None:
    """Assert the parts by name and their sizes."""
    assert isinstance(got, dict), f"{what}: return a dict with {', '.join(PARTS)}"
    assert set(got) == set(PARTS), f"{what}: the parts are {', '.join(PARTS)}"
    for part, size in wanted.items():
        value = got[part]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        assert is_number, f"{what}: {part} should be a number"
        assert value == size, f"{what}: {part} take {size:,} bytes; you have {value:,}"


@check(
    "2.9",
    sentence="Stage 0 splits nothing, stage 1 the optimiser's part, stage 2 also the gradients, "
    "stage 3 also the weights.",
)
def a_published_table(student: Student, rng: np.random.Generator) -> None:
    """Work out the example of the ZeRO paper: 7.5 billion parameters on 64 ranks."""
    parameters, ranks = 7_500_000_000, 64
    answers = {
        stage: student.bytes_per_rank(parameters, ranks, stage=stage, precision="mixed")
        for stage in PUBLISHED_GB
    }
    evidence.table(
        [
            {"stage": stage, "published [GB]": gb, "yours [GB]": total_gb(answers[stage])}
            for stage, gb in PUBLISHED_GB.items()
        ]
    )
    for stage, got in answers.items():
        wanted = held_bytes(parameters, ranks, stage=stage, precision="mixed")
        judge_bytes(got, wanted, what=f"stage {stage}, mixed")


def total_gb(answer: object) -> object:
    """Return the sum of an answer's parts [GB], or the answer if it has no numbers."""
    try:
        return round(sum(answer.values()) / 1e9, 1)  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        return answer
