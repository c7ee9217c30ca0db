"""What every test process needs: one thread, and a reason for each skip."""

import os
import shutil

import pytest

# Set before anything imports torch, and inherited by the kernels that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the verbs of the Makefile choose."""
    parser.addoption("--preset", default="smoke", help="preset that the notebooks are run with")
    parser.addoption("--network", action="store_true", help="also run tests that use the network")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot do, with the reason."""
    if item.get_closest_marker("network") and not item.config.getoption("--network"):
        pytest.skip("uses the network; run with --network")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no GPU that torch can use")
    if item.get_closest_marker("browser") and find_browser() is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")


def find_browser() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Path of Chromium, for tests marked ``browser``."""
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    return path
