"""The way to a Dask cluster: its address, its certificates, and a scheduler that answers."""

import sys

import pytest

from labs.engine import dask_client
from labs.engine.errors import ExtraMissingError, RunError, UsageError


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://10.0.0.7:8786", "not encrypted"),
        ("tcp://node7:8786", "--trust-network"),
        ("http://node7:80", "tls://HOST:PORT"),
        ("node7", "tls://HOST:PORT"),
        ("tls://node7", "tls://HOST:PORT"),
        ("tls://node7:notaport", "tls://HOST:PORT"),
        ("tls://[::1", "tls://HOST:PORT"),
    ],
)
def test_an_address_that_must_not_be_used_is_refused(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        dask_client.check_address(address, trust_network=False)


@pytest.mark.parametrize("address", ["tls://node7:8786", "tcp://127.0.0.1:1", "tcp://[::1]:8786"])
def test_an_address_that_may_be_used(address: str) -> None:
    dask_client.check_address(address, trust_network=False)


def test_a_network_can_be_trusted() -> None:
    dask_client.check_address("tcp://10.0.0.7:8786", trust_network=True)


def test_the_extra_is_named_where_dask_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ExtraMissingError, match=r"needs Dask.*pip install.*\[cluster\]"):
        dask_client.connect("tls://127.0.0.1:8786")


def test_encryption_needs_certificates() -> None:
    import dask
    import distributed  # noqa: F401 - its defaults come first

    with (
        dask.config.set({"distributed.comm.tls.ca-file": None}),
        pytest.raises(UsageError, match=r"no certificates for tls://.*TLS__CA_FILE"),
    ):
        dask_client.connect("tls://127.0.0.1:8786")


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_client, "CONNECT_LIMIT_S", 0.5)
    with pytest.raises(RunError, match=r"tcp://127\.0\.0\.1:9 does not answer") as caught:
        dask_client.connect("tcp://127.0.0.1:9")
    assert "\n" not in str(caught.value)
