from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course_utils import plots
from labs.federated_learning import targets
from labs.federated_learning.checks import targets as checks
from labs.federated_learning.given.targets import bytes_to, rounds_to
from labs.federated_learning.local import Local
from labs.federated_learning.loop import Setting
from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task

CURVES = st.lists(st.integers(0, 1000), min_size=2, max_size=30)


def exact(thousandths: Sequence[int], target: Fraction) -> Fraction | None:
    """Return the crossing, found by walking along the curve in thousandths of a round."""
    best = [max(thousandths[: number + 1]) for number in range(len(thousandths))]
    if best[0] >= target:
        return Fraction(0)
    for number, (low, high) in enumerate(pairwise(best)):
        if low < target <= high:
            return number + (target - low) / (high - low)
    return None


@given(curve=CURVES, halves=st.integers(0, 1000))
def test_the_crossing_is_that_of_exact_fractions(curve: list[int], halves: int) -> None:
    want = exact(curve, halves + Fraction(1, 2))
    accuracies, target = [each / 1000 for each in curve], (halves + 0.5) / 1000
    for got in (rounds_to(accuracies, target), checks.crossing(accuracies, target)):
        assert (got is None) == (want is None)
        if want is not None:
            # Differences of at least half a thousandth of numbers up to 1: 2e-16 / 5e-4.
            assert got == pytest.approx(float(want), abs=1e-12)


@given(curve=CURVES, halves=st.integers(0, 1000), data=st.data())
def test_bytes_are_those_of_whole_rounds(
    curve: list[int], halves: int, data: st.DataObject
) -> None:
    rounds = len(curve) - 1
    sizes = st.lists(st.integers(0, 10**12), min_size=rounds, max_size=rounds)
    up, down = data.draw(sizes), data.draw(sizes)
    accuracies, target = [each / 1000 for each in curve], (halves + 0.5) / 1000
    got = bytes_to(accuracies, target, bytes_up=up, bytes_down=down)
    reached = [number for number, each in enumerate(accuracies) if each >= target]
    assert got == (sum(up[: reached[0]]) + sum(down[: reached[0]]) if reached else None)


def test_targets_of_checks_lie_between_thousandths() -> None:
    for seed in range(20):
        curve = checks.curve(np.random.default_rng(seed), 12)
        target = checks.between(curve, 0.5)
        assert (1000 * target) % 1 == pytest.approx(0.5)
        assert all(abs(each - target) > 4e-4 for each in curve)


@pytest.fixture(scope="module")
def task() -> Task:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(240) % 3
    x = 2 * torch.eye(3)[y] + torch.randn(240, 3, generator=generator)
    return Task("digits", x[:200], y[:200], x[200:], y[200:], Network(lambda: nn.Linear(3, 3)), 3)


def test_more_steps_a_round_need_fewer_rounds(task: Task) -> None:
    ways = targets.ways(task, "dirichlet", clients=12, alpha=1.0)
    assert list(ways) == ["iid", "dirichlet"]
    rows = [Local(1, 0), Local(5, 4)]
    setting = Setting(rounds=25, target=0.6)
    cells = targets.table(task, ways, rows=rows, setting=setting, rounds_to=rounds_to, seeds=2)
    assert set(cells) == {(row, name) for row in (0, 1) for name in ways}
    assert cells[1, "iid"].middle < cells[0, "iid"].middle < 25
    assert all(len(cell.rounds) == 2 for cell in cells.values())
    assert all(cell.local.learning_rate in targets.RATES for cell in cells.values())


def test_samples_with_owners_have_one_column(task: Task) -> None:
    owners = np.array([f"speaker {number % 5}" for number in range(200)])
    owned = Task("digits", task.x, task.y, task.x_test, task.y_test, task.network, 3, owners)
    ways = targets.ways(owned, "iid", clients=12, alpha=1.0)
    assert [len(deal(0)) for deal in ways.values()] == [5]
    assert list(targets.ways(task, "iid", clients=4, alpha=1.0)) == ["iid", "dirichlet"]


def test_what_is_never_reached_is_said() -> None:
    reached = targets.Cell(Local(1, 0), (4.0, 2.0, 3.0), 20)
    some = targets.Cell(Local(1, 8), (4.0, None, 3.0), 20)
    none = targets.Cell(Local(5, 8), (None, None, 3.0), 20)
    assert [str(each) for each in (reached, some, none)] == [
        "3.0 [2.0, 4.0]",
        "4.0 [3.0, over 20]",
        "over 20 [3.0, over 20]",
    ]
    assert targets.factor(some, reached) == pytest.approx(4 / 3)
    assert targets.factor(none, reached) is None
    assert targets.factor(reached, targets.Cell(Local(), (0.0,), 20)) is None
    rows = targets.as_rows({(0, "iid"): some, (1, "iid"): reached, (2, "iid"): none})
    assert [row["iid: factor"] for row in rows] == ["1.0", "1.3", "unknown"]
    assert [row["batch"] for row in rows] == [8, "all", 8]


def test_a_factor_that_is_open_is_handed_over_as_a_lower_bound() -> None:
    fast = targets.Cell(Local(1, 8), (4.0, 2.0, 4.0), 20)
    slow = targets.Cell(Local(1, 0), (12.0, 8.0, 16.0), 20)
    given_up = targets.Cell(Local(1, 0), (None, None, 3.0), 20)
    at_once = targets.Cell(Local(1, 8), (0.0, 0.0, 0.0), 20)
    found = [
        targets.factor_or_bound(*pair)
        for pair in ((slow, fast), (given_up, fast), (given_up, given_up), (at_once, at_once))
    ]
    assert [each.value for each in found] == [3.0, 5.0, 1.0, 1.0]
    assert [each.kind for each in found] == ["counted", "assumed", "assumed", "counted"]


def test_the_figure_draws_what_it_returns() -> None:
    cells = {
        (0, "iid"): targets.Cell(Local(1, 0), (4.0, 2.0, 3.0), 20),
        (1, "iid"): targets.Cell(Local(5, 8), (None, None, 3.0), 20),
    }
    _, axes = plots.new_figure()
    drawn = targets.draw(axes, cells, title="Rounds")
    assert [each["rounds"] for each in drawn] == [3.0, 20]
    assert [bar.get_height() for bar in axes.patches] == [3.0, 20]
    assert axes.get_ylabel() == "to the target [rounds]"
