"""The way to a Dask cluster that somebody else has started: its address, and a connection.

Certificates come from Dask's configuration (``distributed.comm.tls``, files or environment), which
this module neither makes nor reads itself. What is done on the cluster is not decided here.
"""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from labs.engine.errors import ExtraMissingError, RunError, UsageError
from labs.engine.extras import install_command

CONNECT_LIMIT_S = 30.0


def check_address(address: str, *, trust_network: bool) -> None:
    """Refuse the address of a scheduler to which nothing must be sent.

    Parameters
    ----------
    address
        ``tls://HOST:PORT``, or ``tcp://`` on this machine.
    trust_network
        Whether ``tcp://`` to other machines is accepted: anyone on the way reads and changes what
        is sent.

    Raises
    ------
    UsageError
        If it is no address, or not encrypted where it must be.

    Examples
    --------
    >>> check_address("tcp://127.0.0.1:8786", trust_network=False)
    >>> check_address("tls://node7:8786", trust_network=False)
    """
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("tls", "tcp") and bool(parts.hostname and parts.port)
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError(f"--scheduler {address!r}: give it as tls://HOST:PORT")
    if parts.scheme == "tcp" and not (trust_network or _is_loopback(parts.hostname or "")):
        raise UsageError(
            f"{address} is not encrypted: start the scheduler with certificates and give it as "
            "tls://..., or add --trust-network if nobody else is on the network"
        )


def connect(address: str) -> Any:
    """Return a client of a scheduler, a `distributed.Client`; the caller closes it.

    Parameters
    ----------
    address
        That `check_address` let pass.

    Raises
    ------
    UsageError
        If the extra ``cluster`` is not installed, or no certificates are named.
    RunError
        If the scheduler does not answer.
    """
    try:
        import dask  # noqa: PLC0415 - an extra
        from distributed import Client  # noqa: PLC0415 - the same
        from distributed.security import Security  # noqa: PLC0415 - the same
    except ImportError as err:
        raise ExtraMissingError(
            f"--scheduler needs Dask, not installed here; run: {install_command('cluster')}"
        ) from err
    is_encrypted = address.startswith("tls:")
    if is_encrypted and not dask.config.get("distributed.comm.tls.ca-file", None):
        raise UsageError(
            f"no certificates for {address}: name them in Dask's configuration, such as "
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE and ...__CLIENT__CERT"
        )
    client: Any = Client  # Dask's own types say nothing about its arguments
    secure: Any = Security
    try:
        return client(
            address,
            security=secure(require_encryption=is_encrypted),
            timeout=CONNECT_LIMIT_S,
            set_as_default=False,
        )
    except (OSError, TimeoutError, ValueError, TypeError) as err:
        raise RunError(
            f"the scheduler at {address} does not answer ({err}); check that it runs and that "
            "Dask's configuration names certificates of the same authority"
        ) from err


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
