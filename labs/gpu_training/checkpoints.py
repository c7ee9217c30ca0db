"""Training states as files: whole or not there, never half, and never code.

One file a rank and step. A state is plain data in the format of `labs.engine.codec` behind the
SHA-256 of what follows, so a damaged file is noticed and loading one runs nothing. A file takes its
name only when it is complete and on the disk. What a state must hold is not decided here.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from labs.engine import codec
from labs.engine.errors import ExchangeError

MAX_BYTES = 64 * 1024**3
_HASH_BYTES = 32


_NAME = re.compile(r"step-(?P<step>\d+)\.rank-\d+-of-(?P<ranks>\d+)\.state")


class CheckpointError(Exception):
    """A checkpoint cannot be written, or is not there, or not whole."""


def save(folder: Path, state: Any, *, step: int, rank: int = 0, world_size: int = 1) -> Path:
    """Write the state of a rank and return its file, which is on the disk by then.

    Parameters
    ----------
    folder
        Made if it is not there.
    state
        Plain data.
    step
        Steps taken, >= 0.
    rank, world_size
        Whose state, of how many.

    Raises
    ------
    CheckpointError
        If the state is no plain data, or cannot be written; no file of that name is new then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = save(Path(folder), {"step": 20}, step=20)
    ...     newest(Path(folder)), load(Path(folder), step=20)
    (20, {'step': 20})
    """
    path = _path(folder, step=step, rank=rank, world_size=world_size)
    part = path.with_suffix(".part")
    try:
        message = codec.encode(state, max_bytes=MAX_BYTES)
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(hashlib.sha256(message).digest())
            file.write(message)
            file.flush()
            os.fsync(file.fileno())  # else the name may be on the disk before the content
        part.replace(path)
        _sync_folder(folder)
    except (ExchangeError, OSError) as err:
        part.unlink(missing_ok=True)
        raise CheckpointError(f"{path.name} cannot be written: {err}") from err
    return path


def load(folder: Path, *, step: int, rank: int = 0, world_size: int = 1) -> Any:
    """Return the state of a rank; tensors and arrays come back as tensors.

    Parameters
    ----------
    folder
        Where `save` wrote it.
    step, rank, world_size
        Which one.

    Raises
    ------
    CheckpointError
        If the file is not there, or damaged.
    """
    path = _path(folder, step=step, rank=rank, world_size=world_size)
    try:
        return as_tensors(codec.decode(_content(path), max_bytes=MAX_BYTES))
    except ExchangeError as err:
        raise CheckpointError(f"{path.name} cannot be read: {err}") from err


def newest(folder: Path, *, world_size: int = 1) -> int | None:
    """Return the last step of which every rank's file is whole, or None.

    A damaged file, or one that a rank had no time to write, makes its step count as not there, and
    the one before it is taken.

    Parameters
    ----------
    folder
        May be missing.
    world_size
        Ranks of the job.

    Raises
    ------
    CheckpointError
        If the folder holds states of another number of ranks, and none of this one.
    """
    names = [_NAME.fullmatch(path.name) for path in folder.glob("step-*.state")]
    found = [(int(name["step"]), int(name["ranks"])) for name in names if name]
    steps = {step for step, ranks in found if ranks == world_size}
    if found and not steps:
        raise CheckpointError(
            f"{folder} holds checkpoints of {found[0][1]} ranks, this job has {world_size}; start "
            "it with as many, or give another folder"
        )
    for step in sorted(steps, reverse=True):
        paths = [
            _path(folder, step=step, rank=rank, world_size=world_size) for rank in range(world_size)
        ]
        if all(is_whole(path) for path in paths):
            return step
    return None


def is_whole(path: Path) -> bool:
    """Return whether a file is there and holds what was written."""
    try:
        _content(path)
    except CheckpointError:
        return False
    return True


def as_tensors(state: Any) -> Any:
    """Return plain data with its arrays as tensors.

    Examples
    --------
    >>> as_tensors({"a": [np.ones(2, dtype=np.float32), 3]})
    {'a': [tensor([1., 1.]), 3]}
    """
    if isinstance(state, dict):
        return {key: as_tensors(each) for key, each in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(as_tensors(each) for each in state)
    return torch.from_numpy(state) if isinstance(state, np.ndarray) else state


def _path(folder: Path, *, step: int, rank: int, world_size: int) -> Path:
    return folder / f"step-{step:09d}.rank-{rank}-of-{world_size}.state"


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as err:
        raise CheckpointError(f"{path.name} cannot be read: {err}") from err
    digest, message = data[:_HASH_BYTES], data[_HASH_BYTES:]
    if hashlib.sha256(message).digest() != digest:
        raise CheckpointError(
            f"{path.name} is damaged: its content has another SHA-256 than its first "
            f"{_HASH_BYTES} bytes say; remove it, and the checkpoint before it is taken"
        )
    return message


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
