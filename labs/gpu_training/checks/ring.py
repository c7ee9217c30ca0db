"""The open checks of exercise 2.7: four ranks with whole numbers, and times without noise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student, callback, ranks
from labs.gpu_training import ring_pictures, routing

Floats = NDArray[np.float32]
EPSILON = 2.0**-24  # largest relative error of one rounding to float32
FLOAT_BYTES = 4
# Least squares by any method are right to about 1e-8 here; 1e-4 leaves room for an iterative one,
# and is far below what another weighting changes.
FIT_RELATIVE = 1e-4


def run_ring(
    student: Student, parts: Sequence[Floats], *, alter: routing.Alter | None = None
) -> tuple[list[Any], routing.Router]:
    """Return what `ring_all_reduce` gives on each rank, and the router with all messages."""

    def call(rank: int, each: Student) -> Any:
        return lambda send, recv: each.ring_all_reduce(
            parts[rank], rank, len(parts), callback(send), callback(recv)
        )

    # The first rank is the student itself, so that its calls stand in the table.
    several = (student, *ranks(student, len(parts) - 1))
    return routing.run([call(rank, each) for rank, each in enumerate(several)], alter=alter)


def judge_sum(results: Sequence[Any], parts: Sequence[Floats]) -> None:
    """Assert that every rank has the sum, and all the same bits."""
    stacked = np.stack(parts).astype(np.float64)
    want = stacked.sum(0)
    # N - 1 additions in any order, each rounding a partial sum that is at most the sum of the
    # magnitudes; the second order is covered by one more.
    tolerance = len(parts) * EPSILON * np.abs(stacked).sum(0)
    for rank, result in enumerate(results):
        what = f"rank {rank} of {len(parts)}"
        assert isinstance(result, np.ndarray), f"{what}: return an array, not {result!r:.40}"
        form = str(result.dtype), result.shape
        assert form == ("float32", want.shape), (
            f"{what}: the sum is float32 of shape {want.shape}; yours {form[0]} of shape {form[1]}"
        )
        off = np.abs(result.astype(np.float64) - want)
        worst = int(np.argmax(np.where(np.isnan(off), np.inf, off - tolerance)))
        assert off[worst] <= tolerance[worst], (
            f"{what}: element {worst} of the sum is {want[worst]:g}; yours {result[worst]:g}"
        )
    for rank, result in enumerate(results):
        assert result.tobytes() == results[0].tobytes(), (
            f"rank {rank} of {len(parts)} differs from rank 0 in its last bits: the sum of a "
            "piece is made on one rank, and the others receive it"
        )


def judge_traffic(router: routing.Router, *, size: int, number: int) -> None:
    """Assert how many messages each of `number` ranks sent for `size` elements, to whom, how long.

    Parameters
    ----------
    router
        What was observed.
    size
        Elements of the array of each rank.
    number
        Ranks.
    """
    piece = -(-size // number)
    for rank in range(number):
        sent = [message for message in router.messages if message.sender == rank]
        elsewhere = {message.receiver for message in sent} - {(rank + 1) % number}
        assert not elsewhere, (
            f"rank {rank} of {number} sends to rank {(rank + 1) % number} only; yours also sends "
            f"to {sorted(elsewhere)}"
        )
        assert len(sent) == 2 * (number - 1), (
            f"rank {rank} of {number} sends {2 * (number - 1)} messages; yours {len(sent)}"
        )
        for message in sent:
            array = message.array
            assert (str(array.dtype), array.size) == ("float32", piece), (
                f"rank {rank} of {number}: of {size} elements a message holds {piece} float32, "
                f"{FLOAT_BYTES * piece} B; yours holds {array.size} {array.dtype}, "
                f"{array.nbytes} B"
            )
    assert not router.left_over(), f"{router.left_over()} messages were never received"


def best_fit(sizes: Any, times: Any, *, number: int) -> tuple[float, float]:
    """Return alpha and beta with the least squared relative errors, by the normal equations."""
    sizes, times = np.asarray(sizes, np.float64), np.asarray(times, np.float64)
    design = np.stack([2 * (number - 1) / times, 2 * (number - 1) / number * sizes / times], 1)
    scale = np.linalg.norm(design, axis=0)
    scaled = design / scale
    alpha, beta = np.linalg.solve(scaled.T @ scaled, scaled.sum(0)) / scale
    return float(alpha), float(beta)


def judge_fit(got: Any, *, sizes: Any, times: Any, number: int) -> None:
    """Assert that alpha and beta are those of least squared relative errors.

    Parameters
    ----------
    got
        What the student's function returned.
    sizes, times
        What it was given: bytes and seconds.
    number
        Ranks.
    """
    numbers = np.asarray(got, dtype=np.float64)
    assert numbers.shape == (2,), f"return two numbers, alpha_s and beta_s_per_byte; got {got!r}"
    names = ("alpha_s", "beta_s_per_byte")
    for name, value, want in zip(
        names, numbers, best_fit(sizes, times, number=number), strict=True
    ):
        assert abs(value - want) <= FIT_RELATIVE * abs(want), (
            f"{name} for {number} ranks is {want:.6g}; yours {value:.6g}"
        )


@check(
    "2.7",
    sentence="On every rank the result is the sum over all ranks, a new float32 array of the "
    "shape of `x`.",
    weight=0.5,
)
def four_ranks(student: Student, rng: np.random.Generator) -> None:
    """Sum four arrays, each with a decimal place of its own, and show what came out."""
    digits = rng.integers(1, 10, (4, 8))  # drawn: a sum that is known before needs no ring
    parts = [(10.0**rank * row).astype(np.float32) for rank, row in enumerate(digits)]
    results, _ = run_ring(student, parts)
    rows: list[dict[str, Any]] = [
        {"array": f"x of rank {rank}", "numbers": str(part.tolist())}
        for rank, part in enumerate(parts)
    ]
    rows.append({"array": "their sum", "numbers": str(sum(parts).tolist())})
    rows += [
        {"array": f"yours on rank {rank}", "numbers": str(np.asarray(result).tolist())}
        for rank, result in enumerate(results)
    ]
    evidence.table(rows)
    judge_sum(results, parts)


@check(
    "2.7",
    sentence="Each rank sends exactly 2 (N - 1) messages, all of them to rank (r + 1) % N.",
    weight=1.5,
)
def only_to_the_right(student: Student, rng: np.random.Generator) -> None:
    """Draw which rank sends how many bytes to which."""
    parts = [rng.integers(-50, 50, 12).astype(np.float32) for _ in range(4)]
    results, router = run_ring(student, parts)
    figure, axes = plots.new_figure()
    ring_pictures.traffic(axes, router.messages, ranks=4)
    evidence.picture(figure, alt="Bytes that each of four ranks sent to each other rank.")
    judge_traffic(router, size=12, number=4)
    judge_sum(results, parts)


@check(
    "2.7",
    sentence="A message holds ceil(len(x) / N) float32 numbers: where len(x) is no multiple of "
    "N, zeros fill the last pieces.",
)
def ten_elements_on_four_ranks(student: Student, rng: np.random.Generator) -> None:
    """Take 10 elements: pieces of 3, and 2 zeros behind the last."""
    parts = [rng.integers(-50, 50, 10).astype(np.float32) for _ in range(4)]
    results, router = run_ring(student, parts)
    evidence.table(
        [
            {
                "rank": rank,
                "bytes asked for": 2 * 3 * 3 * FLOAT_BYTES,
                "yours": sum(m.payload_bytes for m in router.messages if m.sender == rank),
            }
            for rank in range(4)
        ]
    )
    judge_traffic(router, size=10, number=4)
    judge_sum(results, parts)


@check(
    "2.7",
    sentence="Alpha and beta make the sum of squared relative errors, "
    "((predicted - measured) / measured)^2, the least.",
)
def five_sizes(student: Student, rng: np.random.Generator) -> None:
    """Fit five times over five decades, each off by some percent."""
    sizes = np.array([256, 4096, 65536, 1048576, 16777216])
    predicted = 2 * 3 * 1e-4 + 2 * 3 / 4 * sizes / 1e9
    times = predicted * np.array([1.05, 0.97, 0.95, 1.04, 0.98])
    got = student.fit_alpha_beta(sizes.tolist(), times.tolist(), 4)
    alpha_s, beta_s = (float(value) for value in np.asarray(got, np.float64).reshape(-1)[:2])
    evidence.table(
        [
            {
                "size [B]": int(size),
                "measured [ms]": 1e3 * float(time),
                "yours predicts [ms]": 1e3 * (6 * alpha_s + 1.5 * float(size) * beta_s),
            }
            for size, time in zip(sizes, times, strict=True)
        ]
    )
    judge_fit(got, sizes=sizes, times=times, number=4)
