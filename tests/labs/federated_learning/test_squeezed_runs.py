"""Runs over several channels: paired by seed, counted, and never the same channel twice."""

import pytest

from course_utils import plots
from labs.federated_learning import loop, partitions, squeezed_runs, tasks
from labs.federated_learning.compression import Squeezed
from labs.federated_learning.squeezed_runs import Run

SETTING = loop.Setting(rounds=2, fraction=0.5)


@pytest.fixture(scope="module")
def found() -> dict[str, list[Run]]:
    """Two seeds over three channels, two of which send everything."""
    task = tasks.load("digits")
    parts = partitions.deal(task, "iid", clients=4, alpha=1.0, seed=0)
    channels = {
        "base": lambda _: loop.Channel(),
        "none": lambda seed: Squeezed("none", seed=seed),
        "topk": lambda seed: Squeezed("topk", seed=seed),
    }
    return squeezed_runs.compare(task, parts, setting=SETTING, channels=channels, seeds=(0, 1))


def test_sending_everything_changes_nothing(found: dict[str, list[Run]]) -> None:
    """Two clients a round for two rounds: four messages, each with a start of 20 bytes."""
    for base, none in zip(found["base"], found["none"], strict=True):
        assert none.accuracy == base.accuracy
        assert none.sent_bytes == base.sent_bytes + 4 * 20


def test_top_k_sends_less(found: dict[str, list[Run]]) -> None:
    assert {run.sent_bytes for run in found["topk"]} == {4 * (20 + 8 * 48)}
    assert squeezed_runs.sent_bytes(found["topk"]).kind == "counted"


def test_what_is_lost_is_paired() -> None:
    """Accuracies 0.9 and 0.5 against 0.8 and 0.4: 0.1 lost by either seed, so no spread at all."""
    many, few = ([Run(each, 1) for each in values] for values in ((0.9, 0.5), (0.8, 0.4)))
    lost = squeezed_runs.accuracy_lost(few, against=many)
    assert (lost.value, lost.low, lost.high) == pytest.approx((0.1, 0.1, 0.1))
    assert squeezed_runs.accuracy(many).low < 0.5


def test_figure_has_every_channel(found: dict[str, list[Run]]) -> None:
    _, axes = plots.new_figure(data="digits, 2 seeds")
    rows = squeezed_runs.draw(axes, found, title="Fewer bytes")
    assert {row["name"] for row in rows} == {"base", "none", "topk"}
    assert axes.get_xscale() == "log"
