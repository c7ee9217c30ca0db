"""Which run is which: a name that is the same as long as everything that decides the result is.

A run is named after its notebook, the modules that it can import, all of its parameters, the
versions that decide numbers, and its data. What does not decide numbers, such as the folder or the
day, has no part in it. Nothing is run or stored here.
"""

import functools
import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from labs.engine import provenance
from labs.engine.parameters import cell_source, read_notebook
from labs.engine.runner import Plan

# Distributions that decide numbers.
VERSIONS = (
    *("mlsys-course", "numpy", "scipy", "scikit-learn", "pandas"),
    *("torch", "torchvision", "flwr"),
)
DIGITS = 16  # of a name: two of 5,000 runs collide once in 10^12 sweeps


def versions() -> dict[str, str]:
    """Return the versions that decide numbers; what is not installed is left out."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Origin:
    """What all runs of a sweep have in common.

    Parameters
    ----------
    notebook
        Hash of the notebook's cells; of outputs and numbers of executions nothing.
    modules
        Hash of each package whose code the notebook can import.
    versions
        That decide numbers.
    threads
        Of a kernel: they decide the order in which numbers are added.
    """

    notebook: str
    modules: Mapping[str, str]
    versions: Mapping[str, str]
    threads: int

    @property
    def name(self) -> str:
        """Name of this origin, 16 hexadecimal digits."""
        return _digest(asdict(self))

    def run_id(self, parameters: Mapping[str, Any]) -> str:
        """Return the name of the run with these parameters, 16 hexadecimal digits.

        Parameters
        ----------
        parameters
            All of the notebook's, with the values used. Of a text that is the absolute path of a
            file, what is in the file counts as well.

        Examples
        --------
        >>> origin = Origin("a", {}, {}, threads=1)
        >>> origin.run_id({"x": 1, "y": 2}) == origin.run_id({"y": 2, "x": 1})
        True
        >>> origin.run_id({"x": 1}) == origin.run_id({"x": 1.0})
        False
        """
        files = {
            name: _file(value, Path(value).stat().st_mtime_ns)
            for name, value in parameters.items()
            if _is_file(value)
        }
        known = {"files": files} if files else {}
        return _digest({**asdict(self), "parameters": dict(parameters), **known})


def origin_of(plan: Plan, *, threads: int) -> Origin:
    """Return what a run and its siblings have in common.

    Data sets need no part of their own: what they must contain stands in `course_utils.data`, whose
    hash is among those of the modules, and is checked whenever they are read.

    Parameters
    ----------
    plan
        Any of the runs.
    threads
        Of a kernel, >= 1.
    """
    return Origin(
        notebook=cells_hash(read_notebook(plan.notebook)),
        modules=provenance.modules_hashes(plan.lab),
        versions=versions(),
        threads=threads,
    )


def cells_hash(content: Mapping[str, Any]) -> str:
    """Return a hash of what a notebook does: kinds, sources and tags of its cells, in order.

    Parameters
    ----------
    content
        The notebook as plain data.
    """
    cells = [
        [cell["cell_type"], cell_source(cell), cell.get("metadata", {}).get("tags", [])]
        for cell in content["cells"]
    ]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _digest(facts: Mapping[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(os.sep) and Path(value).is_file()


@functools.lru_cache(maxsize=256)
def _file(path: str, _changed_ns: int) -> str:
    """Return the hash of a file as of a time, which many runs may have in common."""
    return provenance.file_hash(path)
