"""What others published that this lab builds on: rules of a benchmark, and a pipeline of programs.

Scenarios are those of MLPerf inference, numbers those of its first rules; stages are those of
FastInference. Nothing is measured here.
"""

from dataclasses import dataclass

RULES = "MLPerf inference rules 0.5, 20 September 2019 (mlcommons/inference_policies), section 3"
# The same file in later rounds, and mlperf.conf of mlcommons/inference, min_duration 600000 ms.
LATER_RULES = (
    "later rules ask for 600 s, and a test for early stopping decides how many queries are enough; "
    "since version 2.0 a stream of 8 samples is sent when the one before is answered"
)


@dataclass(frozen=True)
class Scenario:
    """One way to send queries, what is reported of it, and what a valid run needs.

    Parameters
    ----------
    name
        As in the rules.
    queries
        When the next query is sent.
    samples_per_query
        Samples of a query; 0 for all there are.
    metric
        What is reported.
    percent
        The percentile of the latency that counts; None where none does.
    least_queries, least_samples, least_s
        What a valid run needs at least.
    example
        Whose load is like that.
    """

    name: str
    queries: str
    samples_per_query: int
    metric: str
    percent: int | None
    least_queries: int
    least_samples: int
    least_s: float
    example: str


SCENARIOS = {
    each.name: each
    for each in (
        Scenario(
            name="SingleStream",
            queries="when the one before is answered",
            samples_per_query=1,
            metric="latency, 90th percentile",
            percent=90,
            least_queries=1_024,
            least_samples=1_024,
            least_s=60.0,
            example="a phone that waits for each answer",
        ),
        Scenario(
            name="MultiStream",
            queries="when the one before is answered",
            samples_per_query=8,
            metric="latency of a query, 99th percentile",
            percent=99,
            least_queries=270_336,
            least_samples=8 * 270_336,
            least_s=60.0,
            example="a car with eight cameras",
        ),
        Scenario(
            name="Server",
            queries="at random: a Poisson process",
            samples_per_query=1,
            metric="highest rate that keeps the 99th percentile below a bound",
            percent=99,
            least_queries=270_336,
            least_samples=270_336,
            least_s=60.0,
            example="a web service with many users",
        ),
        Scenario(
            name="Offline",
            queries="all at the start",
            samples_per_query=0,
            metric="throughput",
            percent=None,
            least_queries=1,
            least_samples=24_576,
            least_s=60.0,
            example="photos sorted overnight",
        ),
    )
}

# Buschjaeger: FastInference (sbuschjaeger/fastinference on GitHub, MIT), as of its last commit in
# September 2022. The package `fastinference` on PyPI is another project, inference for fastai by
# Zachary Mueller: installing that name gives nothing of this.
FASTINFERENCE = "sbuschjaeger/fastinference on GitHub, last commit September 2022"
NAMESAKE = "fastinference on PyPI is another project: inference for fastai"
STAGES = (
    ("load", "scikit-learn, JSON, ONNX", "scikit-learn"),
    (
        "optimise: model to model",
        "swap branches, whole numbers, prune the ensemble, refine leaves, merge layers",
        "thresholds in fewer bits, order of nodes, integer layers",
    ),
    (
        "implement: model to source",
        "C++ as if-else, native or unrolled; binarised networks; Haxe; IREE; circuits by HLS",
        "C as if-else, native and framed; a circuit",
    ),
    ("choose", "any optimiser with any implementation, by name", "the same"),
)


def scenario_rows() -> list[dict[str, str]]:
    """Return the four scenarios as rows of a table.

    Examples
    --------
    >>> scenario_rows()[0]["a valid run"]
    '1,024 queries and 60 s'
    """
    return [
        {
            "scenario": each.name,
            "next query": each.queries,
            "samples a query": str(each.samples_per_query or "all"),
            "reported": each.metric,
            "a valid run": _needed(each),
            "like": each.example,
        }
        for each in SCENARIOS.values()
    ]


def _needed(scenario: Scenario) -> str:
    if scenario.samples_per_query == 0:
        return f"{scenario.least_samples:,} samples and {scenario.least_s:.0f} s"
    return f"{scenario.least_queries:,} queries and {scenario.least_s:.0f} s"


def pipeline_rows() -> list[dict[str, str]]:
    """Return the stages of FastInference beside those of this lab, as rows of a table.

    Examples
    --------
    >>> [row["stage"] for row in pipeline_rows()][0]
    'load'
    """
    return [
        {"stage": stage, "FastInference": theirs, "this lab": ours}
        for stage, theirs, ours in STAGES
    ]
