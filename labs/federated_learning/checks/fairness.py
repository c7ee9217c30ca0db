"""The open checks of exercise 3.9: five clients, their averages and their weights."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

# Sums of a few dozen products of numbers up to 1, good to 1e-7 even in float32. A logarithm of up
# to 7,000 carries 1e-12 of rounding, so a share that goes through one is right to 1e-12 of itself.
ERROR = 1e-6


def wanted_averages(accuracies: Any, sizes: Any, *, share: float) -> tuple[float, float, float]:
    """Return the means over samples, over clients, and over the worst clients."""
    values, weights = [float(x) for x in accuracies], [int(x) for x in sizes]
    count = max(1, round(share * len(values)))
    by_samples = sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
    return by_samples, sum(values) / len(values), sum(sorted(values)[:count]) / count


def wanted_shares(losses: Any, sizes: Any, *, q: float) -> list[float]:
    """Return the shares, worked out with 50 digits and without a limit to the exponent."""
    with localcontext() as context:
        context.prec, context.Emin, context.Emax = 50, -999_999, 999_999
        power = Decimal(float(q))
        raw = [
            Decimal(int(size)) * Decimal(float(loss)) ** power
            for loss, size in zip(losses, sizes, strict=True)
        ]
        total = sum(raw, Decimal(0))
        return [float(each / total) for each in raw]


def judge_averages(got: Any, *, accuracies: Any, sizes: Any, share: float) -> None:
    """Assert the three averages, naming the first that is off."""
    assert isinstance(got, tuple | list | np.ndarray), f"return three numbers, not {got!r:.40}"
    assert len(got) == 3, f"return three numbers; yours {len(got)}"
    names = ("samples", "clients", f"the worst {share:.0%} of {len(accuracies)} clients")
    wanted = wanted_averages(accuracies, sizes, share=share)
    for name, value, want in zip(names, got, wanted, strict=True):
        assert isinstance(value, int | float | np.ndarray), f"give numbers, not {value!r:.40}"
        assert np.ndim(value) == 0, f"the mean over {name} is one number; yours {np.shape(value)}"
        assert abs(float(value) - want) <= ERROR, (
            f"the mean over {name} is {want:.4f}; yours {float(value):.4f}"
        )


def judge_shares(got: Any, *, losses: Any, sizes: Any, q: float) -> None:
    """Assert the shares of the clients, naming the first that is off."""
    shares = np.asarray(got, dtype=np.float64)
    assert shares.shape == (len(losses),), (
        f"return {len(losses)} shares, one a client; yours have the shape {shares.shape}"
    )
    wanted = wanted_shares(losses, sizes, q=q)
    for client, (have, want) in enumerate(zip(shares.tolist(), wanted, strict=True)):
        assert abs(have - want) <= ERROR, (
            f"with q = {q:g} the share of client {client} is {want:.4f}; yours {have:.4f}"
        )


@check(
    "3.9",
    sentence="The first number is the mean accuracy over all samples, the second that over all "
    "clients, large or small.",
)
def one_large_client(student: Student, rng: np.random.Generator) -> None:
    """Average a large client that is served well and four small ones that are not."""
    accuracies, sizes = np.array([0.95, 0.5, 0.7, 0.6, 0.8]), np.array([160, 10, 10, 10, 10])
    got = student.three_averages(accuracies, sizes, 0.4)
    wanted = wanted_averages(accuracies, sizes, share=0.4)
    given = list(got) if isinstance(got, list | tuple) else [None] * 3
    names = ("samples", "clients", "worst 40%")
    evidence.table(
        [
            {"mean over": name, "asked for": round(want, 4), "yours": have}
            for name, want, have in zip(names, wanted, given, strict=False)
        ]
    )
    judge_averages(got, accuracies=accuracies, sizes=sizes, share=0.4)


@check(
    "3.9",
    sentence="The third is the mean over the worst clients: `share` times their number, rounded, "
    "but one at least.",
)
def worst_of_ten(student: Student, rng: np.random.Generator) -> None:
    """Take the worst tenth, 3% (one client), 34% (three) and 38% (four) of ten clients."""
    accuracies, sizes = rng.permutation(np.arange(10) / 20 + 0.4), rng.integers(5, 50, 10)
    for share in (0.1, 0.03, 0.34, 0.38):
        got = student.three_averages(accuracies, sizes, share)
        judge_averages(got, accuracies=accuracies, sizes=sizes, share=share)


@check(
    "3.9",
    sentence="A client's share is in proportion to its size times its loss to the power of q; all "
    "shares add up to 1.",
)
def three_powers(student: Student, rng: np.random.Generator) -> None:
    """Weight three clients with q = 0, 1 and 2."""
    losses, sizes = np.array([0.5, 1.0, 2.0]), np.array([40, 20, 20])
    rows: list[dict[str, Any]] = []
    for q in (0, 1, 2):
        got = student.reweighted(losses, sizes, q)
        wanted = wanted_shares(losses, sizes, q=q)
        rows.append({"q": q, "asked for": str(np.round(wanted, 4)), "yours": str(got)})
        evidence.table(rows[-1:])
        judge_shares(got, losses=losses, sizes=sizes, q=q)
