"""Flower's simulation of a job, in a process of its own that leaves nothing behind.

The same clients as in `labs.federated_learning.loop`, many times as expensive a round: it is here
to be compared with, and to show that the app is right before processes are started.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import uuid
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.federated_learning.flower.environment import end_marked, environment, require
from labs.federated_learning.flower.journal import Event, Journal

TAIL_CHARACTERS = 600


class SimulationError(RuntimeError):
    """A simulation that did not finish, or in which no client answered."""


@dataclass(frozen=True)
class Simulated:
    """What a simulation gave.

    Parameters
    ----------
    accuracy
        Share of the test samples that are right, by round; index 0 is before the first.
    failures
        Answers that were errors, counted by us.
    round_s
        Time of each round, by the server's clock [s].
    weights
        (size,), the last.
    """

    accuracy: list[float]
    failures: int
    round_s: list[float]
    weights: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros(0, np.float32), compare=False
    )


def simulate(job: Any, *, timeout_s: float = 300.0, cores: int = 2) -> Simulated:
    """Run a job in Flower's simulation engine.

    Parameters
    ----------
    job
        A `labs.federated_learning.flower.job.Job`; its folder is not used.
    timeout_s
        After which everything is killed [s].
    cores
        That Ray may use.

    Raises
    ------
    ExtraMissingError
        Without Flower.
    SimulationError
        If it takes longer, or does not finish.
    """
    require()
    mark = uuid.uuid4().hex
    folder = Path(tempfile.mkdtemp(prefix="fl_"))
    job = replace(job, folder=str(folder / "journal"))
    command = [sys.executable, "-m", "labs.federated_learning.flower.simulated"]
    command += [json.dumps(asdict(job)), str(folder / "ray"), str(cores)]
    log = folder / "log"
    try:
        with log.open("wb") as output:
            subprocess.run(
                command,
                check=False,
                env=environment(folder / "home", mark=mark),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                timeout=timeout_s,
                start_new_session=True,
            )
    except subprocess.TimeoutExpired as err:
        raise SimulationError(f"the simulation took longer than {timeout_s:g} s") from err
    else:
        journal = Journal(Path(job.folder))
        result = _result(journal.read(), log=log.read_text(errors="replace"))
        return replace(result, weights=journal.load(job.rounds))
    finally:
        end_marked(mark)
        shutil.rmtree(folder, ignore_errors=True)


def _result(events: list[Event], *, log: str) -> Simulated:
    if not any(event["kind"] == "finished" for event in events):
        raise SimulationError(f"the simulation did not finish: {log.strip()[-TAIL_CHARACTERS:]}")
    averaged = [event for event in events if event["kind"] == "averaged"]
    failures = sum(bool(event["error"]) for event in events if event["kind"] == "answered")
    times = [event["at_s"] for event in averaged]
    return Simulated(
        accuracy=[event["accuracy"] for event in averaged],
        failures=failures,
        round_s=[later - at for at, later in pairwise(times)],
    )
