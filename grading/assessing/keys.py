"""What a grade depends on, as a hash: with the same key nothing needs to be graded again.

The key covers the submission, the lab (every file in its folder, so also data that its cells read),
the hidden checks, the modules that labs and checks use, the grader itself, the seeds, limits,
preset and exercises, and the versions of Python, of the packages that compute and of those in the
extras of the lab. It covers nothing of the machine, and no other submission. Files are hashed; none
is imported.
"""

import hashlib
import hmac
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from grading.course import Course
from labs.engine.catalog import LABS_ROOT, Lab
from labs.engine.extras import find_extra
from labs.engine.provenance import files_hash
from labs.engine.sandbox.limits import Limits

_PACKAGES = ("numpy", "torch", "scipy", "scikit-learn", "ipython")
_GRADER = (
    "assessing/assess.py",
    "assessing/assessment.py",
    "assessing/room.py",
    "assessing/work.py",
    "verdict.py",
)
_BUILT = {".pyc", ".pyo"}
_SEEDS_MARK = b"which seeds a grade was computed with"


@dataclass(frozen=True)
class Settings:
    """How the submissions of a lab are graded, apart from files.

    Parameters
    ----------
    exercises
        Ids of those that count.
    preset
        Name of the lab's preset.
    limits
        Limits of one message.
    is_trusted
        Whether student code runs without walls.
    """

    exercises: tuple[str, ...]
    preset: str
    limits: Limits
    is_trusted: bool = False


def lab_fingerprint(course: Course, lab: Lab) -> str:
    """Return a hash of everything that a lab's submissions are graded with, seeds aside."""
    package = LABS_ROOT.parent
    folders = {
        "lab": lab.folder,
        "engine": LABS_ROOT / "engine",
        "shared": LABS_ROOT / "shared",
        "course_utils": package / "course_utils",
    }
    package = Path(__file__).parents[1]
    parts = {
        **{name: files_hash(_files(folder), base=folder) for name, folder in folders.items()},
        "hidden": files_hash(course.hidden(lab), base=course.answers / lab.name),
        "grader": files_hash([package / name for name in _GRADER], base=package),
        "versions": {"python": platform.python_version(), **_versions(_packages(lab))},
    }
    return _digest(parts)


def _files(folder: Path) -> Iterable[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        is_hidden = any(part.startswith((".", "__pycache__")) for part in parts)
        if path.is_file() and not is_hidden and path.suffix not in _BUILT:
            yield path


def _packages(lab: Lab) -> Sequence[str]:
    """Return the packages that compute: what a compiler or an emulator gives is in the grades."""
    needed = (text for name in lab.extras for text in find_extra(name).requirements)
    return (*_PACKAGES, *(Requirement(text).name for text in needed))


def _versions(packages: Sequence[str]) -> dict[str, str]:
    return {name: _version(name) for name in packages}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"  # on a machine of a cluster: its fingerprint is another one then


def seeds_mark(secret: bytes, release: str) -> str:
    """Return a text that changes with the seeds and does not give them away."""
    return hmac.new(secret, _SEEDS_MARK + release.encode(), hashlib.sha256).hexdigest()


def grading_key(digest: str, *, fingerprint: str, seeds: str, settings: Settings) -> str:
    """Return the key of one submission.

    Parameters
    ----------
    digest
        That of the submission.
    fingerprint
        From `lab_fingerprint`.
    seeds
        From `seeds_mark`.
    settings
        How it is graded.
    """
    parts = {
        "submission": digest,
        "lab": fingerprint,
        "seeds": seeds,
        "settings": asdict(settings),
    }
    return _digest(parts)


def _digest(parts: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
