"""A federation of real processes on this machine: one server, some nodes, TLS between them.

    with Federation(folder, nodes=3) as federation:
        federation.wait_online(3)
        federation.submit(Job(rounds=3))

Flower's SuperLink and SuperNodes, each a process that ends with the `with` statement, with the
notebook, and at the latest when its guard sees that the notebook has gone. Every wait has an end.
Who restarts what is decided in `labs.federated_learning.flower.supervision`.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from labs.federated_learning.flower import guard
from labs.federated_learning.flower.certificates import (
    Certificates,
    make_certificates,
    make_node_key,
)
from labs.federated_learning.flower.environment import (
    LOOPBACK,
    MARK,
    FederationError,
    end_marked,
    environment,
    free_port,
    is_open,
    is_taken,
    require,
)
from labs.federated_learning.flower.job import Job
from labs.federated_learning.flower.journal import Journal
from labs.federated_learning.flower.nodes import Node

APP = Path(__file__).with_name("app")
CONNECTION = "course"
PAUSE_S = 0.2
TAIL_CHARACTERS = 400

__all__ = ["Federation", "FederationError", "Limits"]


@dataclass(frozen=True)
class Limits:
    """How long anything may take [s].

    Parameters
    ----------
    start_s
        Until the server listens.
    command_s
        A command to the server.
    online_s
        Until the nodes are online.
    """

    start_s: float = 60.0
    command_s: float = 60.0
    online_s: float = 120.0


class Federation:
    """A server and its nodes, from `start` to `stop`.

    Parameters
    ----------
    folder
        For logs, keys and journals; made where it is missing.
    nodes
        That are started with it.
    port
        Of the server; 0 takes a free one.
    is_insecure
        Without TLS and without node keys: anybody who reaches the port takes part and reads along.
    limits
        How long anything may take.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 3,
        port: int = 0,
        is_insecure: bool = False,
        limits: Limits = Limits(),
    ) -> None:
        self.folder, self.first, self.limits = Path(folder).resolve(), nodes, limits
        self.port, self.is_insecure = port, is_insecure
        self.nodes: dict[int, Node] = {}
        self.mark = uuid.uuid4().hex
        self.environment = environment(self.folder / "home", mark=self.mark)
        self._who: dict[str, int] = {}
        self._server: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._certificates: Certificates | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and its first nodes.

        Raises
        ------
        ExtraMissingError
            Without Flower.
        FederationError
            If the port is in use or the server does not start in time.
        """
        require()
        if self.port and is_taken(self.port):
            raise FederationError(f"port {self.port} is in use; give another, or 0 for a free one")
        self.port = self.port or free_port()
        (self.folder / "home").mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.is_insecure:
            self._certificates = make_certificates(self.folder / "certificates")
        self._write_connection()
        plain = {name: value for name, value in self.environment.items() if name != MARK}
        self._guard = guard.start(self.mark, environment=plain)
        self._start_server()
        for number in range(self.first):
            self.add(number)

    def stop(self) -> None:
        """End every process of the federation; nothing happens the second time."""
        try:
            end_marked(self.mark)
        finally:  # who is interrupted here leaves the rest to the guard
            if self._guard is not None and self._guard.stdin is not None:
                self._guard.stdin.close()
        for process in [self._server, *(node.process for node in self.nodes.values())]:
            if process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
        if self._guard is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._guard.wait(30)

    def add(self, number: int | None = None) -> Node:
        """Register one node more and start it.

        Parameters
        ----------
        number
            Of its client; the next one without it.

        Raises
        ------
        FederationError
            If the server does not take its key.
        """
        number = len(self.nodes) if number is None else number
        key = None
        if not self.is_insecure:
            key, public = make_node_key(self.folder / "keys", f"node{number}")
            self._who[self.register(public)] = number
        node = Node(number, self.node_command(number, key=key), self.folder / f"node{number}.log")
        self.nodes[number] = node
        node.start(self.environment)
        return node

    def register(self, public: Path) -> str:
        """Tell the server to take the node with this public key; return the node's number there.

        Raises
        ------
        FederationError
            If it does not.
        """
        words = ("supernode", "register", str(public), CONNECTION, "--format", "json")
        return str(json.loads(self.command(*words))["node-id"])

    def node_command(
        self, number: int, *, key: Path | None = None, authority: Path | None = None
    ) -> list[str]:
        """Return the command of a node.

        Parameters
        ----------
        number
            Of its client.
        key
            Its private key; None only in an insecure federation.
        authority
            Certificate that it trusts, the federation's own without it.
        """
        command = [_program("flower-supernode"), "--superlink", f"{LOOPBACK}:{self.port}"]
        command += ["--host", LOOPBACK, "--port", str(free_port())]
        command += ["--node-config", f"partition-id={number}"]
        if self._certificates is None:
            return [*command, "--insecure"]
        command += ["--root-certificates", str(authority or self._certificates.authority)]
        return [*command, "--auth-supernode-private-key", str(key)]

    def online(self) -> int:
        """Return how many nodes the server counts as online.

        Raises
        ------
        FederationError
            If the server does not answer.
        """
        answer = self.command("supernode", "list", CONNECTION, "--format", "json")
        nodes = json.loads(answer)["nodes"]
        return sum(node.get("status") == "online" for node in nodes)

    def wait_online(self, count: int) -> float:
        """Wait until so many nodes say that the server took them; return how long it took [s].

        Raises
        ------
        FederationError
            If that takes longer than its limit.
        """
        start_s = time.monotonic()

        def are_there() -> bool:
            return [node.look() for node in self.nodes.values()].count("online") >= count

        self._wait(are_there, limit_s=self.limits.online_s, what=f"{count} nodes are online")
        return time.monotonic() - start_s

    def submit(self, job: Job) -> Journal:
        """Give the server a job and return the journal that it writes.

        Raises
        ------
        FederationError
            If the server does not take the job.
        """
        if not job.folder:
            raise FederationError("the job has no folder for its journal; give it one")
        journal = Journal(Path(job.folder))
        job = replace(job, who=",".join(f"{node}={number}" for node, number in self._who.items()))
        self.command("run", str(APP), CONNECTION, "--run-config", job.to_arguments())
        return journal

    def command(self, *words: str) -> str:
        """Run a command of `flwr` against the server and return what it says.

        Raises
        ------
        FederationError
            If it fails or takes longer than its limit.
        """
        what = " ".join(words[:2])
        try:
            done = subprocess.run(
                [_program("flwr"), *words],
                check=False,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                cwd=self.folder,
                timeout=self.limits.command_s,
            )
        except subprocess.TimeoutExpired as err:
            raise FederationError(
                f"flwr {what} took longer than {self.limits.command_s:g} s"
            ) from err
        if done.returncode:
            said = " ".join((done.stdout + done.stderr).split())[-TAIL_CHARACTERS:]
            raise FederationError(f"flwr {what} failed: {said}")
        return done.stdout

    def _start_server(self) -> None:
        command = [_program("flower-superlink"), "--host", LOOPBACK, "--port", str(self.port)]
        command += ["--disable-runtime-dependency-installation"]
        if self._certificates is None:
            command += ["--insecure"]
        else:
            command += ["--ssl-ca-certfile", str(self._certificates.authority)]
            command += ["--ssl-certfile", str(self._certificates.certificate)]
            command += ["--ssl-keyfile", str(self._certificates.key), "--enable-supernode-auth"]
        log = self.folder / "server.log"
        with log.open("ab") as output:
            self._server = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
            )
        server = self._server

        def is_up() -> bool:
            if server.poll() is not None:
                said = " ".join(log.read_text(errors="replace").split())[-TAIL_CHARACTERS:]
                raise FederationError(f"the server ended at once: {said}")
            return is_open(self.port)

        self._wait(is_up, limit_s=self.limits.start_s, what="the server listens")

    def _wait(self, is_so: Callable[[], bool], *, limit_s: float, what: str) -> None:
        end_s = time.monotonic() + limit_s
        while not is_so():
            if time.monotonic() > end_s:
                raise FederationError(
                    f"after {limit_s:g} s it is not so that {what}; see the logs in {self.folder}"
                )
            time.sleep(PAUSE_S)

    def _write_connection(self) -> None:
        trust = "insecure = true"
        if self._certificates is not None:
            trust = f"root-certificates = {json.dumps(str(self._certificates.authority))}"
        text = f'[superlink]\ndefault = "{CONNECTION}"\n\n[superlink.{CONNECTION}]\n'
        text += f'address = "{LOOPBACK}:{self.port}"\n{trust}\n'
        (self.folder / "home" / "config.toml").write_text(text, encoding="utf-8")


def _program(name: str) -> str:
    """Return the path of a program of this Python's environment."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name + (".exe" if os.name == "nt" else "")
