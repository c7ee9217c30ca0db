"""A process group of this process alone, for what needs one and launches nothing."""

import pytest
from torch import distributed as dist


@pytest.fixture
def one_rank():
    """The default group, gloo, with one rank."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    if dist.is_initialized():  # a test may have left it
        dist.destroy_process_group()
