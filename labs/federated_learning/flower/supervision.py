"""Runs a job on a federation, kills a node on request, and restarts what the supervisor says.

The supervisor is a function that is handed in: it sees a node's life and answers ``wait``,
``restart`` or ``give up``. Here is no opinion of when to do which.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.federated_learning.flower.environment import FederationError
from labs.federated_learning.flower.job import Job
from labs.federated_learning.flower.journal import Event, Journal

if TYPE_CHECKING:  # needs packages of the extra, a report does not
    from labs.federated_learning.flower.federation import Federation

PAUSE_S = 0.25
ANSWERS = ("wait", "restart", "give up")
ENDS = ("finished", "failed")

Life = list[tuple[float, str]]
Decide = Callable[[Life, float], str]


@dataclass
class Report:
    """What happened in a run; all seconds count from its start.

    Parameters
    ----------
    events
        What the server wrote, with ``at_s``.
    lives
        What happened to each node.
    given_up
        Nodes that the supervisor no longer restarts.
    wall_s
        Of the whole run [s].
    """

    events: list[Event] = field(default_factory=list)
    lives: dict[int, Life] = field(default_factory=dict)
    given_up: list[int] = field(default_factory=list)
    wall_s: float = 0.0

    def of(self, kind: str) -> list[Event]:
        """Return the events of a kind."""
        return [event for event in self.events if event["kind"] == kind]

    def accuracies(self) -> dict[int, float]:
        """Return the accuracy after each round."""
        return {event["round"]: event["accuracy"] for event in self.of("averaged")}

    def asked(self) -> dict[int, tuple[list[int], list[Event]]]:
        """Return for each round the clients that were asked and the answers."""
        answers = self.of("answered")
        return {
            event["round"]: (
                event["clients"],
                [answer for answer in answers if answer["round"] == event["round"]],
            )
            for event in self.of("asked")
        }

    def recovery_s(self) -> float | None:
        """Return how long a lost node was away, the longest; None if none was or one still is."""
        away = []
        for life in self.lives.values():
            lost = None
            for at_s, what in life:
                if what == "lost":
                    lost = at_s
                elif what == "online" and lost is not None:
                    away.append(at_s - lost)
                    lost = None
            if lost is not None:
                return None
        return max(away, default=None)


def run(
    federation: "Federation",
    job: Job,
    *,
    decide: Decide,
    kill: Mapping[int, int] | None = None,
    timeout_s: float = 300.0,
) -> Report:
    """Give a federation a job and look after its nodes until it is done and they are back.

    Parameters
    ----------
    federation
        Started, its nodes online.
    job
        With a folder.
    decide
        Called as ``decide(life, now_s)`` for each node that is not online.
    kill
        Which node to kill, by round: once it is training.
    timeout_s
        Of everything [s].

    Raises
    ------
    FederationError
        If it takes longer, or the job failed.
    """
    report = _Run(federation, job, decide=decide, kill=dict(kill or {}))
    end_s = report.start_s + timeout_s
    while not report.step():
        if time.monotonic() > end_s:
            raise FederationError(
                f"the run took longer than {timeout_s:g} s; the server saw {report.last()}"
            )
        time.sleep(PAUSE_S)
    return report.result()


class _Run:
    def __init__(
        self, federation: "Federation", job: Job, *, decide: Decide, kill: dict[int, int]
    ) -> None:
        self.federation, self.decide, self.kill = federation, decide, kill
        self.start_s, self.clock_s = time.monotonic(), time.time()
        self.events: list[Event] = []
        self.given_up: list[int] = []
        self.seen = len(Journal(Path(job.folder)).read())  # an earlier run's, if it goes on
        self.journal = federation.submit(job)

    def step(self) -> bool:
        """Look once at server and nodes, act, and return whether all is done."""
        new = self.journal.read(self.seen)
        self.seen += len(new)
        self.events += new
        if failed := [event for event in new if event["kind"] == "failed"]:
            raise FederationError(f"the server failed: {failed[0]['reason']}")
        self._kill()
        states = [self._care(number) for number in list(self.federation.nodes)]
        is_over = bool(self.events) and self.events[-1]["kind"] in ENDS
        return is_over and all(states)

    def _kill(self) -> None:
        asked = {event["round"] for event in self.events if event["kind"] == "asked"}
        for round_ in sorted(asked & set(self.kill)):
            node = self.federation.nodes[self.kill[round_]]
            if node.is_training():
                node.kill()
                del self.kill[round_]

    def _care(self, number: int) -> bool:
        """Return whether a node needs nothing more."""
        node = self.federation.nodes[number]
        if number in self.given_up or node.look() == "online":
            return True
        now_s = time.monotonic() - self.start_s
        answer = self.decide(self._life(node.life), now_s)
        if answer not in ANSWERS:
            raise FederationError(
                f"the supervisor says {answer!r}; it may say {', '.join(ANSWERS)}"
            )
        if answer == "restart":
            node.start(self.federation.environment)
        elif answer == "give up":
            self.given_up.append(number)
        return False

    def _life(self, life: Sequence[tuple[float, str]]) -> Life:
        return [(at_s - self.start_s, what) for at_s, what in life]

    def last(self) -> Any:
        """Return what the server saw last."""
        return self.events[-1] if self.events else "nothing"

    def result(self) -> Report:
        """Return the report."""
        events = [{**event, "at_s": event["at_s"] - self.clock_s} for event in self.events]
        nodes = self.federation.nodes
        return Report(
            events=events,
            lives={number: self._life(node.life) for number, node in nodes.items()},
            given_up=self.given_up,
            wall_s=time.monotonic() - self.start_s,
        )
