import numpy as np
import pytest

from course_utils import plots
from labs.gpu_training import collectives, cost_model, ring_pictures, routing
from labs.gpu_training.checks.ring import best_fit
from labs.gpu_training.given.ring import fit_alpha_beta, ring_all_reduce
from labs.gpu_training.launching.launcher import launch

SIZES = [256, 4096, 2**20, 2**22]


@pytest.fixture(scope="module")
def launched():
    job = {"all_reduce": ring_all_reduce, "sizes_bytes": SIZES, "repeats": 5}
    return launch(collectives.measure, world_size=2, arguments=job)


def test_real_messages_give_the_librarys_sum(launched):
    # One addition of two numbers has one right answer in float32, whoever does it.
    assert [result["relative_difference"] for result in launched.results] == [0.0, 0.0]


def test_real_bytes_agree_with_those_counted_in_one_process(launched):
    for size in SIZES:
        counted = collectives.count(ring_all_reduce, elements=size // 4, ranks=2)
        for rank, result in enumerate(launched.results):
            sent = result["sent_bytes"][size]
            assert (len(sent), sum(sent)) == (counted[rank]["messages"], counted[rank]["bytes"])


def test_all_ranks_know_the_time_of_the_slowest(launched):
    first, second = launched.results
    assert first["ring_s"] == second["ring_s"]
    assert all(len(times) == 5 for times in first["library_s"].values())


def test_its_domain_goes_along_with_a_fit(launched):
    domain = collectives.domain_of(launched, SIZES)
    assert (domain.ranks, domain.backend) == (2, launched.backend)
    times = {size: [1e-4 + size * 1e-9] * 5 for size in SIZES}
    model = cost_model.fit(times, domain=domain, rng=np.random.default_rng(0))
    assert model.predict("all_reduce", 256, ranks=2).is_inside
    assert not model.predict("all_reduce", 255, ranks=2).is_inside
    figure, axes = plots.new_figure(wide=True)
    rows = ring_pictures.times_and_errors(axes, {"a": model}, samples={"a": times}, title="A fit")
    assert [row["size_bytes"] for row in rows] == SIZES
    assert plots.show(figure, alt="times").png


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_the_given_sum_is_right_and_sends_too_much(ranks):
    parts = [np.arange(7, dtype=np.float32) * (rank + 1) for rank in range(ranks)]

    def call(rank):
        return lambda send, recv: ring_all_reduce(parts[rank], rank, ranks, send, recv)

    results, router = routing.run([call(rank) for rank in range(ranks)])
    assert all(np.array_equal(result, sum(parts)) for result in results)
    counted = collectives.count(ring_all_reduce, elements=7, ranks=ranks)
    assert [row["bytes"] for row in counted] == [28 * (ranks - 1)] * ranks
    _, axes = plots.new_figure()
    rows = ring_pictures.traffic(axes, router.messages, ranks=ranks)
    assert sum(row["bytes"] for row in rows) == 28 * (ranks - 1) * ranks


def test_the_given_fit_finds_the_least_relative_squares():
    rng = np.random.default_rng(0)
    sizes = 4.0 ** np.arange(4, 13)
    times = 6 * (1e-4 + sizes / 4e9) * rng.uniform(0.9, 1.1, len(sizes))
    assert fit_alpha_beta(sizes, times, 4) == pytest.approx(
        best_fit(sizes, times, number=4), rel=1e-6
    )
