"""How long a collective takes: alpha for each message, 1 / bandwidth for each byte.

`fit` takes alpha from small messages and the bandwidth from large ones, since one fit over all
would trade them off, and gives both with intervals. A `Model` carries the `Domain` it was measured
in. Asked outside of it, `Model.predict` still answers, and its `Prediction` says what is wrong
with the question. `assumed` makes a model of published figures instead. The model knows no shared
links, no waiting for a core and no overlap with computing.

Steps and bytes: Thakur, Rabenseifner and Gropp, Optimization of Collective Communication
Operations in MPICH, 2005. All-reduce, all-gather and reduce-scatter go round a ring, a broadcast
goes down a binomial tree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from course_utils import stats
from course_utils.errors import MeasurementError
from course_utils.records import Kind, Result
from course_utils.units import KI, MI

Samples = Mapping[int, "list[float] | NDArray[np.float64]"]
COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "broadcast")
SMALL_BYTES, LARGE_BYTES = 16 * KI, MI  # alpha is fitted up to the one, bandwidth from the other on
FEWEST_REPEATS = 5  # fewer cannot be resampled to an interval


@dataclass(frozen=True)
class Domain:
    """What a model was measured on.

    Parameters
    ----------
    machine
        In words.
    backend
        ``gloo`` or ``nccl``.
    ranks
        Number of ranks, >= 2.
    places
        Cores or devices that these ranks could have for themselves.
    smallest_bytes, largest_bytes
        Sizes measured.
    """

    machine: str
    backend: str
    ranks: int
    places: int
    smallest_bytes: float
    largest_bytes: float

    def warnings(self, size_bytes: float, *, ranks: int) -> tuple[str, ...]:
        """Return what speaks against using the model here, a sentence each; none inside.

        Parameters
        ----------
        size_bytes
            Of the collective's array.
        ranks
            That take part.
        """
        found = []
        if ranks != self.ranks:
            found.append(f"{ranks} ranks where {self.ranks} were measured")
        if ranks > self.places:
            found.append(f"{ranks} ranks share {self.places} places, and wait for each other")
        if not self.smallest_bytes <= size_bytes <= self.largest_bytes:
            found.append(
                f"{size_bytes:,.0f} B where {self.smallest_bytes:,.0f} to "
                f"{self.largest_bytes:,.0f} B were measured"
            )
        return tuple(found)


@dataclass(frozen=True)
class Prediction:
    """A time [s], and what speaks against it: a sentence each."""

    time_s: Result
    warnings: tuple[str, ...] = ()

    @property
    def is_inside(self) -> bool:
        """Whether the question lies in the model's domain."""
        return not self.warnings

    def __str__(self) -> str:
        text = self.time_s.describe("time_s")
        return f"{text}, but {'; '.join(self.warnings)}" if self.warnings else text

    def __add__(self, other: "Prediction") -> "Prediction":
        """Return one after the other."""
        a, b = self.time_s, other.time_s
        kind: Kind = "assumed" if "assumed" in (a.kind, b.kind) else "modelled"
        total = Result(
            a.value + b.value, a.low + b.low, a.high + b.high, n=min(a.n, b.n), kind=kind
        )
        return Prediction(total, tuple(dict.fromkeys(self.warnings + other.warnings)))


@dataclass(frozen=True)
class Model:
    """Alpha and bandwidth of a link, and where they hold.

    Parameters
    ----------
    alpha_s
        Time of a message without content.
    bandwidth_bytes_per_s
        Of one direction.
    domain
        Where both were measured; None if they are assumed.
    source
        Where they come from.
    """

    alpha_s: Result
    bandwidth_bytes_per_s: Result
    domain: Domain | None
    source: str

    def __str__(self) -> str:
        a, b = self.alpha_s, self.bandwidth_bytes_per_s
        return (
            f"alpha {1e6 * a.value:.3g} us [{1e6 * a.low:.3g}, {1e6 * a.high:.3g}], bandwidth "
            f"{b.value / 1e9:.3g} GB/s [{b.low / 1e9:.3g}, {b.high / 1e9:.3g}]"
        )

    def predict(self, collective: str, size_bytes: float, *, ranks: int) -> Prediction:
        """Return the time of a collective with what speaks against it.

        Parameters
        ----------
        collective
            One of `COLLECTIVES`.
        size_bytes
            Of the whole array: for all-gather the gathered one, for reduce-scatter the one that is
            cut up.
        ranks
            That take part, >= 1.
        """
        messages, sent = messages_and_bytes(collective, size_bytes, ranks=ranks)
        a, b = self.alpha_s, self.bandwidth_bytes_per_s
        value, low, high = (
            messages * alpha + sent / bandwidth
            for alpha, bandwidth in ((a.value, b.value), (a.low, b.high), (a.high, b.low))
        )
        if self.domain is None:
            time = Result(value, low, high, n=1, kind="assumed")
            return Prediction(time, (f"assumed, not measured: {self.source}",))
        time = Result(value, low, high, n=min(a.n, b.n), kind="modelled")
        return Prediction(time, self.domain.warnings(size_bytes, ranks=ranks))


def messages_and_bytes(collective: str, size_bytes: float, *, ranks: int) -> tuple[float, float]:
    """Return how many messages one after another, and bytes, a collective costs each rank.

    Parameters
    ----------
    collective
        One of `COLLECTIVES`.
    size_bytes
        Of the whole array, >= 0.
    ranks
        That take part, >= 1.

    Raises
    ------
    ValueError
        If the collective is another, or a number is out of its range.

    Examples
    --------
    >>> messages_and_bytes("all_reduce", 1000, ranks=4)
    (6, 1500.0)
    >>> messages_and_bytes("broadcast", 1000, ranks=5)
    (3, 3000)
    """
    if collective not in COLLECTIVES or ranks < 1 or size_bytes < 0:
        raise ValueError(
            f"{collective!r} of {size_bytes} B on {ranks} ranks; give one of "
            f"{', '.join(COLLECTIVES)}, sizes >= 0 and ranks >= 1"
        )
    if collective == "broadcast":
        rounds = (ranks - 1).bit_length()
        return rounds, rounds * size_bytes
    turns = 2 if collective == "all_reduce" else 1
    return turns * (ranks - 1), turns * (ranks - 1) / ranks * size_bytes


def assumed(*, alpha_s: float, bandwidth_bytes_per_s: float, source: str) -> Model:
    """Return a model of published figures; all its predictions say that it is assumed.

    Parameters
    ----------
    alpha_s
        Time of a message without content, >= 0.
    bandwidth_bytes_per_s
        Of one direction, > 0.
    source
        Where both are published.

    Raises
    ------
    ValueError
        If a figure is out of its range, or no source is named.
    """
    if not (alpha_s >= 0 and bandwidth_bytes_per_s > 0 and source.strip()):
        raise ValueError(
            f"alpha {alpha_s} s, bandwidth {bandwidth_bytes_per_s} B/s, source {source!r}; give "
            "alpha >= 0, bandwidth > 0 and where they are published"
        )
    alpha, bandwidth = (
        Result(float(x), float(x), float(x), n=1, kind="assumed")
        for x in (alpha_s, bandwidth_bytes_per_s)
    )
    return Model(alpha, bandwidth, None, source)


# Per direction: a sheet that adds both directions states twice as much.
PUBLISHED: Mapping[str, Model] = {
    "NVLink 4": assumed(
        alpha_s=3.4e-6,
        bandwidth_bytes_per_s=450e9,
        source="NVIDIA H100 datasheet (900 GB/s in both directions together); latency: hwLat of "
        "NCCL's src/graph/tuning.cc, NVLINK, ring, Simple",
    ),
    "InfiniBand NDR": assumed(
        alpha_s=14e-6,
        bandwidth_bytes_per_s=50e9,
        source="NVIDIA ConnectX-7 datasheet (400 Gb/s); latency: hwLat of NCCL's "
        "src/graph/tuning.cc, NET, ring, Simple",
    ),
}


def hierarchical_all_reduce(
    size_bytes: float, *, inside: Model, between: Model, ranks_a_node: int, nodes: int
) -> Prediction:
    """Return the time of an all-reduce that first sums within each node.

    Reduce-scatter inside a node, an all-reduce between nodes of each rank's piece, all of these at
    the same time on links of their own, then all-gather inside.

    Parameters
    ----------
    size_bytes
        Of the array on each rank.
    inside, between
        The links within a node, and from node to node for one rank.
    ranks_a_node, nodes
        Their product is the number of ranks.
    """
    piece = size_bytes / ranks_a_node
    parts = inside.predict("reduce_scatter", size_bytes, ranks=ranks_a_node)
    parts += between.predict("all_reduce", piece, ranks=nodes)
    return parts + inside.predict("all_gather", size_bytes, ranks=ranks_a_node)


def fit(
    samples: Samples, *, domain: Domain, rng: np.random.Generator, resamples: int = 500
) -> Model:
    """Return alpha and bandwidth of all-reduce times, each from the sizes that tell it best.

    Parameters
    ----------
    samples
        Size [B] -> times of the slowest rank [s], one a repeat; sizes up to `SMALL_BYTES` and
        from `LARGE_BYTES` on.
    domain
        Where they were taken; its ranks are those of the formula.
    rng
        For the intervals: repeats are drawn anew, each size by itself.
    resamples
        How often.

    Raises
    ------
    MeasurementError
        If sizes or repeats are missing, or large messages take no longer than small ones.
    """
    repeats = min(map(len, samples.values()), default=0)
    ends = min(samples, default=LARGE_BYTES), max(samples, default=0)
    if repeats < FEWEST_REPEATS or ends[0] > SMALL_BYTES or ends[1] < LARGE_BYTES:
        raise MeasurementError(
            f"{len(samples)} sizes of {repeats} repeats; a fit needs sizes up to {SMALL_BYTES:,} B "
            f"and from {LARGE_BYTES:,} B on, {FEWEST_REPEATS} repeats each"
        )
    value = _separately({size: float(np.median(t)) for size, t in samples.items()}, domain.ranks)
    if not np.isfinite(value[1]):
        raise MeasurementError(
            f"{ends[1]:,} B take no longer than {LARGE_BYTES:,} B; measure larger ones, or on a "
            "machine with less else to do, to see a bandwidth"
        )
    draws = []
    for _ in range(resamples):
        drawn = {s: float(np.median(rng.choice(t, len(t)))) for s, t in samples.items()}
        draws.append(_separately(drawn, domain.ranks))
    usable = [draw for draw in draws if np.isfinite(draw[1])]  # a draw may show no bandwidth
    low, high = np.quantile([value, *usable], [0.025, 0.975], axis=0)
    alpha, bandwidth = (
        Result(v, min(v, float(lo)), max(v, float(hi)), n=repeats, kind="measured")
        for v, lo, hi in zip(value, low, high, strict=True)
    )
    return Model(alpha, bandwidth, domain, f"{domain.backend}, {domain.machine}")


def _separately(times: Mapping[int, float], ranks: int) -> tuple[float, float]:
    """Return alpha [s] from small and bandwidth [B/s] from large messages; infinite if unseen."""
    turns = 2 * (ranks - 1)
    small, large = (
        np.array([(s, t) for s, t in times.items() if is_in(s)])
        for is_in in (SMALL_BYTES.__ge__, LARGE_BYTES.__le__)
    )
    # Relative errors, so that no size rules; the latency of large messages is their own affair.
    columns = turns * np.stack([np.ones(len(large)), large[:, 0] / ranks], axis=1)
    columns /= large[:, 1:]
    units = columns.max(axis=0)
    beta_s = float((optimize.nnls(columns / units, np.ones(len(large)))[0] / units)[1])
    alpha_s = float(np.median(small[:, 1] - turns / ranks * small[:, 0] * beta_s)) / turns
    return max(0.0, alpha_s), 1 / beta_s if beta_s > 0 else np.inf


def residuals(model: Model, samples: Samples) -> list[dict[str, Any]]:
    """Return size, measured median, prediction and relative error of each size of an all-reduce.

    Parameters
    ----------
    model
        Measured, so that it has a domain.
    samples
        As for `fit`.

    Raises
    ------
    MeasurementError
        If the model is assumed: there is no number of ranks to compare with.
    """
    if model.domain is None:
        raise MeasurementError(f"{model.source}: an assumed model has no residuals")
    rows = []
    for size, times in sorted(samples.items()):
        measured = stats.median_interval(list(times)).result()
        predicted = model.predict("all_reduce", size, ranks=model.domain.ranks)
        error = predicted.time_s.value / measured.value - 1
        row = {"size_bytes": size, "measured_s": measured, "predicted_s": predicted.time_s}
        rows.append(row | {"relative_error": error})
    return rows
