"""One node of a federation as a process, and what has happened to it.

A node tells by its log whether the server took it. The log of its life, pairs of seconds and
``started``, ``online``, ``refused`` or ``lost``, is what a supervisor decides by.
"""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from labs.engine.processes import end_descendants

ONLINE_TEXT = "SuperNode ID"
REASON_CHARACTERS = 300

Life = list[tuple[float, str]]


@dataclass
class Node:
    """A node's process.

    Parameters
    ----------
    number
        Of the node, which is its client's.
    command
        That starts it.
    log
        File of what it says.
    life
        Pairs of seconds of a clock that only goes forward, and what happened.
    """

    number: int
    command: Sequence[str]
    log: Path
    life: Life = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _from: int = 0

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the process, instead of one that is there still.

        Parameters
        ----------
        environment
            Of the process.
        """
        self.kill()
        with self.log.open("ab") as output:
            self._from = output.tell()
            self.process = subprocess.Popen(
                self.command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.log.parent,
                start_new_session=True,
            )
        self._note("started")

    def look(self) -> str:
        """Return what happened last, after looking at the process and its log."""
        last = self.life[-1][1] if self.life else ""
        if last == "started" and self._has_ended():
            self._note("refused")
        elif last == "started" and ONLINE_TEXT in self.said():
            self._note("online")
        elif last == "online" and self._has_ended():
            self._note("lost")
        return self.life[-1][1] if self.life else ""

    def said(self) -> str:
        """Return what the process wrote since it was started."""
        if not self.log.is_file():
            return ""
        with self.log.open("rb") as file:
            file.seek(self._from)
            return file.read().decode(errors="replace")

    def kill(self) -> None:
        """Kill the process and all that it started, without a word to anybody."""
        if self.process is None or self._has_ended():
            return  # its number may be another's by now
        end_descendants(self.process.pid, and_itself=True)
        self.process.wait(10)

    def hold(self) -> None:
        """Stop the process and its own ones in place: it is there, and does nothing."""
        for process in self.family():
            process.send_signal(signal.SIGSTOP)

    def family(self) -> list[psutil.Process]:
        """Return the process and its descendants, none if it has ended."""
        if self.process is None or self._has_ended():
            return []
        try:
            itself = psutil.Process(self.process.pid)
            return [itself, *itself.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def is_training(self) -> bool:
        """Whether a client's app runs in it."""
        return any("clientapp" in " ".join(_words(process)) for process in self.family())

    def _has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def _note(self, what: str) -> None:
        self.life.append((time.monotonic(), what))


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
