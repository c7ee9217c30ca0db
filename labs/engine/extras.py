"""The optional parts of the project: what each needs, what of it is here, what it would cost.

Names and requirements come from the metadata of the installed distribution, which has them from
``pyproject.toml``; sizes were measured and stand in ``extras.toml``. Nothing is installed here.
"""

import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from labs.engine.catalog import LABS_ROOT, did_you_mean
from labs.engine.errors import ExtraMissingError, LabError, UsageError

DISTRIBUTION = "mlsys-course"
SIZES_FILE = Path(__file__).with_name("extras.toml")


@dataclass(frozen=True)
class Extra:
    """One optional part of the project.

    Parameters
    ----------
    name
        As in ``pyproject.toml``.
    requirements
        Every package it asks for, with the versions allowed.
    missing
        Those that are not installed here, or in a version that is not allowed.
    download_bytes, disk_bytes
        What it adds to an installation of the required packages; see ``extras.toml``.
    """

    name: str
    requirements: tuple[str, ...]
    missing: tuple[str, ...]
    download_bytes: int
    disk_bytes: int

    @property
    def is_installed(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def install_command(*names: str) -> str:
    """Return the one command that installs extras into this Python.

    It works in the current folder: pip takes the project that is installed already, from wherever
    it came, and adds only what is missing, in the tested versions if the checkout names them.

    Examples
    --------
    >>> install_command("mcu", "fpga").endswith('"mlsys-course[mcu,fpga]"')
    True
    """
    python = Path(sys.executable)
    is_on_path = shutil.which("python") == sys.executable
    pins = LABS_ROOT.parent / "constraints.txt"
    tested = f"-c {_from_here(pins)} " if pins.is_file() else ""
    command = "python" if is_on_path else _from_here(python)
    return f'{command} -m pip install {tested}"{DISTRIBUTION}[{",".join(names)}]"'


def _from_here(path: Path) -> str:
    """Return a path as a shell in the current folder takes it, short where it is below."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def find_extras() -> tuple[Extra, ...]:
    """Return every extra of the installed project, in the order of ``extras.toml``.

    Raises
    ------
    LabError
        If the project is not installed in this Python.
    """
    sizes = tomllib.loads(SIZES_FILE.read_text(encoding="utf-8"))
    requires = _requirements()
    extras = []
    for name, size in sizes.items():
        own = [requirement for requirement in requires if _belongs_to(requirement, name)]
        missing = [need for requirement in own for need in _missing(requirement)]
        extras.append(Extra(name, _texts(own), _texts(missing), **size))
    return tuple(extras)


def missing_requirements() -> tuple[str, ...]:
    """Return the required packages that are not here, or in a version that is not allowed."""
    required = [need for need in _requirements() if need.marker is None or need.marker.evaluate()]
    return _texts([absent for need in required for absent in _missing(need)])


def find_extra(name: str) -> Extra:
    """Return the extra of this name.

    Raises
    ------
    UsageError
        If there is none; the message lists them.
    """
    extras = {extra.name: extra for extra in find_extras()}
    if name not in extras:
        raise UsageError(
            f"no extra {name!r}{did_you_mean(name, extras)} (extras: {', '.join(extras)})"
        )
    return extras[name]


def require_extras(names: tuple[str, ...], *, needed_by: str) -> None:
    """Refuse to go on where an extra is not installed.

    Raises
    ------
    ExtraMissingError
        Naming what is missing, what it costs and the command that installs it.
    """
    absent = [extra for extra in map(find_extra, names) if not extra.is_installed]
    if absent:
        packages = ", ".join(need for extra in absent for need in extra.missing)
        raise ExtraMissingError(
            f"{needed_by} needs {packages}, not installed here; "
            f"run: {install_command(*(extra.name for extra in absent))}"
        )


def _requirements() -> list[Requirement]:
    try:
        return [Requirement(text) for text in metadata.requires(DISTRIBUTION) or []]
    except metadata.PackageNotFoundError as err:
        raise LabError(
            f"{DISTRIBUTION} is not installed in this Python; "
            "run: python -m pip install -e . in the course folder"
        ) from err


def _belongs_to(requirement: Requirement, extra: str) -> bool:
    """Whether a requirement holds with the extra and not without it."""
    marker = requirement.marker
    return (
        marker is not None
        and marker.evaluate({"extra": extra})
        and not marker.evaluate({"extra": ""})
    )


def _missing(requirement: Requirement) -> Iterator[Requirement]:
    """Yield the requirement if it is not met, else what its own extras lack."""
    try:
        distribution = metadata.distribution(requirement.name)
    except metadata.PackageNotFoundError:
        yield requirement
        return
    if not requirement.specifier.contains(distribution.version, prereleases=True):
        yield requirement
        return
    for text in distribution.requires or []:
        inner = Requirement(text)
        if any(_belongs_to(inner, extra) for extra in requirement.extras):
            yield from _missing(inner)


def _texts(requirements: list[Requirement]) -> tuple[str, ...]:
    """Return requirements without their markers, as pip takes them; each once."""
    texts = []
    for requirement in requirements:
        bare = Requirement(str(requirement))
        bare.marker = None
        texts.append(str(bare))
    return tuple(dict.fromkeys(texts))
