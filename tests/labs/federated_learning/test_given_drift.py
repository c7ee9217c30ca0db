"""The stand-ins of 3.4 against formulas written anew, and against torch's own."""

import numpy as np
import pytest

from labs.federated_learning.given.drift import client_steps, fed_adam, new_variate, update_cosine


def test_cosines_of_three_clients_by_hand() -> None:
    # 24/25, -1 and -24/25.
    assert update_cosine(np.array([[3.0, 4], [4, 3], [-6, -8]])) == pytest.approx(-1 / 3)
    assert update_cosine(np.array([[1.0, 0], [0, 0]])) == 0


def test_steps_by_hand() -> None:
    # 2 (w - 10)^2 from 0: 4, then 4 + 0.1 (24 - 4 mu) with the pull towards 0.
    got = client_steps(
        lambda w: 4 * (w - 10), np.zeros(1), steps=2, learning_rate=0.1, mu=1.0, correction=0.0
    )
    assert got == pytest.approx([4 + 0.1 * (24 - 4)])


def test_variate_of_one_step_is_the_gradient() -> None:
    rng = np.random.default_rng(0)
    start, common, own, slope = rng.normal(size=(4, 6))
    end = client_steps(lambda _: slope, start, steps=1, learning_rate=0.5, correction=common - own)
    new = new_variate(start, end, steps=1, learning_rate=0.5, variates=(common, own))
    np.testing.assert_allclose(new, slope, rtol=0, atol=1e-14)


def test_first_step_of_fed_adam() -> None:
    state = {"mean": np.zeros(2), "square": np.zeros(2)}
    new, after = fed_adam(np.zeros(2), np.array([1.0, 0.0]), state=state, learning_rate=0.3)
    # 0.1 over (sqrt(0.01) + 0.001), without any correction.
    np.testing.assert_allclose(new, [0.3 * 0.1 / 0.101, 0], rtol=1e-14)
    np.testing.assert_allclose(after["mean"], [0.1, 0])
    np.testing.assert_allclose(after["square"], [0.01, 0])
