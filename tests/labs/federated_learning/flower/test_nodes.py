"""The life of a node, told by real processes that stand in for Flower's."""

import os
import sys
import time
from pathlib import Path

from labs.federated_learning.flower.nodes import ONLINE_TEXT, Node

ONLINE = f"print('{ONLINE_TEXT}: 7', flush=True); import time; time.sleep(100)"
REFUSED = "print('412', flush=True); raise SystemExit(1)"


def make(tmp_path: Path, code: str) -> Node:
    return Node(0, [sys.executable, "-c", code], tmp_path / "node0.log")


def look_for(node: Node, what: str) -> None:
    end_s = time.monotonic() + 60
    while node.look() != what:
        assert time.monotonic() < end_s, node.life
        time.sleep(0.02)


def test_online_lost_refused(tmp_path: Path) -> None:
    node = make(tmp_path, ONLINE)
    assert node.look() == ""
    node.start(os.environ)
    look_for(node, "online")
    node.kill()
    look_for(node, "lost")
    node.command = [sys.executable, "-c", REFUSED]
    node.start(os.environ)
    look_for(node, "refused")  # although the log holds the text of the first start
    assert [what for _, what in node.life] == ["started", "online", "lost", "started", "refused"]
    times = [at_s for at_s, _ in node.life]
    assert times == sorted(times)
    assert "412" in node.said()
    assert ONLINE_TEXT not in node.said()


def test_a_start_ends_what_was_there(tmp_path: Path) -> None:
    node = make(tmp_path, ONLINE)
    node.start(os.environ)
    first = node.process
    node.start(os.environ)
    assert first is not None
    assert first.poll() is not None
    assert not node.is_training()
    node.kill()
    assert node.family() == []


def test_a_held_node_is_there_and_does_nothing(tmp_path: Path) -> None:
    node = make(tmp_path, ONLINE)
    node.start(os.environ)
    look_for(node, "online")
    node.hold()
    end_s = time.monotonic() + 60  # a signal arrives when it arrives
    while (is_held := [each.status() for each in node.family()]) != ["stopped"]:
        if time.monotonic() > end_s:
            break
        time.sleep(0.02)
    last = node.look()
    node.kill()
    assert is_held == ["stopped"]
    assert last == "online"


def test_a_node_that_was_never_started(tmp_path: Path) -> None:
    node = make(tmp_path, ONLINE)
    node.kill()
    assert node.life == []
    assert node.said() == ""
