"""Every data-parallel strategy on real ranks against one process; one launch for 2 ranks and 4."""

from typing import Any

import numpy as np
import pytest

from course_utils import plots
from course_utils.records import Result
from labs.gpu_training import equality, overlap_pictures, racing, traces
from labs.gpu_training.given.data_parallel import average_gradients, overlapped_step
from labs.gpu_training.launching.launcher import Launched, launch
from labs.gpu_training.strategies import single
from labs.gpu_training.workload import Weights, Workload

WORKLOAD = Workload(size="tiny", batch=8, steps=3, learning_rate=3e-4)
BUCKET_BYTES = 128 * 1024
OWN = {
    "naive": average_gradients,
    "flat": average_gradients,
    "bucketed": average_gradients,
    "overlapped": overlapped_step,
}
NAMES = [*racing.STRATEGIES, *(f"own {name}" for name in OWN)]
# Rounding alone, as labs.gpu_training.equality works it out: float32 sums in another order move a
# weight by up to 3e-7 at a learning rate of 1e-4, three times that here, and its last bit is worth
# up to 2.4e-7. Which gradients are near AdamW's eps is chance and depends on the processor. A step
# that is left out moves a weight by 3e-4.
LARGEST_DIFFERENCE = 1.2e-6


def raced(ranks: int, *, rounds: int) -> Launched:
    arguments = {"workload": WORKLOAD, "bucket_bytes": BUCKET_BYTES, "own": OWN, "rounds": rounds}
    return launch(racing.race, world_size=ranks, arguments=arguments, timeout_s=300)


@pytest.fixture(scope="module")
def two() -> Launched:
    return raced(2, rounds=1)


@pytest.fixture(scope="module")
def launches(two: Launched) -> dict[int, Launched]:
    return {2: two, 4: raced(4, rounds=0)}


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    return single.train(WORKLOAD)


def equal(one: Weights, other: Weights) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in other)


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_equal_to_one_process_on_every_rank(
    launches: dict[int, Launched], alone: dict[str, Any], ranks: int, name: str
) -> None:
    runs = [result["trained"][name] for result in launches[ranks].results]
    assert equality.largest_difference(runs[0]["weights"], alone["weights"]) <= LARGEST_DIFFERENCE
    assert all(equal(run["weights"], runs[0]["weights"]) for run in runs)
    np.testing.assert_allclose(runs[0]["losses"], alone["losses"], rtol=1e-5)


def test_two_ranks_share_every_bit(two: Launched) -> None:
    # a + b is b + a, so it does not matter how the gradients travelled.
    trained = two.results[0]["trained"]
    assert all(equal(run["weights"], trained["naive"]["weights"]) for run in trained.values())


def test_equal_buckets_share_every_bit(launches: dict[int, Launched]) -> None:
    trained = launches[4].results[0]["trained"]
    for name in ("overlapped", "own bucketed", "own overlapped"):
        assert equal(trained[name]["weights"], trained["bucketed"]["weights"])


def test_messages_and_bytes(launches: dict[int, Launched]) -> None:
    parameters = list(WORKLOAD.model().parameters())
    size_bytes = sum(4 * p.numel() for p in parameters)
    messages = {"naive": len(parameters), "flat": 1, "bucketed": 5, "overlapped": 5}
    for each in launches.values():
        for name, run in each.results[0]["trained"].items():
            assert run["message_bytes"] == [size_bytes] * WORKLOAD.steps
            way = name.removeprefix("own ")
            assert way == "DDP" or run["messages"] == [messages[way]] * WORKLOAD.steps


def test_times_and_traces(two: Launched) -> None:
    result = two.results[0]
    assert all(len(taken_s) == 1 and taken_s[0] > 0 for taken_s in result["step_s"].values())
    for name, recorded in result["traces"].items():
        assert len(recorded) == racing.TRACED_STEPS
        for trace in recorded:
            lines = traces.timeline(trace)
            assert (len(lines["computing"]), len(lines["all-reduce"])) == (1, 5), name
            assert trace.size < 1_000_000
    # After backward nothing can hide; with overlap the first buckets start within it.
    assert racing.hidden_shares(result["traces"]["bucketed"]).high == 0
    assert racing.hidden_shares(result["traces"]["overlapped"]).low > 0
    typical = racing.typical(result["traces"]["overlapped"])
    assert any(typical is each for each in result["traces"]["overlapped"])


def test_a_row_a_strategy(two: Launched, alone: dict[str, Any]) -> None:
    rows = racing.comparison(two.results[0]["trained"], alone["weights"])
    assert [row["strategy"] for row in rows] == NAMES
    assert {row["difference to naive"] for row in rows} == {"0"}


def test_ratios_are_taken_within_rounds() -> None:
    step_s = {"naive": [1.0, 2.0, 4.0, 8.0, 1.0], "flat": [0.5, 1.0, 2.0, 4.0, 0.5]}
    ratios = racing.step_ratios(step_s, to="naive")
    assert (ratios["flat"].value, ratios["flat"].low, ratios["flat"].high) == (0.5, 0.5, 0.5)
    assert racing.is_resolved(ratios["flat"])
    assert not racing.is_resolved(ratios["naive"])
    assert not racing.is_resolved(Result(0.9, 0.7, 1.1, n=9, kind="measured"))


def test_lanes_are_drawn_where_they_are() -> None:
    _, axes = plots.new_figure(wide=True)
    rows = {"backward": [(0.0, 3.0), (4.0, 5.0)], "all-reduce": [(2.0, 6.0)]}
    overlap_pictures.lanes(axes, rows, title="Overlap")
    drawn = [path.get_extents() for each in axes.collections for path in each.get_paths()]
    assert [(box.x0, box.x1) for box in drawn] == [(0.0, 3.0), (4.0, 5.0), (2.0, 6.0)]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(rows)
    assert axes.get_xlabel() == "time since the step began [ms]"
    assert axes.get_xlim()[0] == 0
