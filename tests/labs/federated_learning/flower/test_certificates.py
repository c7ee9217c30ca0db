"""TLS really shakes hands with these certificates, and not with others. The oracle is OpenSSL."""

import ssl
import stat
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="needs the extra cluster or federated")

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from labs.federated_learning.flower.certificates import (
    Certificates,
    make_certificates,
    make_node_key,
)


def shake_hands(server: Certificates, *, trusted: Path, name: str) -> None:
    """Shake hands in memory; raises what the client sees."""
    listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listening.load_cert_chain(server.certificate, server.key)
    calling = ssl.create_default_context(cafile=str(trusted))
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = calling.wrap_bio(back, there, server_hostname=name)
    host = listening.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (client, host):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "server.lab", "10.9.0.1"])
def test_every_host_is_in_the_certificate(tmp_path: Path, name: str) -> None:
    made = make_certificates(tmp_path, hosts=["localhost", "127.0.0.1", "server.lab", "10.9.0.1"])
    shake_hands(made, trusted=made.authority, name=name)


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    made, other = make_certificates(tmp_path / "a"), make_certificates(tmp_path / "b")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(made, trusted=other.authority, name="localhost")


def test_another_host_is_not_trusted(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(made, trusted=made.authority, name="elsewhere")


def test_without_a_host(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hosts is empty"):
        make_certificates(tmp_path, hosts=[])


def test_secrets_are_for_the_user_alone(tmp_path: Path) -> None:
    key = make_certificates(tmp_path / "certificates").key
    private, _ = make_node_key(tmp_path / "keys", "node0")
    for path in (key, private):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_node_key_has_two_halves(tmp_path: Path) -> None:
    private, public = make_node_key(tmp_path, "node0")
    half = load_ssh_public_key(public.read_bytes())
    assert isinstance(half, ec.EllipticCurvePublicKey)
    assert load_ssh_private_key(private.read_bytes(), None).public_key() == half
