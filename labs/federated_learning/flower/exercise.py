"""The deployment of the notebook: three nodes, one killed, one added, a bad round, all recorded.

Where it cannot or should not run, a run that was recorded takes its place and says so.
"""

import json
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from labs.engine.errors import ExtraMissingError
from labs.federated_learning.flower.environment import require
from labs.federated_learning.flower.job import Job
from labs.federated_learning.flower.supervision import Decide, Report, run
from labs.federated_learning.local import Local

RECORDED = Path(__file__).with_name("recorded.json")
SMALL = ("digits", "keywords_synthetic")  # every process of a client loads the whole data set
NODES = 3
ROUNDS = 3
KILL = {2: 1}  # in round 2, node 1
TRIAL_ROUNDS = 10
TYPED_WRONGLY = 1e4  # times the learning rate
TIMEOUT_S = 600.0
WORDS = {"lost": "is gone", "started": "is started", "refused": "is refused", "online": "is online"}


@dataclass(frozen=True)
class Deployed:
    """A deployment that ran, here or where it was recorded.

    Parameters
    ----------
    report
        Of the run in which a node was killed.
    bad
        Accuracy by round of the run that spoilt the weights.
    saved
        Rounds whose weights were on disk.
    origin
        One line: where and when it ran, and why not here.
    is_here
        Whether it ran on this machine, just now.
    """

    report: Report
    bad: Mapping[int, float]
    saved: Sequence[int]
    origin: str
    is_here: bool = False

    @property
    def kind(self) -> str:
        """Kind of its results in a record: what was recorded elsewhere is not measured here."""
        return "measured" if self.is_here else "assumed"

    def away_s(self) -> float:
        """Return how long the killed node was away, at the least if it did not come back [s]."""
        recovery_s = self.report.recovery_s()
        if recovery_s is not None:
            return recovery_s
        lost = [at for life in self.report.lives.values() for at, what in life if what == "lost"]
        return self.report.wall_s - min(lost, default=self.report.wall_s)

    def accuracies(self) -> dict[int, float]:
        """Return the accuracy after each round of both runs."""
        return self.report.accuracies() | dict(self.bad)

    def roll_back(self, round_: int | None) -> str:
        """Return what a run that starts from this round has, in words.

        Raises
        ------
        ValueError
            If there are no weights of this round.
        """
        if round_ is None:
            return "new weights, everything is trained again"
        if round_ not in self.saved:
            raise ValueError(f"no weights of round {round_}; there are those of {self.saved}")
        later = [each for each in self.saved if each > round_]
        return f"{self.accuracies()[round_]:.1%} right; rounds dropped after it: {len(later)}"

    def story(self) -> list[tuple[float, str]]:
        """Return what server and supervisor saw, pairs of seconds and a sentence, in order."""
        told = [(event["at_s"], _sentence(event)) for event in self.report.events]
        for number, life in self.report.lives.items():
            told += [(at_s, f"supervisor: node {number} {WORDS[what]}") for at_s, what in life]
        return sorted(told, key=lambda each: each[0])


@dataclass
class _Record:
    machine: str
    date: str
    report: dict[str, Any]
    bad: dict[str, float]
    saved: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def job_of(dataset: str, *, partition: str, alpha: float, seed: int, local: Local) -> Job:
    """Return the job of the deployment: the lab's parameters, four clients.

    Parameters
    ----------
    dataset
        Of the lab; large ones are replaced by the digits, since every process loads them.
    partition, alpha, seed
        As in the lab.
    local
        How a client trains.
    """
    return Job(
        dataset=dataset if dataset in SMALL else "digits",
        partition=partition,
        alpha=alpha,
        clients=NODES + 1,
        seed=seed,
        rounds=ROUNDS,
        epochs=local.epochs,
        batch=local.batch,
        learning_rate=local.learning_rate,
        mu=local.mu,
        least=NODES - 1,
        nodes=NODES,
    )


def deploy(job: Job, *, decide: Decide, wanted: bool, rounds: int) -> Deployed:
    """Run the deployment, or return the recorded one with the reason in its origin.

    Parameters
    ----------
    job
        From `job_of`.
    decide
        The supervisor, see `labs.federated_learning.flower.supervision.run`.
    wanted
        The lab's parameter `deploy`; a sweep of many runs turns it off.
    rounds
        The lab's parameter; with fewer than 10 nothing is started.

    Raises
    ------
    FederationError
        If it ran and did not come to its end.
    """
    if not wanted:
        return recorded("deploy is off: no process is started")
    if rounds < TRIAL_ROUNDS:
        return recorded(f"rounds is {rounds}, below {TRIAL_ROUNDS}: no process is started")
    try:
        require()
    except ExtraMissingError as err:
        return recorded(str(err))
    folder = Path(tempfile.mkdtemp(prefix="fl_"))
    try:
        return _deploy(replace(job, folder=str(folder / "journal")), folder=folder, decide=decide)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _deploy(job: Job, *, folder: Path, decide: Decide) -> Deployed:
    # Needs a package of the extra, which may be missing where this module is read.
    from labs.federated_learning.flower.federation import Federation  # noqa: PLC0415

    with Federation(folder, nodes=NODES) as federation:
        federation.wait_online(NODES)
        report = run(federation, job, decide=decide, kill=KILL, timeout_s=TIMEOUT_S)
        federation.add()
        federation.wait_online(NODES + 1 - len(report.given_up))
        spoilt = replace(
            job,
            rounds=ROUNDS + 1,
            first_round=ROUNDS + 1,
            learning_rate=TYPED_WRONGLY * job.learning_rate,
        )
        bad = run(federation, spoilt, decide=decide, timeout_s=TIMEOUT_S)
    return Deployed(
        report,
        bad={ROUNDS + 1: bad.accuracies()[ROUNDS + 1]},
        saved=list(range(ROUNDS + 2)),
        origin=f"{job.dataset}, {NODES} nodes and 1 more on this machine, {_now()}",
        is_here=True,
    )


def recorded(reason: str, *, path: Path = RECORDED) -> Deployed:
    """Return the recorded deployment.

    Parameters
    ----------
    reason
        Why it is shown instead.
    path
        The record.
    """
    record = _Record.read(path)
    lives = {
        int(n): [(at, what) for at, what in life] for n, life in record.report["lives"].items()
    }
    return Deployed(
        Report(**{**record.report, "lives": lives}),
        bad={int(round_): accuracy for round_, accuracy in record.bad.items()},
        saved=record.saved,
        origin=f"recorded on {record.date} on {record.machine}; {reason}",
    )


def record(deployed: Deployed, *, path: Path = RECORDED) -> None:
    """Write a deployment that ran here, to stand in where none can run.

    Parameters
    ----------
    deployed
        That ran here.
    path
        Of the record.
    """
    bad = {str(round_): accuracy for round_, accuracy in deployed.bad.items()}
    record = _Record(_machine(), _now(), asdict(deployed.report), bad, list(deployed.saved))
    path.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def _sentence(event: Mapping[str, Any]) -> str:
    kind, round_ = event["kind"], event.get("round")
    if kind == "asked":
        return f"server: round {round_} asks clients {', '.join(map(str, event['clients']))}"
    if kind == "answered":
        what = f"failed: {event['error']}" if event["error"] else f"{event['samples']} samples"
        return f"server: round {round_}, client {event['client']}, {what}"
    if kind == "averaged":
        return f"server: round {round_} is over, {event['accuracy']:.1%} right"
    return f"server: {kind.replace('_', ' ')}"


def _machine() -> str:
    return f"a {platform.system()} machine, {platform.machine()}"


def _now() -> str:
    return datetime.now(UTC).strftime("%d %B %Y")
