"""Seeds of the checks."""

import hmac
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine import seeds
from labs.engine.errors import LabFormatError


@given(st.lists(st.text(max_size=5), min_size=3, max_size=3, unique=True))
def test_seeds_differ_with_every_part(parts):
    a, b, c = parts
    secret = b"s" * 32
    base = seeds.secret_seed(secret, a, exercise=b, case=c)
    assert base == seeds.secret_seed(secret, a, exercise=b, case=c)
    assert base != seeds.secret_seed(secret, b, exercise=a, case=c)
    assert base != seeds.secret_seed(secret, a, exercise=b, case=c + "x")
    assert base != seeds.secret_seed(b"t" * 32, a, exercise=b, case=c)
    assert base != seeds.open_seed(b, c)


def test_parts_cannot_run_into_each_other():
    assert seeds.open_seed("1.1", "1x") != seeds.open_seed("1.11", "x")


def test_against_the_definition_written_out():
    message = b"\0\0\0\0" + b"\0\0\0\x030.1" + b"\0\0\0\x05shape"
    digest = hmac.new(b"open seeds of the visible checks", message, "sha256").digest()
    assert seeds.open_seed("0.1", "shape") == int.from_bytes(digest[:16], "big")


def test_secret_file_round_trip_and_mode(tmp_path):
    path = tmp_path / "secret"
    secret = seeds.create_secret(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert seeds.read_secret(path) == secret
    with pytest.raises(FileExistsError):
        seeds.create_secret(path)
    path.chmod(0o644)
    with pytest.raises(LabFormatError, match="chmod 600"):
        seeds.read_secret(path)


@pytest.mark.parametrize("text", ["not hex", "abcd"])
def test_damaged_secret_is_named(tmp_path, text):
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(LabFormatError, match="secret"):
        seeds.read_secret(path)
