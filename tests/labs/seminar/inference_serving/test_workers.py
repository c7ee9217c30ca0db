"""The real worker writes what the network says; the simulated one takes the measured time."""

import numpy as np
import pytest
import torch

from labs.seminar.inference_serving import given
from labs.seminar.inference_serving.loads import Lengths, Request, poisson
from labs.seminar.inference_serving.server import Capacity, serve
from labs.seminar.inference_serving.step_times import StepTimes
from labs.seminar.inference_serving.workers import RealWorker, SimulatedWorker
from labs.shared.transformer import SIZES, transformer

TIMES = StepTimes(prefill=(3.0, 0.5), decode=(4.0, 1.0, 0.01), ratios=(0.5, 2.0))
TEXT = torch.from_numpy(np.random.default_rng(0).integers(0, 65, 5000))


def greedy(prompt: torch.Tensor, output: int) -> list[int]:
    """Return the most likely continuation, everything recomputed for each token, in float64."""
    model, codes = transformer("tiny").double().eval(), prompt[None]
    with torch.no_grad():
        for _ in range(output):
            codes = torch.cat([codes, model(codes)[:, -1:].argmax(dim=2)], dim=1)
    return codes[0, len(prompt) :].tolist()


def test_real_tokens_are_those_of_the_network_alone() -> None:
    size = SIZES["tiny"]
    load = poisson(500.0, 12, lengths=Lengths(prompt=12, output=8, most=30), seed=0)
    worker = RealWorker(transformer("tiny"), size, most_running=3, text=TEXT, times=TIMES)
    log = serve(load, given.schedule, worker=worker, capacity=Capacity(120, 3))
    assert len(log.answered) == len(load)
    for request in load:
        start = 1000 * request.id % (len(TEXT) - request.prompt)
        alone = greedy(TEXT[start : start + request.prompt], request.output)
        assert worker.written[request.id] == alone, f"request {request.id} in a batch, and alone"
    # Those of the last step are still there: nobody asked the policy again.
    assert sorted([*worker.free, *worker.slot_of.values()]) == [0, 1, 2]
    assert all(s.token_ms == sorted(s.token_ms) for s in log.served)


def test_simulated_time_by_hand() -> None:
    worker = SimulatedWorker(TIMES)
    assert worker.read(Request(0, 0.0, 10, 5)) == worker.expected_read_ms(Request(0, 0.0, 10, 5))
    assert worker.read(Request(1, 0.0, 20, 5)) == 3.0 + 0.5 * 20
    # 11 and 21 tokens are in the caches after the first tokens; then 12 and 22.
    assert worker.write([0, 1]) == pytest.approx(4 + 2 + 0.32)
    assert worker.write([0, 1]) == pytest.approx(4 + 2 + 0.34)
    worker.leave(0)
    assert worker.write([1]) == pytest.approx(4 + 1 + 0.23)


def test_spread_is_drawn_from_the_measured_ratios_by_seed() -> None:
    takes = [
        [SimulatedWorker(TIMES, seed=seed).read(Request(i, 0.0, 2, 1)) for i in range(1)]
        for seed in range(20)
    ]
    assert {round(take[0] / 4.0, 9) for take in takes} == {0.5, 2.0}
    again = [SimulatedWorker(TIMES, seed=s).read(Request(0, 0.0, 2, 1)) for s in range(20)]
    assert again == [take[0] for take in takes]
