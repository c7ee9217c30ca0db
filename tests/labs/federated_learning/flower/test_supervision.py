"""Supervision of a federation whose nodes and server are played here, at no cost."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labs.federated_learning.flower import supervision
from labs.federated_learning.flower.environment import FederationError
from labs.federated_learning.flower.job import Job
from labs.federated_learning.flower.journal import Journal
from labs.federated_learning.given.deployment import next_action


class PlayedNode:
    """Online until it is killed; refused so many times after that."""

    def __init__(self, clock: Callable[[], float], *, refusals: int = 0) -> None:
        self.clock, self.refusals, self.starts = clock, refusals, 0
        self.life: list[tuple[float, str]] = [(clock(), "online")]

    def look(self) -> str:
        if self.life[-1][1] == "started":
            self.refusals -= 1
            self.life.append((self.clock(), "refused" if self.refusals >= 0 else "online"))
        return self.life[-1][1]

    def start(self, environment: object) -> None:
        self.starts += 1
        self.life.append((self.clock(), "started"))

    def kill(self) -> None:
        self.life.append((self.clock(), "lost"))

    def is_training(self) -> bool:
        return True


class PlayedFederation:
    """Writes an event at each look of the supervisor."""

    def __init__(self, nodes: dict[int, PlayedNode], script: list[dict[str, Any]]) -> None:
        self.nodes, self.script = nodes, script
        self.environment: dict[str, str] = {}

    def submit(self, job: Job) -> Journal:
        journal = Journal(Path(job.folder))
        for event in self.script:
            journal.write(**event)
        return journal


SCRIPT: list[dict[str, Any]] = [
    {"kind": "averaged", "round": 0, "accuracy": 0.1},
    {"kind": "asked", "round": 1, "clients": [0, 1]},
    {"kind": "answered", "round": 1, "client": 0, "samples": 5, "error": ""},
    {"kind": "averaged", "round": 1, "accuracy": 0.5},
    {"kind": "finished", "round": 1},
]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """Seconds that pass only when somebody waits, or looks."""
    ticks = itertools.count(100.0, 0.5)
    monkeypatch.setattr(supervision.time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(supervision.time, "sleep", lambda _: None)
    return lambda: next(ticks)


def play(
    clock: Callable[[], float], tmp_path: Path, *, refusals: int, **more: Any
) -> tuple[supervision.Report, PlayedFederation]:
    nodes = {0: PlayedNode(clock), 1: PlayedNode(clock, refusals=refusals)}
    federation = PlayedFederation(nodes, more.pop("script", SCRIPT))
    job = Job(folder=str(tmp_path))
    options = {"decide": next_action, "kill": {1: 1}, **more}
    report = supervision.run(federation, job, **options)  # type: ignore[arg-type]
    return report, federation


def test_kills_in_the_round_and_restarts(clock: Callable[[], float], tmp_path: Path) -> None:
    report, federation = play(clock, tmp_path, refusals=3)
    assert federation.nodes[1].starts == 4
    assert federation.nodes[0].starts == 0
    whats = [what for _, what in report.lives[1]]
    assert whats == ["online", "lost", *["started", "refused"] * 3, "started", "online"]
    away_s = report.recovery_s()
    assert away_s is not None
    assert away_s >= 2 + 4 + 8
    assert report.given_up == []


def test_gives_up(clock: Callable[[], float], tmp_path: Path) -> None:
    report, _ = play(clock, tmp_path, refusals=99)
    assert report.given_up == [1]
    assert report.recovery_s() is None
    assert [what for _, what in report.lives[1]].count("refused") == 8


def test_what_a_report_tells(clock: Callable[[], float], tmp_path: Path) -> None:
    report, _ = play(clock, tmp_path, refusals=0, kill={})
    assert report.accuracies() == {0: 0.1, 1: 0.5}
    asked, answers = report.asked()[1]
    assert asked == [0, 1]
    assert [answer["client"] for answer in answers] == [0]
    assert report.recovery_s() is None


def test_a_second_run_does_not_see_the_first(clock: Callable[[], float], tmp_path: Path) -> None:
    play(clock, tmp_path, refusals=0, kill={})
    report, _ = play(clock, tmp_path, refusals=0, kill={})
    assert len(report.events) == len(SCRIPT)


def test_a_server_that_never_ends(clock: Callable[[], float], tmp_path: Path) -> None:
    with pytest.raises(FederationError, match=r"longer than 5 s; the server saw .*averaged"):
        play(clock, tmp_path, refusals=0, kill={}, script=SCRIPT[:-1], timeout_s=5.0)


def test_a_server_that_fails(clock: Callable[[], float], tmp_path: Path) -> None:
    script = [*SCRIPT[:2], {"kind": "failed", "reason": "TooFewError: round 1: 0 clients"}]
    with pytest.raises(FederationError, match="the server failed: TooFewError: round 1"):
        play(clock, tmp_path, refusals=0, kill={}, script=script)


def test_a_supervisor_that_says_something_else(clock: Callable[[], float], tmp_path: Path) -> None:
    with pytest.raises(FederationError, match="says 'hope'; it may say wait, restart, give up"):
        play(clock, tmp_path, refusals=1, decide=lambda *_: "hope")
