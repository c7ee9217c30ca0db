"""What a server saw, on disk: a line an event, and the weights of every round.

The server writes, the notebook reads while the server runs, or after it was killed: events are
appended in one piece, weights are renamed into place, so that a reader never sees half of either.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Event = dict[str, Any]
Weights = NDArray[np.float32]
EVENTS = "events.jsonl"


class Journal:
    """The events and weights of a run, in a folder.

    Parameters
    ----------
    folder
        Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, kind: str, **values: Any) -> Event:
        """Append an event and return it.

        Parameters
        ----------
        kind
            What happened, such as ``asked`` or ``averaged``.
        values
            Plain data.
        """
        event = {"kind": kind, "at_s": round(time.time(), 3), **values}
        with (self.folder / EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
        return event

    def read(self, start: int = 0) -> list[Event]:
        """Return the events from number `start` on; a line that is being written is left out."""
        path = self.folder / EVENTS
        if not path.is_file():
            return []
        *lines, _ = path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[start:]]

    def save(self, round_: int, weights: Weights) -> Path:
        """Write the weights of a round, 0 for those before the first, and return the file.

        Parameters
        ----------
        round_
            Its number.
        weights
            (size,).
        """
        path = self.folder / f"round_{round_:05d}.npy"
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, np.asarray(weights, np.float32))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        return path

    def load(self, round_: int) -> Weights:
        """Return the weights of a round.

        Raises
        ------
        ValueError
            If there are none; names those that there are.
        """
        path = self.folder / f"round_{round_:05d}.npy"
        if not path.is_file():
            there = ", ".join(map(str, self.rounds())) or "no round"
            raise ValueError(f"no weights of round {round_}; there are those of {there}")
        weights: Weights = np.load(path, allow_pickle=False)
        return weights

    def rounds(self) -> list[int]:
        """Return the rounds of which there are weights, in order."""
        return sorted(int(path.stem.removeprefix("round_")) for path in self._files())

    def forget_after(self, round_: int) -> list[int]:
        """Remove the weights of later rounds, so that a run goes on from this one; return them.

        Raises
        ------
        ValueError
            If there are no weights of that round.
        """
        self.load(round_)
        later = [each for each in self.rounds() if each > round_]
        for each in later:
            (self.folder / f"round_{each:05d}.npy").unlink()
        return later

    def _files(self) -> list[Path]:
        return list(self.folder.glob("round_*.npy"))
