"""Servers on simulated time: equal to the loop where nobody is late, and clocks that add up."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from labs.federated_learning import devices, partitions, systems, tasks, waiting
from labs.federated_learning.local import Local
from labs.federated_learning.loop import Setting, run


@pytest.fixture(scope="module")
def task():
    return tasks.load("digits")


def federation_of(task, *, spread=1.0, online=None, seed=0, clients=12):
    """Return clients on devices that are always online, or as given."""
    parts = partitions.deal(task, "iid", clients=clients, alpha=1.0, seed=seed)
    fleet = devices.draw(clients, spread=spread, seed=seed)
    trace = np.ones((clients, 1), dtype=bool) if online is None else online
    fleet = devices.Fleet(fleet.sample_s, fleet.bandwidth_bytes_per_s, trace)
    return systems.Federation(task, parts, fleet, Setting(local=Local(batch=0), seed=seed))


def wait(federation, **changes):
    """Return a synchronous run of few rounds."""
    given = {"asked": 12, "wanted": 12, "deadline_s": 1e5, "rounds": 3} | changes
    return systems.synchronous(federation, waiting.simulate_round, **given)


def test_waiting_for_all_of_all_is_the_loop(task):
    federation = federation_of(task)
    line = wait(federation)
    setting = Setting(rounds=3, local=Local(batch=0), seed=0)
    history = run(task, federation.parts, setting=setting)
    # Both average in float64; a few roundings to float32 differ at most.
    assert torch.allclose(line.weights, history.weights, rtol=0, atol=1e-6)
    assert line.accuracy == pytest.approx(history.accuracy, abs=1 / 355 + 1e-9)
    slowest_s = max(federation.needed_s(client) for client in range(12))
    assert line.round_s == pytest.approx([slowest_s] * 3)
    assert line.clock_s == pytest.approx(np.arange(4) * slowest_s)
    assert line.wasted_s == 0
    assert line.kept.tolist() == [3] * 12


def test_a_deadline_drops_the_same_clients_every_time(task):
    federation = federation_of(task)
    needed_s = np.array([federation.needed_s(client) for client in range(12)])
    deadline_s = float(np.median(needed_s))
    line = wait(federation, deadline_s=deadline_s)
    assert line.round_s == [deadline_s] * 3
    assert (line.kept > 0).tolist() == (needed_s <= deadline_s).tolist()
    assert line.wasted_s == pytest.approx(3 * 6 * deadline_s)


def test_over_selection_keeps_the_first(task):
    federation = federation_of(task)
    line = wait(federation, wanted=4)
    needed_s = np.array([federation.needed_s(client) for client in range(12)])
    assert set(np.flatnonzero(line.kept)) == set(np.argsort(needed_s)[:4])
    assert line.round_s == pytest.approx([np.sort(needed_s)[3]] * 3)


def test_only_those_online_are_asked_and_some_are_lost(task):
    online = np.zeros((12, 2), dtype=bool)
    online[:5, 0], online[:3, 1] = True, True
    federation = federation_of(task, online=online, spread=0.0)
    assert federation.duration_s(0, clock_s=3599.0) < np.inf
    assert federation.duration_s(4, clock_s=3599.0) == np.inf
    line = wait(federation, rounds=1)
    assert np.flatnonzero(line.kept).tolist() == [0, 1, 2, 3, 4]
    # Five were asked, and nobody waits for the twelve that are wanted.
    assert line.round_s == [max(federation.needed_s(client) for client in range(5))]


def test_a_server_that_reaches_nobody_waits(task):
    online = np.zeros((12, 3), dtype=bool)
    online[:, 2] = True
    line = wait(federation_of(task, online=online, spread=0.0), rounds=1)
    assert line.clock_s[1] - line.round_s[0] == 2 * 3600


def test_a_round_that_keeps_nobody_changes_nothing(task):
    line = wait(federation_of(task), deadline_s=0.001, rounds=2)
    assert line.accuracy[0] == line.accuracy[2]
    assert line.kept.sum() == 0


@pytest.mark.parametrize("engine", ["synchronous", "asynchronous"])
def test_a_fleet_that_is_never_online(task, engine):
    federation = federation_of(task, online=np.zeros((12, 4), dtype=bool))
    start = {
        "synchronous": lambda: wait(federation),
        "asynchronous": lambda: systems.asynchronous(
            federation, lambda _: 1.0, busy=2, buffer=1, changes=1
        ),
    }[engine]
    with pytest.raises(ValueError, match="no device is ever online"):
        start()


def test_the_first_change_of_an_asynchronous_server_is_a_round(task):
    federation = federation_of(task, spread=0.0)
    parts = [part[:80] for part in federation.parts]  # equal samples: equal shares and durations
    federation = systems.Federation(task, parts, federation.fleet, federation.setting)
    seen = []
    line = systems.asynchronous(
        federation, lambda s: seen.append(s) or 1.0, busy=12, buffer=12, changes=1
    )
    together = wait(federation, rounds=1)
    assert torch.allclose(line.weights, together.weights, rtol=0, atol=1e-6)
    assert line.clock_s == pytest.approx(together.clock_s)
    assert seen == [0] * 12


def test_late_updates_count_by_their_weight(task):
    federation = federation_of(task)
    lines = [
        systems.asynchronous(federation, weigh, busy=6, buffer=2, changes=3)
        for weigh in (lambda _: 1.0, lambda _: 0.0)
    ]
    assert lines[0].accuracy[-1] != lines[0].accuracy[0]
    assert len(set(lines[1].accuracy)) == 1
    assert torch.equal(lines[1].weights, task.network.initial(0))


def test_slow_devices_send_stale_updates(task):
    federation = federation_of(task, spread=1.0)
    seen = []
    line = systems.asynchronous(
        federation, lambda s: seen.append(s) or 1.0, busy=6, buffer=2, changes=12
    )
    assert len(seen) == 24 == line.kept.sum()
    assert min(seen) >= 0
    assert max(seen) >= 2
    assert np.diff(line.clock_s).min() >= 0
    assert len(line.accuracy) == 13


def test_more_at_work_than_clients_and_clients_that_are_lost(task):
    online = np.ones((12, 3), dtype=bool)
    online[::2, 1] = False
    federation = federation_of(task, online=online)
    line = systems.asynchronous(federation, lambda _: 1.0, busy=50, buffer=5, changes=30)
    assert line.kept.sum() == 150
    assert line.accuracy[-1] > line.accuracy[0]


def test_runs_follow_from_their_seed(task):
    lines = [
        systems.compare(
            federation_of(task, seed=seed),
            waiting.simulate_round,
            staleness_weight=waiting.staleness_weight,
            rounds=2,
            wanted=4,
        )
        for seed in (1, 1, 2)
    ]
    assert list(lines[0]) == ["all", "deadline", "over-selection", "asynchronous"]
    for name in lines[0]:
        assert torch.equal(lines[0][name].weights, lines[1][name].weights)
        assert not torch.equal(lines[0][name].weights, lines[2][name].weights)
    assert [lines[0][name].kept.sum() for name in ("all", "asynchronous")] == [8, 8]


def test_time_to_a_target_and_accuracy_at_a_time():
    line = systems.Timeline(clock_s=[0.0, 10.0, 20.0], accuracy=[0.1, 0.6, 0.5])
    assert line.accuracy_at([0, 9.9, 10, 15, 99]) == [0.1, 0.1, 0.6, 0.6, 0.5]
    assert line.seconds_to(0.5) == 10
    assert line.seconds_to(0.7) == np.inf


def test_the_accuracy_of_a_client_is_mixed_as_its_samples(task):
    weights = task.network.initial(3)
    with torch.no_grad():
        right = task.network(weights, task.x_test).argmax(1) == task.y_test
    of_class = [float(right[task.y_test == each].double().mean()) for each in range(10)]
    part = np.array([0, 1, 2, 3, 4, 50, 51])
    want = np.mean([of_class[int(task.y[at])] for at in part])
    assert systems.accuracies_for(task, weights, parts=[part, part]) == pytest.approx([want, want])


def test_the_slowest_quarter(task):
    federation = federation_of(task)
    needed_s = [federation.needed_s(client) for client in range(12)]
    slow = federation.slowest_quarter()
    assert len(slow) == 3
    assert min(needed_s[c] for c in slow) >= max(needed_s[c] for c in range(12) if c not in slow)


def test_an_asynchronous_server_whose_clients_never_get_done(task):
    federation = federation_of(task, spread=0.0)
    federation = replace(federation, setting=Setting(local=Local(epochs=100)))
    assert federation.needed_s(0) > systems.GIVE_UP_S
    with pytest.raises(ValueError, match="no device got done in 2 simulated hours"):
        systems.asynchronous(federation, lambda _: 1.0, busy=3, buffer=1, changes=1)


def test_a_client_that_works_alone_is_never_late(task):
    seen = []
    systems.asynchronous(
        federation_of(task), lambda s: seen.append(s) or 1.0, busy=1, buffer=1, changes=4
    )
    assert seen == [0] * 4
