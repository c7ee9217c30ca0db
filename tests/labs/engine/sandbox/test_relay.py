"""Bytes between a client and a kernel: all of them, in order, counted, and only to the kernel."""

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from labs.engine.sandbox import relay
from labs.engine.sandbox.relay import Relay

WITHIN_S = 20.0


class Running:
    """A relay between two folders, served by a thread."""

    def __init__(self, folder: Path) -> None:
        self.outside, self.inside = folder / "outside", folder / "inside"
        self.outside.mkdir()
        self.inside.mkdir()
        self.selector = selectors.DefaultSelector()
        descriptor = os.open(self.inside, os.O_PATH)
        self.relay = Relay(self.selector, descriptor, listen=[str(self.outside / "k-1")])
        self.is_stopped = False
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while not self.is_stopped:
            for key, events in self.selector.select(min(0.05, self.relay.retry_s())):
                assert isinstance(key.fileobj, socket.socket)
                self.relay.serve(key.fileobj, events)
            self.relay.retry()

    def kernel(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.settimeout(WITHIN_S)
        listener.bind(str(self.inside / "k-1"))
        listener.listen()
        return listener

    def client(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(WITHIN_S)
        client.connect(str(self.outside / "k-1"))
        return client


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    served = Running(folder)
    try:
        yield served
    finally:
        served.is_stopped = True
        served.thread.join()
        served.relay.close()
        served.selector.close()


def receive(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size and (part := connection.recv(size - len(content))):
        content += part
    return content


def test_a_client_may_come_before_the_kernel(tmp_path: Path) -> None:
    with running(tmp_path) as served, served.client() as client:
        client.sendall(b"first")
        with served.kernel() as listener, listener.accept()[0] as kernel:
            kernel.settimeout(WITHIN_S)
            assert receive(kernel, 5) == b"first"
            kernel.sendall(b"answer")
            assert receive(client, 6) == b"answer"
        assert client.recv(1) == b""
    assert served.relay.output_bytes == 6
    assert not (served.outside / "k-1").exists()


def test_much_data_arrives_whole_in_both_directions(tmp_path: Path) -> None:
    content = os.urandom(2**20) * 3
    with (
        running(tmp_path) as served,
        served.kernel() as listener,
        served.client() as client,
        listener.accept()[0] as kernel,
    ):
        kernel.settimeout(WITHIN_S)
        upward = threading.Thread(target=client.sendall, args=(content,))
        downward = threading.Thread(target=kernel.sendall, args=(content[::-1],))
        upward.start()
        downward.start()
        assert receive(kernel, len(content)) == content
        assert receive(client, len(content)) == content[::-1]
        upward.join()
        downward.join()
        assert served.relay.output_bytes == len(content)


def test_a_client_that_does_not_read_holds_the_kernel_up(tmp_path: Path) -> None:
    with (
        running(tmp_path) as served,
        served.kernel() as listener,
        served.client(),
        listener.accept()[0] as kernel,
    ):
        kernel.settimeout(0.5)
        sent = 0
        with suppress(TimeoutError):
            while sent < 64 * 2**20:
                sent += kernel.send(bytes(2**16))
        # What the relay holds, and four buffers of the kernel's that sockets have.
        assert sent < 2 * relay.HELD_BYTES + 8 * 2**20


def test_the_end_of_one_side_reaches_the_other_after_all_data(tmp_path: Path) -> None:
    with (
        running(tmp_path) as served,
        served.kernel() as listener,
        served.client() as client,
        listener.accept()[0] as kernel,
    ):
        kernel.sendall(bytes(10**5))
        kernel.close()
        assert len(receive(client, 10**6)) == 10**5


@pytest.mark.parametrize("target", ["socket", "file"])
def test_links_of_the_kernel_lead_nowhere(tmp_path: Path, target: str) -> None:
    with socket.socket(socket.AF_UNIX) as secret, running(tmp_path) as served:
        secret.bind(str(tmp_path / "socket"))
        secret.listen()
        secret.setblocking(False)
        (tmp_path / "file").write_text("x")
        (served.inside / "k-1").symlink_to(tmp_path / target)
        with served.client() as client:
            client.sendall(b"hello")
            time.sleep(5 * relay.RETRY_S)
            with pytest.raises(BlockingIOError):
                secret.accept()
            (served.inside / "k-1").unlink()
            with served.kernel() as listener, listener.accept()[0] as kernel:
                assert receive(kernel, 5) == b"hello"


def test_a_socket_left_by_an_earlier_kernel_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "inside").mkdir()
    path = tmp_path / "outside" / "k-1"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with selectors.DefaultSelector() as selector:
        served = Relay(selector, os.open(tmp_path / "inside", os.O_PATH), listen=[str(path)])
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        served.close()
