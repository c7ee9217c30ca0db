"""Every strategy gives the weights of one process, on 2 and on 4 ranks."""

import pytest

from labs.gpu_training import equality
from labs.gpu_training.strategies.registry import STRATEGIES

SPREAD = [name for name in STRATEGIES if name != "single"]
PLACES = [(n, name) for n in (2, 4) for name in SPREAD if STRATEGIES[name].least_ranks <= n]


@pytest.fixture(scope="module")
def found():
    """Differences by strategy and number of ranks; one launch for each number, when asked for."""
    known = {}

    def ask(world_size: int) -> dict[str, float]:
        if world_size not in known:
            names = [name for n, name in PLACES if n == world_size]
            known[world_size] = equality.differences(names, world_size=world_size)
        return known[world_size]

    return ask


@pytest.mark.parametrize(("world_size", "name"), PLACES)
def test_the_weights_are_those_of_one_process(found, world_size: int, name: str) -> None:
    assert found(world_size)[name] <= equality.LIMIT
