"""Private rounds: who takes part, what is divided by what, and a run without noise as an oracle."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from labs.federated_learning import tasks, user_dp
from labs.federated_learning.given.private import clip_and_noise
from labs.federated_learning.local import Local
from labs.federated_learning.loop import Setting, run


@pytest.fixture(scope="module")
def digits() -> tasks.Task:
    return tasks.load("digits")


def parts_of(task: tasks.Task, clients: int) -> list[np.ndarray]:
    return list(np.array_split(np.arange(len(task.y)), clients))


def test_without_noise_and_with_all_it_is_fedavg(digits: tasks.Task) -> None:
    parts = [part[:30] for part in parts_of(digits, 8)]  # of one size: both averages are the mean
    local = Local(epochs=1, batch=0, learning_rate=0.2)
    private = user_dp.Private(3, 0.0, rate=1.0, clip=1e9, local=local, seed=2)
    found = user_dp.train(digits, parts, private=private, clip_and_noise=clip_and_noise)
    want = run(digits, parts, setting=Setting(rounds=3, local=local, seed=2))
    assert found.came == [8, 8, 8]
    assert found.clipped == [0, 0, 0]
    # Sums in another order: a test sample may lie on the border between two classes.
    assert found.accuracy == pytest.approx(want.accuracy, abs=1.5 / len(digits.y_test))


def test_clients_take_part_independently(digits: tasks.Task) -> None:
    parts = user_dp.simulated_clients(parts_of(digits, 20), number=2000, samples=2, seed=0)
    asked: list[tuple[int, float]] = []

    def note(updates: np.ndarray, clip: float, **given: object) -> np.ndarray:
        asked.append((len(updates), float(str(given["expected_clients"]))))
        return np.zeros(updates.shape[1])

    private = user_dp.Private(20, 1.0, rate=0.05, local=Local(1, 0, 0.1), seed=5)
    history = user_dp.train(digits, parts, private=private, clip_and_noise=note)
    came = [each for each, _ in asked]
    assert came == history.came
    assert {expected for _, expected in asked} == {100.0}
    # Binomial: mean 100, standard deviation 9.7; of 20 rounds the mean is within 5 of 2.2.
    assert abs(np.mean(came) - 100) < 11
    assert len(set(came)) > 5


def test_a_round_without_clients_still_gets_noise(digits: tasks.Task) -> None:
    private = user_dp.Private(2, 1.0, rate=1e-9, seed=0)
    history = user_dp.train(
        digits, parts_of(digits, 3), private=private, clip_and_noise=clip_and_noise
    )
    assert history.came == [0, 0]
    assert history.accuracy[0] != history.accuracy[-1]


def test_long_updates_are_counted(digits: tasks.Task) -> None:
    private = user_dp.Private(1, 0.0, rate=1.0, clip=1e-6, seed=0)
    history = user_dp.train(
        digits, parts_of(digits, 4), private=private, clip_and_noise=clip_and_noise
    )
    assert history.clipped == [1.0]


def test_simulated_clients_draw_from_one_part_each() -> None:
    parts = [np.arange(5), np.arange(5, 9)]
    crowd = user_dp.simulated_clients(parts, number=7, samples=8, seed=1)
    assert [len(each) for each in crowd] == [8] * 7
    assert all(set(each.tolist()) <= set(parts[k % 2].tolist()) for k, each in enumerate(crowd))
    again = user_dp.simulated_clients(parts, number=7, samples=8, seed=1)
    assert all((a == b).all() for a, b in zip(crowd, again, strict=True))


def test_enough_real_clients_stay_as_they_are() -> None:
    parts = [np.arange(5), np.arange(5, 9)]
    assert user_dp.simulated_clients(parts, number=2, samples=8, seed=1) == parts


def test_a_rate_that_is_none_is_refused(digits: tasks.Task) -> None:
    with pytest.raises(ValueError, match=r"rate is 1\.5; give"):
        user_dp.train(
            digits,
            parts_of(digits, 2),
            private=user_dp.Private(1, 1.0, rate=1.5),
            clip_and_noise=clip_and_noise,
        )


def test_torch_is_left_alone(digits: tasks.Task) -> None:
    before = torch.get_rng_state()
    private = user_dp.Private(1, 1.0, rate=0.5)
    user_dp.train(digits, parts_of(digits, 4), private=private, clip_and_noise=clip_and_noise)
    assert torch.equal(before, torch.get_rng_state())


def test_an_update_that_is_not_finite_counts_as_zeros(digits: tasks.Task) -> None:
    given: list[np.ndarray] = []

    def note(updates: np.ndarray, clip: float, **_: object) -> np.ndarray:
        given.append(updates)
        return np.zeros(updates.shape[1])

    parts = parts_of(digits, 3)
    spoiled = digits.x.clone()
    spoiled[parts[1]] = np.nan
    private = user_dp.Private(1, 1.0, rate=1.0, seed=0)
    user_dp.train(replace(digits, x=spoiled), parts, private=private, clip_and_noise=note)
    assert np.isfinite(given[0]).all()
    assert given[0].any(axis=1).tolist() == [True, False, True]


def test_no_round_and_no_client_are_refused(digits: tasks.Task) -> None:
    for rounds, parts in ((0, parts_of(digits, 2)), (1, [])):
        with pytest.raises(ValueError, match=f"{rounds} rounds of {len(parts)} clients; give one"):
            user_dp.train(
                digits,
                parts,
                private=user_dp.Private(rounds, 1.0),
                clip_and_noise=clip_and_noise,
            )


def test_each_round_has_its_own_order(digits: tasks.Task, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[tuple[int, ...]] = []
    plan = user_dp.plan
    monkeypatch.setattr(
        user_dp, "plan", lambda n, local, *, seed: seeds.append(seed) or plan(n, local, seed=seed)
    )
    private = user_dp.Private(2, 1.0, rate=1.0, seed=5)
    user_dp.train(digits, parts_of(digits, 2), private=private, clip_and_noise=clip_and_noise)
    assert seeds == [(5, 1, 0), (5, 1, 1), (5, 2, 0), (5, 2, 1)]
