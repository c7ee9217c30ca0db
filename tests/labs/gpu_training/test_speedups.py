"""Calls taken in turns, what stands in the way of compiling, and both layouts of one network."""

import shutil
import sysconfig

import pytest
import torch

from labs.gpu_training import speedups


def test_calls_are_taken_in_turns_after_warming_up() -> None:
    made: list[str] = []
    taken = speedups.in_turns(
        {"a": lambda: made.append("a"), "b": lambda: made.append("b")}, rounds=3
    )
    assert "".join(made[:4]) == "aabb"
    changes = [x for x, before in zip(made[4:], ["", *made[4:]], strict=False) if x != before]
    assert "".join(changes) == "ababab"
    assert {name: len(times) for name, times in taken.items()} == {"a": 3, "b": 3}


def test_a_speedup_compares_within_a_round() -> None:
    slow_rounds = [1.0, 8.0, 1.0, 2.0, 1.0, 1.0]
    found = speedups.speedup(
        {"old": [3 * t for t in slow_rounds], "new": slow_rounds}, "new", over="old"
    )
    assert (found.value, found.low, found.high, found.n) == (3.0, 3.0, 3.0, 6)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("CXX", raising=False)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_compiler_or_headers_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "needs a C++ compiler: none of g++" in speedups.compile_obstacle()
    monkeypatch.setattr(shutil, "which", lambda name: "a compiler")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert "needs Python.h" in speedups.compile_obstacle()


@pytest.mark.usefixtures("no_gpu")
def test_with_both_nothing_stands_in_the_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(shutil, "which", lambda name: "a compiler" if name == "mine" else None)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("CXX", "mine")
    assert speedups.compile_obstacle() == ""


def test_both_layouts_compute_the_same() -> None:
    calls = speedups.layout_calls(batch=1, seed=3, side=32)
    first, last = (call() for call in calls.values())
    # Sums of some thousand float32 products in another order.
    torch.testing.assert_close(first, last, rtol=1e-4, atol=1e-4)
