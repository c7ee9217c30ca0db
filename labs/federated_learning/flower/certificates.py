"""Certificates for a federation's TLS, and the keys by which a server knows its nodes.

An authority of our own signs the server's certificate for the names and addresses that it is
called by; nodes trust that authority alone. A node's key is its identity: the server takes part
with those whose public half was registered. Both are for a course: no revocation, short lives.
"""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID_DAYS = 7
EARLY = datetime.timedelta(minutes=5)  # for clocks that are behind ours
NO_PASSWORD = serialization.NoEncryption()


@dataclass(frozen=True)
class Certificates:
    """Files for TLS.

    Parameters
    ----------
    authority
        Certificate that nodes trust; public.
    certificate, key
        Of the server; the key stays there.
    """

    authority: Path
    certificate: Path
    key: Path


def make_certificates(
    folder: Path, *, hosts: Sequence[str] = ("localhost", "127.0.0.1")
) -> Certificates:
    """Make an authority and a server certificate that it signs; the authority's key is not kept.

    Parameters
    ----------
    folder
        Made where it is missing; readable by the user alone.
    hosts
        Names and addresses of the server, at least one.

    Raises
    ------
    ValueError
        Without a host.
    """
    if not hosts:
        raise ValueError("hosts is empty; give the names or addresses that nodes call")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    identity = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    basic = x509.BasicConstraints(ca=True, path_length=None)
    authority = _certificate("course authority", public=authority_key.public_key())
    authority = authority.add_extension(basic, critical=True).add_extension(
        identity, critical=False
    )
    authority = authority.add_extension(_signs_certificates(), critical=True)
    server = _certificate(hosts[0], public=server_key.public_key())
    names = x509.SubjectAlternativeName([_name(host) for host in hosts])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identity)
    server = server.add_extension(names, critical=False).add_extension(issuer, critical=False)
    paths = Certificates(folder / "authority.crt", folder / "server.crt", folder / "server.key")
    for path, builder in ((paths.authority, authority), (paths.certificate, server)):
        signed = builder.sign(authority_key, hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    _write_secret(paths.key, server_key, form=serialization.PrivateFormat.PKCS8)
    return paths


def make_node_key(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a node's key and return the files of its private and its public half.

    Parameters
    ----------
    folder
        Made where it is missing; readable by the user alone.
    name
        Of the private file; the public one ends in ``.pub``.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ec.generate_private_key(ec.SECP384R1())
    private, public = folder / name, folder / f"{name}.pub"
    _write_secret(private, key, form=serialization.PrivateFormat.OpenSSH)
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
    )
    return private, public


def _write_secret(
    path: Path, key: ec.EllipticCurvePrivateKey, *, form: serialization.PrivateFormat
) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, NO_PASSWORD))


def _certificate(subject: str, *, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    issuer = "course authority"
    return (
        x509.CertificateBuilder()
        .subject_name(_common_name(subject))
        .issuer_name(_common_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
