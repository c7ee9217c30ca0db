"""The folder of a sweep: what was asked, and for each run a folder with all that came of it.

::

    sweep.json            the notebook, how it was asked for, and every run that was ever asked for
    runs/ID/started.json  when a run was begun, and by which process
    runs/ID/notebook.ipynb, notebook.json   the executed notebook and its record
    runs/ID/log.txt       what its process said

A run is over when its record is there, and the record appears last and whole, together with the
notebook: a sweep that is killed loses the runs in flight and nothing else. One sweep at a time
works in a folder. Nothing is run here.
"""

import contextlib
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from course_utils.errors import RecordError
from course_utils.records import read_record, write_atomically
from labs.engine.errors import RunError, UsageError

ASKED, LOCK, RUNS = "sweep.json", ".lock", "runs"
NOTEBOOK, RECORD, LOG, STARTED = "notebook.ipynb", "notebook.json", "log.txt", "started.json"
_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EACCES: "make it writable",
    errno.EROFS: "take another folder",
}
State = Literal["waiting", "interrupted", "ok", "failed"]
Purpose = Literal["asked", "fresh"]


@dataclass(frozen=True)
class Run:
    """One run that was asked for.

    Parameters
    ----------
    id
        Its name, from `labs.engine.sweeps.identity`.
    parameters
        Those that the sweep sets; the others keep the preset's or the notebook's value.
    origin
        What it has in common with its siblings: the name of an entry of `Asking.origins`. Runs of
        another origin than the last are not compared with it: other code, other versions.
    purpose
        ``fresh`` for a run with a new seed, made to see whether a selected setting is as good as it
        looked; it is kept apart from those that it was selected by.
    """

    id: str
    parameters: Mapping[str, Any]
    origin: str = ""
    purpose: Purpose = "asked"


@dataclass(frozen=True)
class Asking:
    """How the runs of a folder were asked for, the last time.

    Parameters
    ----------
    command
        The line that did; the same line goes on with a sweep that was stopped.
    study
        Name of the lab's study, empty if there is none.
    preset
        Of the lab, empty if there is none.
    results
        Names of the results that matter most, in order; empty if nobody said.
    threads
        Of every kernel; all runs of a folder have as many, wherever they run. 0 if not yet known.
    origin
        The present one.
    origins
        Name of an origin -> its facts, `labs.engine.sweeps.identity.Origin` as a dict.
    """

    command: str = ""
    study: str = ""
    preset: str = ""
    results: tuple[str, ...] = ()
    threads: int = 0
    origin: str = ""
    origins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class SweepFolder:
    """A folder of runs; `open_folder` makes or finds one.

    Parameters
    ----------
    path
        The folder.
    target
        Name of the lab, or of the notebook.
    asked
        Run's name -> run, in the order in which they were asked for.
    asking
        How they were asked for.
    """

    def __init__(
        self, path: Path, *, target: str, asked: Mapping[str, Run], asking: Asking
    ) -> None:
        self.path, self.target = path, target
        self.asked, self.asking = dict(asked), asking

    @property
    def current(self) -> dict[str, Run]:
        """Run's name -> run, without those of an earlier origin."""
        return {run.id: run for run in self.asked.values() if run.origin == self.asking.origin}

    def withdraw(self, run_ids: Iterable[str]) -> None:
        """Forget that some runs were asked for; what they may have left in their folders stays.

        Parameters
        ----------
        run_ids
            Their names.
        """
        for run_id in run_ids:
            del self.asked[run_id]

    def ask(self, runs: Iterable[Run], asking: Asking | None = None) -> None:
        """Note further runs; those that are known already stay as they are.

        Parameters
        ----------
        runs
            In the order in which they shall be done.
        asking
            How they are asked for, as before if not given; earlier origins are kept.

        Raises
        ------
        RunError
            If the folder cannot be written.
        """
        for run in runs:
            self.asked.setdefault(run.id, run)
        if asking is not None:
            self.asking = replace(asking, origins={**self.asking.origins, **asking.origins})
        content = {
            "target": self.target,
            **asdict(self.asking),
            "runs": [asdict(run) for run in self.asked.values()],
        }
        self._write(self.path / ASKED, json.dumps(content, indent=1) + "\n")

    def place(self, run_id: str) -> Path:
        """Return the folder of a run, whether it is there or not."""
        return self.path / RUNS / run_id

    def state(self, run_id: str) -> State:
        """Return how far a run has come, as long as no sweep works on it.

        A record that cannot be read counts as none: its run is done again.
        """
        record = self.record(run_id)
        if record is not None:
            return "ok" if record["status"] == "ok" else "failed"
        return "interrupted" if (self.place(run_id) / STARTED).exists() else "waiting"

    def record(self, run_id: str) -> dict[str, Any] | None:
        """Return the record of a run that is over, else None."""
        try:
            return read_record(self.place(run_id) / RECORD)
        except (OSError, RecordError):
            return None

    def begin(self, run_id: str) -> Path:
        """Make an empty folder for a run, note that it begins, and return the folder.

        What an earlier try left there goes.

        Raises
        ------
        RunError
            If the folder cannot be written.
        """
        place = self.place(run_id)
        try:
            if place.exists():
                shutil.rmtree(place)
            place.mkdir(parents=True)
        except OSError as err:
            raise self._unwritable(err) from err
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write(place / STARTED, json.dumps({"started": now, "process": os.getpid()}) + "\n")
        return place

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other sweeps out of the folder for the length of a block.

        The system gives the folder free when this process ends, however it ends.

        Raises
        ------
        UsageError
            If another sweep works in it; names its process.
        RunError
            If the folder cannot be written.
        """
        try:
            file = (self.path / LOCK).open("a+", encoding="utf-8")
        except OSError as err:
            raise self._unwritable(err) from err
        with file:
            if not _try_lock(file.fileno()):
                file.seek(0)
                who = file.read().strip() or "unknown"
                raise UsageError(
                    f"another sweep works in {self.path} (process {who}); "
                    "wait for it, stop it, or give -o another folder"
                )
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def _write(self, path: Path, text: str) -> None:
        try:
            write_atomically(path, text)
        except OSError as err:
            raise self._unwritable(err) from err

    def _unwritable(self, err: OSError) -> RunError:
        return RunError(
            f"cannot write into {self.path}: {err.strerror or err}; no finished run is lost; "
            f"{_REMEDIES.get(err.errno or 0, 'see to that')} and give the same command again"
        )


def find_folder(path: Path, *, target: str) -> SweepFolder:
    """Return the folder of a sweep that is there, or an empty one that can be made there.

    Nothing is written.

    Parameters
    ----------
    path
        Its place; the folder above it must be there.
    target
        Name of the lab, or of the notebook: one folder holds runs of one.

    Raises
    ------
    UsageError
        If something else is there, or a sweep of another notebook.
    """
    if (path / ASKED).is_file():
        folder = read_folder(path)
        if folder.target != target:
            raise UsageError(
                f"{path} holds a sweep of {folder.target}, not of {target}; give -o another folder"
            )
        return folder
    if path.exists() and not (
        path.is_dir() and all(each.name[0] == "." for each in path.iterdir())
    ):
        raise UsageError(f"{path} is there and holds no sweep; give -o a new or an empty folder")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder; make it first, or give -o another place")
    return SweepFolder(path, target=target, asked={}, asking=Asking())


def open_folder(path: Path, *, target: str) -> SweepFolder:
    """Return the folder of a sweep, a new one if there is none.

    Parameters
    ----------
    path
        Its place; the folder above it must be there.
    target
        Name of the lab, or of the notebook: one folder holds runs of one.

    Raises
    ------
    UsageError
        As for `find_folder`, or if it is new and another sweep has just begun there.
    RunError
        If it cannot be written.
    """
    folder = find_folder(path, target=target)
    if (path / ASKED).is_file():
        return folder
    try:
        path.mkdir(exist_ok=True)
    except OSError as err:
        raise folder._unwritable(err) from err
    with folder.claimed():
        folder.ask(())
    return folder


def read_folder(path: Path) -> SweepFolder:
    """Return the folder of a sweep that is there; nothing is written.

    Raises
    ------
    UsageError
        If there is none, or what was asked for cannot be read.
    """
    try:
        content = json.loads((path / ASKED).read_text(encoding="utf-8"))
        runs = {each["id"]: Run(**each) for each in content["runs"]}
        asking = Asking(**{each.name: content[each.name] for each in fields(Asking)})
        asking = replace(asking, results=tuple(asking.results))
        return SweepFolder(path, target=content["target"], asked=runs, asking=asking)
    except OSError as err:
        raise UsageError(f"{path} holds no sweep; give the folder that lab sweep wrote") from err
    except (ValueError, KeyError, TypeError) as err:
        raise UsageError(f"{path / ASKED} is damaged: {err}; restore it, or begin anew") from err


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - there alone

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - not on Windows

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
