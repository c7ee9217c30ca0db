"""The transformer in stages: nothing lost, nothing twice, the same function; what is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training.strategies import stages, tensor
from labs.gpu_training.workload import Workload, weights_of


@given(layers=st.integers(1, 30), data=st.data())
def test_a_cut_keeps_all_parts_in_order(layers, data):
    number = data.draw(st.integers(1, layers + 2))
    parts = stages.cut(layers, number)
    assert [part for stage in parts for part in stage] == list(range(layers + 2))
    blocks = [sum(0 < part <= layers for part in stage) for stage in parts]
    assert all(parts)
    assert max(blocks) - min(blocks) <= 1


@pytest.mark.parametrize("number", [0, 5])
def test_too_many_stages_are_refused(number):
    with pytest.raises(ValueError, match=rf"{number} stages of 2 blocks.*; take 1 to 4"):
        stages.cut(2, number)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_stages_one_after_the_other_are_the_network(number):
    workload = Workload(size="tiny", batch=2)
    x, _ = workload.batch_of(0)
    built = [stages.build(workload, rank=rank, stages=number) for rank in range(number)]
    flowing = x
    for stage in built:
        flowing = stage(flowing)
    assert torch.equal(flowing, workload.model()(x))
    names = [name for stage in built for name in weights_of(stage)]
    assert sorted(names) == sorted(weights_of(workload.model()))


@pytest.mark.parametrize("micro_batches", [0, 3])
def test_micro_batches_of_different_sizes_are_refused(micro_batches):
    with pytest.raises(ValueError, match=f"batch is 16 and micro_batches {micro_batches}"):
        stages.check(Workload(batch=16), micro_batches=micro_batches)


def test_split_layers_refuse_heads_that_cannot_be_shared_and_dropout():
    with pytest.raises(ValueError, match="4 heads and 3 ranks"):
        tensor.check(Workload(size="tiny"), ranks=3)
    with pytest.raises(ValueError, match=r"dropout is 0\.1"):
        tensor.check(Workload(dropout=0.1), ranks=2)
    tensor.check(Workload(size="tiny"), ranks=4)
