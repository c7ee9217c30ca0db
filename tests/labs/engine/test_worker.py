"""What the worker does when a kernel does not start."""

import pytest

from labs.engine import worker

DIED = "Kernel died before replying to kernel_info"


@pytest.fixture
def starts(monkeypatch):
    """Return a list of what each start raises, and note the rest that was not needed."""
    errors = []

    def start(*_, **__):
        if errors:
            raise errors.pop(0)

    monkeypatch.setattr(worker, "execute_notebook", start)
    return errors


TASK = dict.fromkeys(("input", "output", "parameters", "kernel_name", "folder"), "")


def test_a_kernel_that_dies_at_its_start_is_started_again(starts):
    starts += [RuntimeError(DIED)] * (worker.STARTS - 1)
    assert worker.execute(TASK) == {"outcome": "ok"}
    assert not starts


def test_it_is_not_tried_for_ever_and_nothing_else_is_tried_again(starts):
    starts += [RuntimeError(DIED)] * (worker.STARTS + 1)
    with pytest.raises(RuntimeError, match=DIED):
        worker.execute(TASK)
    assert len(starts) == 1
    starts[:] = [RuntimeError("another"), RuntimeError("left")]
    with pytest.raises(RuntimeError, match="another"):
        worker.execute(TASK)
    assert len(starts) == 1
