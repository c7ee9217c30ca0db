"""What a sandbox shows of the machine's files; `labs.engine.sandbox.walls` mounts it.

Shown, read only: system libraries and programs, this Python and its packages, and of this project
what is handed out to students. Everything else does not exist inside. This module only decides and
looks at no file's content.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[3]
OF_THE_PROJECT = ("labs", "course_utils", "datasets")  # never the grader, its tests, its settings
HOME = "/home/student"
PASSED = "/run/kernel"  # sockets of a kernel, which the supervisor connects to
EMPTY = "/run/empty"  # what hidden folders show
SCRATCH = {"/tmp": 0o1777, "/dev/shm": 0o1777, HOME: 0o700, PASSED: 0o700}  # noqa: S108 - inside
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
# Of /etc only what programs need: where libraries and compilers lie, the time zone, fonts.
_OF_ETC = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts")
_OF_SYS = ("/sys/devices/system/cpu", "/sys/devices/system/node")  # how many threads make sense
_OF_A_PREFIX = ("bin", "include", "lib", "lib64", "libexec", "share", "pyvenv.cfg")


class Step(NamedTuple):
    """One mount: the host's own file or folder (`is_shown`), or an empty folder in its place."""

    path: str
    is_shown: bool


class View(NamedTuple):
    """What a sandbox sees: mounts, parents first; links with relative targets; what is covered."""

    steps: tuple[Step, ...]
    links: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]


def view(*, read_only: Iterable[str] = (), hide: Iterable[str] = ()) -> View:
    """Return what a sandbox of this Python and this project sees.

    Parameters
    ----------
    read_only
        More files and folders to show.
    hide
        Files and folders to take away again. With a module goes its compiled form, which holds the
        same: all of the folder ``__pycache__`` beside it.
    """
    is_checkout = (PROJECT / "pyproject.toml").exists()  # else installed among other packages
    project = [str(PROJECT / name) for name in OF_THE_PROJECT]
    wanted = [*_SYSTEM, *_OF_ETC, *_OF_SYS, *python_paths(), *project, *read_only]
    steps, links = plan(wanted, cover=[str(PROJECT)] if is_checkout else [])
    return View(tuple(steps), tuple(links), tuple(hidden_paths(hide)))


def python_paths() -> list[str]:
    """Return the folders of this Python: its installation, environment and packages.

    Never all of `sys.path`: its first entry is the folder of whoever starts, hidden tests and all.
    """
    packages = [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    paths = [*sorted(prefixes), *packages]
    # Of an environment its parts: it may be made in the project's own folder, in that of a course
    # or in a home, and what lies beside them there is nobody's business.
    inside = [
        p for p in paths if Path(p).resolve() != PROJECT and not Path(p, "pyvenv.cfg").exists()
    ]
    parts = [str(Path(p) / name) for p in paths if p not in inside for name in _OF_A_PREFIX]
    return [*inside, *parts]


def plan(
    wanted: Sequence[str], *, cover: Sequence[str]
) -> tuple[list[Step], list[tuple[str, str]]]:
    """Return the mounts that show paths and not what is to be covered, and the links.

    Parameters
    ----------
    wanted
        Paths to show; those that do not exist are left out.
    cover
        Folders whose content must not appear through a folder above them; what is wanted below
        them is shown all the same.
    """
    real = {path: os.path.realpath(path) for path in wanted if Path(path).exists()}
    covered = {os.path.realpath(path) for path in cover}
    planned: dict[str, Step] = {}
    for path in sorted({*real.values(), *covered}, key=lambda path: path.count("/")):
        above = next((planned[str(p)] for p in Path(path).parents if str(p) in planned), None)
        is_visible = above is not None and above.is_shown
        if is_visible == (path in covered):  # neither shown twice nor covered without need
            planned[path] = Step(path, is_shown=path not in covered)
    links = [
        (path, os.path.relpath(target, Path(path).parent))
        for path, target in real.items()
        if path != target
    ]
    return list(planned.values()), links


def hidden_paths(paths: Iterable[str]) -> list[str]:
    """Return what to cover so that files and folders are gone, compiled forms included."""
    result: dict[str, None] = {}
    for path in map(os.path.realpath, paths):
        result[path] = None
        compiled = Path(path).parent / "__pycache__"
        if path.endswith(".py"):
            result[str(compiled)] = None
    return list(result)
