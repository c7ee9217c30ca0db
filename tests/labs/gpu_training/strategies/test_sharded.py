"""On 3 ranks, where nothing divides evenly: weights, bytes held and bytes sent."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from labs.gpu_training import sharding
from labs.gpu_training.equality import EQUALITY, LIMIT
from labs.gpu_training.given.sharding import adamw_update, zero1_step
from labs.gpu_training.sharded_state import held_bytes
from labs.gpu_training.strategies import sharded, zero1

RANKS = 3
# Of this seed and batch no gradient of the first step is near eps; see `equality`.
WORKLOAD = dataclasses.replace(EQUALITY, batch=12, seed=3)
SHAPES = [tuple(p.shape) for p in WORKLOAD.model().parameters()]
PARAMETERS = sum(math.prod(shape) for shape in SHAPES)


@pytest.fixture(scope="module")
def trained() -> dict[str, sharding.Trained]:
    found = sharding.compare(zero1_step, adamw_update, workload=WORKLOAD, world_size=RANKS)
    assert PARAMETERS % RANKS, "padding is what these tests are about"
    return found


def rows_of(rank: int) -> int:
    """Elements that FSDP2 gives a rank: of every tensor the next ceil(rows / ranks) rows."""
    total = 0
    for rows, *rest in SHAPES:
        piece = -(-rows // RANKS)
        total += max(0, min(rows - rank * piece, piece)) * math.prod(rest)
    return total


@pytest.mark.parametrize("name", sharding.NAMES)
def test_the_weights_are_those_of_one_process(trained, name: str) -> None:
    assert trained[name].difference <= LIMIT


def test_zero1_holds_one_padded_piece_of_the_moments(trained) -> None:
    piece = zero1.piece_size(PARAMETERS, RANKS)
    wanted = held_bytes(PARAMETERS, RANKS, stage=1, precision="float32")
    for held in trained["zero1"].held_bytes:
        assert held["optimizer"] == wanted["optimizer"] == 2 * 4 * piece
        assert held["weights"] == held["gradients"] == 4 * piece * RANKS


def test_the_library_shares_out_all_moments_in_whole_tensors(trained) -> None:
    held = trained["zero1_library"].held_bytes
    assert {each["weights"] for each in held} == {4 * PARAMETERS}
    assert sum(each["optimizer"] for each in held) == 2 * 4 * PARAMETERS
    largest = max(map(math.prod, SHAPES))
    spread = max(each["optimizer"] for each in held) - min(each["optimizer"] for each in held)
    assert 0 < spread <= 2 * 4 * largest


def test_fsdp2_holds_rows_of_every_tensor(trained) -> None:
    for rank, held in enumerate(trained["fsdp2"].held_bytes):
        elements = rows_of(rank)
        assert held == {
            "weights": 4 * elements,
            "gradients": 4 * elements,
            "optimizer": 2 * 4 * elements,
        }
    assert sum(map(rows_of, range(RANKS))) == PARAMETERS


def test_what_is_sent_is_what_the_strategy_says(trained) -> None:
    padded = 4 * zero1.piece_size(PARAMETERS, RANKS) * RANKS
    assert trained["zero1"].payload_bytes == {"reduce_scatter": padded, "all_gather": padded}
    whole = 4 * PARAMETERS
    assert trained["zero1_library"].payload_bytes == {"all_reduce": whole, "broadcast": whole}
    rows = 4 * sum(-(-shape[0] // RANKS) * RANKS * math.prod(shape[1:]) for shape in SHAPES)
    sent = trained["fsdp2"].payload_bytes
    assert sent["reduce_scatter"] == rows
    assert rows < sent["all_gather"] < 2 * rows  # what is outside of blocks is gathered once


def test_parameters_are_views_of_the_flat_tensor_and_keep_their_values() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    before = [p.detach().clone() for p in model.parameters()]
    flat = zero1.Flat(model, 4)
    assert (flat.parameters, len(flat.weights)) == (11, 12)
    for p, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(p, old)
    torch.autograd.backward(model(torch.ones(1, 3)).sum())
    grads = torch.cat([p.grad.flatten() for p in model.parameters()])
    assert torch.equal(flat.gradients[:11], grads)
    assert float(flat.gradients[11]) == 0
    flat.weights.zero_()
    assert all(float(p.detach().abs().max()) == 0 for p in model.parameters())
    flat.clear()
    assert all(float(p.grad.abs().max()) == 0 for p in model.parameters())


def test_bytes_held_do_not_count_the_number_of_the_step() -> None:
    model = nn.Linear(3, 2, bias=False)
    optimizer = torch.optim.AdamW(model.parameters())
    none = sharded.held_bytes(model.parameters(), optimizer)
    assert none == {"weights": 24, "gradients": 0, "optimizer": 0}
    torch.autograd.backward(model(torch.ones(1, 3)).sum())
    optimizer.step()
    all_of_it = sharded.held_bytes(model.parameters(), optimizer)
    assert all_of_it == {"weights": 24, "gradients": 24, "optimizer": 48}
