"""Every strategy of the registry can be loaded, and takes the options that stand beside it."""

import inspect

import pytest

from labs.gpu_training.strategies import registry
from labs.gpu_training.strategies.registry import STRATEGIES


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_takes_a_workload_and_its_options(name: str) -> None:
    train = STRATEGIES[name].load()
    inspect.signature(train).bind(None, **STRATEGIES[name].options)


def test_every_strategy_says_what_it_splits_and_sends() -> None:
    for each in STRATEGIES.values():
        assert each.splits
        assert each.sends


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="strategy is 'zero9'; give one of single, naive"):
        registry.named("zero9")
