"""Finds the zygote of this user and this Python, or starts it.

There is one for each Python, environment, set of modules to preload and state of this project; what
tells them apart is in the name of the socket. This module starts a process and connects to it, and
does not say anything to it: `labs.engine.sandbox.confine` does.
"""

import contextlib
import functools
import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from labs.engine.errors import SandboxError

if sys.platform != "win32":
    import fcntl

PROJECT = Path(__file__).resolve().parents[3]
IDLE_S = 60.0
# A fork shows the environment that its zygote was started with: nothing else may get in.
KEPT_ENVIRONMENT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
)


def runtime_folder() -> Path:
    """Return the private folder of zygotes and sockets; short, as socket paths must be.

    Raises
    ------
    SandboxError
        If somebody else has taken its place.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    is_usable = bool(given) and os.access(given, os.W_OK)
    # Not TMPDIR: a run may have one of its own, which goes away while the zygote stays.
    base = Path(given, "course-sandbox") if is_usable else _shared_base()
    base.mkdir(mode=0o700, exist_ok=True)
    found = base.lstat()
    is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    if not is_private or found.st_uid != os.geteuid():
        raise SandboxError(f"{base} is not a private folder of this user; remove it")
    return base


def _shared_base() -> Path:
    return Path("/tmp", f"course-sandbox-{os.geteuid()}")  # noqa: S108 - checked to be private


def zygote_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a zygote, which every sandbox can read."""
    defaults = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PATH": os.defpath}
    given = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    return (
        defaults
        | given
        | {
            "PYTHONPATH": str(PROJECT),
            "PYTHONUTF8": "1",
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(folder / "matplotlib"),  # the list of fonts, made once
            "HOME": str(folder),
            "COURSE_STATIC": "1",  # widgets show a still picture
            "CUDA_VISIBLE_DEVICES": "",  # no fork can use a device that its parent has opened
            "MALLOC_ARENA_MAX": "4",  # each reserves addresses, which are limited
        }
    )


def connections(preload: tuple[str, ...]) -> Iterator[socket.socket]:
    """Connect to the zygote, and once more to a new one if the first ends meanwhile.

    Parameters
    ----------
    preload
        Modules that it imports besides the usual ones.

    Raises
    ------
    SandboxError
        If there is none and none can be started.
    """
    if sys.platform != "linux":
        raise SandboxError(f"no sandbox: walls need Linux, and this is {sys.platform}")
    folder = runtime_folder()
    environment = zygote_environment(folder)
    key = json.dumps([sys.executable, sys.prefix, environment, preload, _code_state()])
    path = folder / f"z-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    for _ in range(2):
        if (control := _connect(path)) is None:
            with _locked(folder / "lock"):
                control = _connect(path)  # another client may have started it meanwhile
                if control is None:
                    _start_zygote(path, folder, environment=environment, preload=preload)
                    control = _connect(path)
        if control is not None:
            yield control


@functools.cache
def _code_state() -> str:
    """Return what changes with our own code, which a zygote has loaded once and for all."""
    files = (path for name in ("course_utils", "labs") for path in (PROJECT / name).rglob("*.py"))
    states = sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()


def _connect(path: Path) -> socket.socket | None:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        control.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        control.close()
        return None
    return control


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _start_zygote(
    path: Path, folder: Path, *, environment: Mapping[str, str], preload: Sequence[str]
) -> None:
    """Start a zygote with a socket that clients can connect to at once; they wait in its queue."""
    _sweep(folder)
    log = path.with_suffix(".log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(128)
        settings = {"listener": listener.fileno(), "path": str(path), "folder": str(folder)}
        settings |= {"preload": list(preload), "idle_s": IDLE_S}
        command = [sys.executable, "-P", "-m", "labs.engine.sandbox.zygote", json.dumps(settings)]
        with log.open("wb") as output:
            started = subprocess.run(  # returns at once: the zygote goes on as nobody's child
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=dict(environment),
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is for the client
                check=False,
            )
    if started.returncode != 0:
        path.unlink()
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise SandboxError(f"no sandbox: {lines[-1] if lines else 'its maker did not start'}")


def _sweep(folder: Path) -> None:
    """Remove what zygotes that were killed have left."""
    for path in folder.glob("z-*"):
        if path.suffix:
            continue
        if (control := _connect(path)) is None:
            path.unlink(missing_ok=True)
            path.with_suffix(".log").unlink(missing_ok=True)
        else:
            control.close()
