"""The masked average against FedAvg on the survivors, and what the server sees on the way."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from labs.federated_learning import secure_sum
from labs.federated_learning.given.private import masked, unmasked
from labs.federated_learning.loop import FedAvg, Return, Setting, run
from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task

FUNCTIONS = secure_sum.Functions(masked, unmasked)


def returned(clients: int, size: int, *, seed: int) -> tuple[torch.Tensor, list[Return]]:
    rng = np.random.default_rng(seed)
    weights = torch.from_numpy(rng.normal(size=size)).float()
    samples = rng.integers(1, 60, clients)
    return weights, [
        Return(3 * k + 1, weights + torch.from_numpy(rng.normal(size=size)).float(), int(n), 1, 0.0)
        for k, n in enumerate(samples)
    ]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), clients=st.integers(2, 8), seed=st.integers(0, 99))
def test_the_average_is_that_of_the_survivors(data: st.DataObject, clients: int, seed: int) -> None:
    dropped = data.draw(st.integers(0, clients - 2))
    weights, messages = returned(clients, 30, seed=seed)
    server = secure_sum.SecureAverage(FUNCTIONS, unit=30.0, dropped=dropped, seed=seed)
    alive = server.survivors([each.client for each in messages])
    assert len(alive) == clients - dropped
    found = server.aggregate(weights, messages)
    want = FedAvg().aggregate(weights, [each for each in messages if each.client in alive])
    # Half a step a client on numerator and denominator; the sum of shares is at least 2 / 30.
    share = sum(each.samples for each in messages if each.client in alive) / 30
    bound = server.bounds[0] * (1 + 5) / (share - server.bounds[0])
    assert server.errors[0] <= server.bounds[0] == len(alive) / 2 / server.scale
    assert float((found - want).abs().max()) <= bound + 1e-6  # and float32 of the result


def test_no_client_sends_what_it_has() -> None:
    weights, messages = returned(3, 400, seed=1)
    server = secure_sum.SecureAverage(FUNCTIONS, unit=30.0)
    server.aggregate(weights, messages)
    each = messages[0]
    x = np.append((each.weights - weights).double().numpy() * each.samples / 30, each.samples / 30)
    plain = np.rint(x * server.scale).astype(np.int64).astype(np.uint32)
    assert server.last.shape == plain.shape
    # 401 words of 32 bits: one of them agrees by chance once in 10**7 times.
    assert not (server.last == plain).any()


def test_seeds_are_shared_by_two_and_used_once() -> None:
    first, second = (secure_sum.pair_seeds([2, 5, 9], secret=1, round_=n) for n in (0, 1))
    assert first[2][5] == first[5][2]
    every = [first[2][5], first[2][9], first[5][9], second[2][5], second[2][9], second[5][9]]
    assert len(set(every)) == 6
    other = secure_sum.pair_seeds([2, 5], secret=2, round_=0)
    assert other[2][5] not in every


def test_the_expansion_is_shake_256() -> None:
    # hashlib's own answer, byte by byte, least significant first.
    words = secure_sum.expand("seed", 3)
    stream = hashlib.shake_256(b"seed").digest(12)
    want = [int.from_bytes(stream[at : at + 4], "little") for at in (0, 4, 8)]
    assert words.tolist() == want
    words += np.uint32(1)  # it may be written to


def test_a_sum_of_one_is_refused() -> None:
    weights, messages = returned(3, 4, seed=0)
    server = secure_sum.SecureAverage(FUNCTIONS, unit=1.0, dropped=2)
    with pytest.raises(secure_sum.SecureSumError, match="1 of 3 clients are left"):
        server.aggregate(weights, messages)


def test_a_number_too_large_to_add_is_refused() -> None:
    weights, messages = returned(3, 4, seed=0)
    server = secure_sum.SecureAverage(FUNCTIONS, unit=1e-9)
    with pytest.raises(ValueError, match="overflow"):
        server.aggregate(weights, messages)


def test_who_vanishes_follows_from_the_seed() -> None:
    def who(seed: int) -> list[int]:
        server = secure_sum.SecureAverage(FUNCTIONS, unit=1.0, dropped=5, seed=seed)
        return server.survivors(list(range(10)))

    assert who(1) == who(1)
    assert len({tuple(who(seed)) for seed in range(5)}) > 1


def test_bytes_are_those_of_the_survivors() -> None:
    network = Network(lambda: nn.Linear(2, 2))
    x, y = torch.randn(12, 2, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 2
    task = Task("drawn", x, y, x, y, network, 2)
    parts = list(np.arange(12).reshape(4, 3))
    server = secure_sum.SecureAverage(FUNCTIONS, unit=3.0, dropped=1)
    history = run(task, parts, setting=Setting(rounds=2), server=server)
    # Six weights and the samples, from three of four; each reveals the seed that it shared.
    assert history.bytes_up == [3 * (4 * 7 + 32)] * 2
    assert history.bytes_down == [4 * 4 * 6] * 2


def test_a_mask_is_used_for_one_round() -> None:
    weights, messages = returned(3, 50, seed=1)
    server = secure_sum.SecureAverage(FUNCTIONS, unit=30.0)
    sent = []
    for _ in range(2):
        server.aggregate(weights, messages)
        sent.append(server.last)
    # The same numbers twice: with the same masks the difference would be 0 throughout.
    assert (sent[0] != sent[1]).mean() > 0.9
