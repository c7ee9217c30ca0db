import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training import images, scaling
from labs.gpu_training.given.scaling import (
    amdahl_fit,
    scaled_learning_rate,
    speedup_and_efficiency,
)
from labs.gpu_training.launching.launcher import launch


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_the_laws_agree_at_their_ends(share, ranks):
    amdahl, gustafson = (
        law(share, ranks) for law in (scaling.amdahl_speedup, scaling.gustafson_speedup)
    )
    assert 1 - 1e-12 <= amdahl <= gustafson * (1 + 1e-12)
    assert gustafson <= ranks * (1 + 1e-12)
    if share > 0:
        assert amdahl <= 1 / share * (1 + 1e-12)


@given(st.floats(1e-3, 1e3), st.floats(0, 1))
def test_exact_times_give_the_law_back(one_rank_s, share):
    ranks = [2, 3, 8, 100]
    times = [one_rank_s / scaling.amdahl_speedup(share, n) for n in ranks]
    total, found = amdahl_fit(ranks, times)
    assert total == pytest.approx(one_rank_s, rel=1e-6)
    assert found == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("name", scaling.PUBLISHED)
def test_published_runs_say_where_when_and_with_what(name):
    run = scaling.PUBLISHED[name]
    assert len(run.items_per_s) >= scaling.FEWEST_POINTS
    assert all((run.machine, run.date, run.versions, run.source))
    ranks, each_s = run.seconds_an_image()
    assert ranks == sorted(ranks)
    assert each_s == sorted(each_s, reverse=True)
    assert [(n, rate.value) for n, rate in run.points()] == sorted(run.items_per_s.items())
    speedups, efficiencies = speedup_and_efficiency(ranks, each_s)
    # Two cards of one of these runs were a little faster than twice one; none much.
    assert all(0.5 < e <= 1.02 for e in efficiencies)
    assert speedups[-1] == pytest.approx(run.items_per_s[ranks[-1]] / run.items_per_s[1])
    _, share = amdahl_fit(ranks, each_s)
    assert 0 < share < 0.05


@pytest.mark.parametrize(
    ("gpus", "cores", "images", "ranks"),
    [
        (0, 2, 128, [1, 2]),
        (0, 12, 128, [1, 2, 4, 8]),
        (0, 256, 128, [1, 2, 4, 8, 16, 32, 64, 128]),
        (0, 16, 5, [1, 2, 4]),
        (1, 16, 128, [1]),  # a GPU is not compared with cores
        (8, 2, 128, [1, 2, 4, 8]),
    ],
)
def test_every_rank_has_a_place_of_its_own(monkeypatch, gpus, cores, images, ranks):
    monkeypatch.setattr(scaling.torch.cuda, "device_count", lambda: gpus)
    owned = {"sched_getaffinity": lambda _: set(range(cores)), "cpu_count": lambda: cores}
    for name, function in owned.items():
        monkeypatch.setattr(scaling.os, name, function, raising=False)
    assert scaling.free_ranks(images=images) == ranks


def test_warm_up_of_the_given_function():
    rates = [scaled_learning_rate(0.1, 3, step, 2) for step in range(4)]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.3])
    assert scaled_learning_rate(0.1, 3, 0, 0) == pytest.approx(0.3)


def averaged_and_alone():
    """Return the weights after one shared step, and after one of rank 0 with all images."""
    import torch
    from torch import distributed as dist

    x, y = (part[:16] for part in images.digits())
    rank, found = dist.get_rank(), []
    for is_shared in (True, False):
        model = images.network(seed=0)
        by = images.optimizer("SGD", model, learning_rate=0.1)
        part = slice(8 * rank, 8 * rank + 8) if is_shared else slice(None)
        scaling._step(model, by, (x[part], y[part]), is_shared=is_shared)
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]).numpy())
    return {"weights": found, "times": scaling.measure(batch=16, repeats=2)}


def test_a_shared_step_is_the_step_of_the_whole_batch():
    first, second = launch(averaged_and_alone, world_size=2).results
    shared, alone = first["weights"]
    assert np.array_equal(shared, second["weights"][0])
    # One SGD step of 0.1 with gradients up to about 1: float32 rounding, 1e-7 of that a sum.
    assert np.abs(shared - alone).max() < 1e-6
    assert {name: len(times) for name, times in first["times"].items()} == {
        "alone": 2,
        "strong": 2,
        "weak": 2,
    }
    assert first["times"] == second["times"]
