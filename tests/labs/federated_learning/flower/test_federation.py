"""What a federation refuses, and a real one with the wrong key and the wrong certificate."""

import socket
import stat
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="needs the extra cluster or federated")

from labs.engine.extras import find_extra
from labs.federated_learning.flower import environment, federation
from labs.federated_learning.flower.certificates import make_certificates, make_node_key
from labs.federated_learning.flower.federation import Federation, FederationError, Limits
from labs.federated_learning.flower.job import Job
from labs.federated_learning.flower.nodes import Node

needs_flower = pytest.mark.skipif(
    not find_extra("federated").is_installed, reason="needs Flower: the extra federated"
)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that stand in for Flower's; each does what a test writes into it."""
    monkeypatch.setattr(federation, "require", lambda: None)
    monkeypatch.setattr(federation, "_program", lambda name: str(tmp_path / name))
    return tmp_path


def write(folder: Path, name: str, code: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_port_in_use(played: Path) -> None:
    with socket.socket() as listener:
        listener.bind((environment.LOOPBACK, 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(FederationError, match=f"port {port} is in use; give another, or 0"):
            Federation(played / "f", port=port).start()


def test_a_server_that_ends_at_once(played: Path) -> None:
    write(played, "flower-superlink", "print('no such option'); raise SystemExit(2)")
    with pytest.raises(FederationError, match="the server ended at once: no such option"):
        Federation(played / "f").__enter__()


def test_a_server_that_never_listens_leaves_nothing(played: Path) -> None:
    write(played, "flower-superlink", "import time; time.sleep(100)")
    made = Federation(played / "f", limits=Limits(start_s=0.5))
    with pytest.raises(FederationError, match=r"after 0\.5 s it is not so that the server listens"):
        made.__enter__()
    assert environment.marked(made.mark) == []


def test_a_command_that_hangs_or_fails(played: Path) -> None:
    made = Federation(played, limits=Limits(command_s=0.5))
    (played / "home").mkdir()
    write(played, "flwr", "import time; time.sleep(100)")
    with pytest.raises(FederationError, match=r"flwr run app took longer than 0\.5 s"):
        made.command("run", "app")
    made.limits = Limits()
    write(played, "flwr", "print('a\\n  reason'); raise SystemExit(1)")
    with pytest.raises(FederationError, match="flwr run app failed: a reason"):
        made.command("run", "app")


def test_a_job_without_a_folder(played: Path) -> None:
    with pytest.raises(FederationError, match="the job has no folder"):
        Federation(played).submit(Job())


def test_insecure_only_if_asked_for(played: Path) -> None:
    made = Federation(played)
    made._certificates = make_certificates(played / "certificates")
    secure = made.node_command(0, key=played / "key")
    assert "--insecure" not in secure
    assert "--root-certificates" in secure
    open_to_all = Federation(played, is_insecure=True).node_command(0)
    assert "--insecure" in open_to_all


@needs_flower
@pytest.mark.xdist_group("flower")
def test_wrong_key_and_wrong_certificate(tmp_path: Path, nothing_left: None) -> None:
    """Three nodes knock; only the one with a registered key and the right authority is taken."""
    with Federation(tmp_path / "f", nodes=1) as made:
        made.wait_online(1)
        stranger, _ = make_node_key(tmp_path, "stranger")
        other = make_certificates(tmp_path / "other").authority
        known, public = make_node_key(tmp_path, "known")
        made.register(public)
        commands = {
            1: made.node_command(1, key=stranger),
            2: made.node_command(2, key=known, authority=other),
        }
        for number, command in commands.items():
            made.nodes[number] = Node(number, command, tmp_path / "f" / f"node{number}.log")
            made.nodes[number].start(made.environment)
        end_s = time.monotonic() + 60
        while made.nodes[1].look() != "refused" and time.monotonic() < end_s:
            time.sleep(0.2)
        assert made.nodes[1].look() == "refused"
        assert made.nodes[2].look() != "online"
        assert (
            "CERTIFICATE_VERIFY_FAILED" in made.nodes[2].said() or made.nodes[2].look() == "refused"
        )
        assert made.online() == 1
        port, mark = made.port, made.mark
    assert environment.marked(mark) == []
    assert not environment.is_open(port)
