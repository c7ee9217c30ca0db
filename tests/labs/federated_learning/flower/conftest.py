"""What every real federation or simulation must leave behind: nothing."""

import contextlib
import threading
from collections.abc import Iterator

import psutil
import pytest

LOOK_S = 0.2
GONE_WITHIN_S = 5.0


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Fail if a process that descends from this one, and was started meanwhile, lives on.

    They are found by descent while they run; the program under test finds them by a mark.
    """
    seen: set[psutil.Process] = set()
    is_over = threading.Event()
    before = set(psutil.Process().children())  # a federation of other tests may go on

    def watch() -> None:
        while not is_over.wait(LOOK_S):
            for child in set(psutil.Process().children()) - before:
                with contextlib.suppress(psutil.Error):
                    seen.update([child, *child.children(recursive=True)])

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield
    is_over.set()
    watcher.join()
    _, alive = psutil.wait_procs(seen, timeout=GONE_WITHIN_S)
    left = [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    assert left == []


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail if a process of the test lives on after it."""
    with watched():
        yield


@pytest.fixture(scope="module")
def nothing_left_of_module() -> Iterator[None]:
    """Fail if a process of the module's tests lives on after them."""
    with watched():
        yield
