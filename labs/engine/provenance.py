"""Where a run comes from: hashes of what was executed, the commit, the machine.

Names are relative and hold neither a machine's folders nor a user's name. Nothing is executed but
git, and a short Python process that describes the machine as the kernel saw it.
"""

import functools
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labs.engine.catalog import LABS_ROOT, Lab

GIT_TIMEOUT_S = 20
MACHINE_TIMEOUT_S = 120
_DESCRIBER = "labs.engine.machine"
_DESCRIBING = threading.Lock()


def file_hash(path: str | Path) -> str:
    """Return the sha256 of a file, as ``sha256sum`` prints it."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def files_hash(paths: Iterable[Path], *, base: Path) -> str:
    """Return one sha256 over files: their names relative to `base`, and their bytes.

    The order in which they come does not matter, and neither does where `base` lies.
    """
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(base).as_posix(), path) for path in paths):
        digest.update(f"{name}\0{file_hash(path)}\n".encode())
    return digest.hexdigest()


def modules_hashes(lab: Lab | None) -> dict[str, str]:
    """Return one sha256 for each package whose code a notebook runs: the lab's and the shared."""
    spec = importlib.util.find_spec("course_utils")
    folders = {"labs.shared": LABS_ROOT / "shared"}
    for location in (spec.submodule_search_locations or []) if spec else []:
        folders["course_utils"] = Path(location)
    if lab is not None:
        folders[lab.package] = lab.folder
    return {
        name: files_hash(folder.rglob("*.py"), base=folder)
        for name, folder in sorted(folders.items())
    }


def git_state(folder: Path = LABS_ROOT) -> dict[str, Any] | None:
    """Return commit and dirty flag of the checkout that a folder's code comes from.

    None where git does not keep this folder: an installed wheel, an unpacked handout, no git.
    """
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changes is None:
        return None
    return {"commit": commit, "dirty": bool(changes)}


def machine(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return `labs.engine.machine.machine` as a kernel with this environment sees it.

    A process of its own keeps torch out of the caller, and its thread settings are the kernel's.
    The answer is kept for further runs with the same settings.
    """
    relevant = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTHONPATH")
    settings = tuple((key, environment[key]) for key in relevant if key in environment)
    with _DESCRIBING:  # of runs that end at the same time, one asks for all
        return dict(_machine(settings))


@functools.cache
def _machine(settings: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _DESCRIBER],
            env=dict(os.environ) | dict(settings),
            capture_output=True,
            text=True,
            timeout=MACHINE_TIMEOUT_S,
            check=True,
            start_new_session=True,  # Ctrl-C must not end it: its answer is recorded and kept
        )
    except (subprocess.SubprocessError, OSError) as err:
        stderr = getattr(err, "stderr", None) or str(err)
        return {"unknown": stderr.strip().splitlines()[-1]}
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def _git(folder: Path, *words: str) -> str | None:
    """Return what a git command says, or None if it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=True,
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return done.stdout.strip()
