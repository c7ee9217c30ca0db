"""Federations of parabolas: closed forms against iterated rounds, and against the optimum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.federated_learning import quadratics
from labs.federated_learning.given.drift import client_steps, new_variate
from labs.federated_learning.quadratics import TWO, Bowl, Work

bowls = st.lists(
    st.builds(Bowl, curvature=st.floats(0.5, 4), centre=st.floats(-10, 10)), min_size=1, max_size=4
)


@settings(deadline=None)  # the first use of an optimiser imports for seconds
@given(bowls, st.integers(1, 8), st.floats(0, 2))
def test_averages_come_to_rest_where_the_formula_says(
    clients: list[Bowl], steps: int, mu: float
) -> None:
    work = Work(steps, 0.1, mu)
    rest = quadratics.fixed_point(clients, work)
    # A round from the rest changes nothing; 10 is the size of what cancels.
    moved = [
        client_steps(each.gradient, np.array([rest]), steps=steps, learning_rate=0.1, mu=mu)
        for each in clients
    ]
    assert abs(np.mean(moved) - rest) <= 1e-12 * 10


def test_two_bowls_by_hand() -> None:
    assert quadratics.optimum(TWO) == 8
    assert quadratics.fixed_point(TWO, Work(1, 0.1)) == pytest.approx(8, abs=1e-12)
    # Two steps: q = 1 - 0.81 = 0.19 and 1 - 0.36 = 0.64; 6.4 / 0.83.
    assert quadratics.fixed_point(TWO, Work(2, 0.1)) == pytest.approx(6.4 / 0.83)
    assert quadratics.fixed_point(TWO, Work(10_000, 0.1)) == pytest.approx(5)


def test_walks_end_where_they_should() -> None:
    walks = quadratics.walks(client_steps, new_variate, mu=1.0)
    ends = {name: float(walk[-1]) for name, walk in walks.items()}
    # 30 rounds shrink the distance by more than a half each: 10 * 2^-30 is 1e-8.
    assert math.isclose(ends["FedAvg"], quadratics.fixed_point(TWO, Work(10, 0.1)), abs_tol=1e-7)
    assert math.isclose(
        ends["FedProx"], quadratics.fixed_point(TWO, Work(10, 0.1, 1.0)), abs_tol=1e-7
    )
    assert math.isclose(ends["SCAFFOLD"], 8, abs_tol=1e-6)
    assert {len(walk) for walk in walks.values()} == {31}


def test_one_step_of_scaffold_is_fedavg_of_one_step() -> None:
    work = Work(1, 0.05)
    plain = quadratics.averaged(client_steps, TWO, work=work, rounds=8)
    controlled = quadratics.controlled(client_steps, new_variate, bowls=TWO, work=work, rounds=8)
    # The corrections of all clients cancel in the mean.
    np.testing.assert_allclose(controlled, plain, rtol=0, atol=1e-12)
