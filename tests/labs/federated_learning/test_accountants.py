"""Epsilon against two kept accountants, a published figure and an integral."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from labs.federated_learning import accountants

# What dp-accounting 0.6.0 and Opacus 1.6.0 return for the same orders, 2 to 256; they agree with
# each other to 11 digits. (rate, noise multiplier, releases, delta, epsilon, order)
KEPT = [
    (0.01, 4.0, 10_000, 1e-5, 1.0354900660362436, 17),
    (0.01, 4.0, 1_000, 1e-5, 0.3011611585547749, 48),
    (0.1, 1.0, 30, 1e-5, 4.848039837634081, 4),
    (0.05, 0.8, 60, 1 / 3000, 4.234094497921949, 3),
    (1.0, 2.0, 5, 1e-6, 5.953374610068334, 5),
]


@pytest.mark.parametrize(("rate", "z", "releases", "delta", "epsilon", "order"), KEPT)
def test_epsilon_is_that_of_kept_accountants(
    rate: float, z: float, releases: int, delta: float, epsilon: float, order: int
) -> None:
    found = accountants.spent(rate, z, releases=releases, delta=delta)
    assert (found.order, found.delta) == (order, delta)
    assert found.epsilon == pytest.approx(epsilon, rel=1e-9)


@pytest.mark.parametrize(("rate", "z", "releases", "delta", "epsilon", "order"), KEPT)
def test_opacus_agrees_where_it_is_installed(
    rate: float, z: float, releases: int, delta: float, epsilon: float, order: int
) -> None:
    found = accountants.opacus_epsilon(rate, z, releases=releases, delta=delta)
    if found is None:
        pytest.skip("Opacus is not installed")
    assert found == pytest.approx(epsilon, rel=1e-9), order


def test_a_published_epsilon() -> None:
    # Bu, Dong, Long and Su (2020), "Deep learning with Gaussian differential privacy", figure 4:
    # batches of 256 of 60,000, noise 1.3, 20 epochs give (1.34, 1e-5) by the moments accountant,
    # which turns divergences into epsilon by the older bound: + ln(1 / delta) / (order - 1).
    rate, releases = 256 / 60_000, 20 * 60_000 // 256
    older = min(
        releases * accountants.renyi(rate, 1.3, order=order) + math.log(1e5) / (order - 1)
        for order in accountants.ORDERS
    )
    assert 1.34 <= older < 1.35  # two decimals, the rest cut off
    assert accountants.spent(rate, 1.3, releases=releases, delta=1e-5).epsilon < older


@pytest.mark.parametrize(("rate", "z", "order"), [(0.1, 1.0, 4), (0.01, 0.7, 3), (0.5, 3.0, 12)])
def test_the_divergence_is_the_integral(rate: float, z: float, order: int) -> None:
    def density(t: float, mean: float) -> float:
        return math.exp(-((t - mean) ** 2) / (2 * z * z)) / (z * math.sqrt(2 * math.pi))

    def integrand(t: float) -> float:
        ratio = 1 - rate + rate * math.exp((2 * t - 1) / (2 * z * z))
        return density(t, 0) * ratio**order

    value, _ = integrate.quad(integrand, -20 * z, 20 * z + order, limit=500, epsabs=0, epsrel=1e-10)
    want = math.log(value) / (order - 1)
    assert accountants.renyi(rate, z, order=order) == pytest.approx(want, rel=1e-7)


@settings(max_examples=25, deadline=None)
@given(rate=st.floats(0.001, 0.9), z=st.floats(0.5, 8), releases=st.integers(1, 500))
def test_more_noise_less_sampling_and_fewer_rounds_give_less_away(
    rate: float, z: float, releases: int
) -> None:
    def epsilon(rate: float, z: float, releases: int) -> float:
        return accountants.spent(rate, z, releases=releases, delta=1e-5).epsilon

    base = epsilon(rate, z, releases)
    assert epsilon(rate, 1.5 * z, releases) <= base
    assert epsilon(rate / 2, z, releases) <= base
    assert base <= epsilon(rate, z, 2 * releases)
    assert base <= epsilon(1.0, z, releases)  # being drawn by chance never costs


def test_what_is_said_names_relation_and_sampling() -> None:
    text = str(accountants.spent(0.1, 1.0, releases=30, delta=1e-5))
    assert text == (
        "epsilon 4.85 at delta 1e-05, neighbours: one client more or less, sampling: Poisson"
    )


def test_what_is_out_of_range_is_refused_in_a_line() -> None:
    with pytest.raises(ValueError, match="rate is 0; give"):
        accountants.renyi(0.0, 1.0, order=2)
    with pytest.raises(ValueError, match="noise_multiplier is 0; without noise"):
        accountants.renyi(0.1, 0.0, order=2)
    with pytest.raises(ValueError, match="noise_multiplier is inf"):
        accountants.renyi(0.1, np.inf, order=2)
    with pytest.raises(ValueError, match="order is 1; give"):
        accountants.renyi(0.1, 1.0, order=1)
    with pytest.raises(ValueError, match="delta is 1; give"):
        accountants.spent(0.1, 1.0, releases=1, delta=1.0)
    with pytest.raises(ValueError, match="releases is 0; give"):
        accountants.spent(0.1, 1.0, releases=0, delta=0.5)
