"""Decoys of one attack, and the probes that say from outside whether it reached its aim.

Nothing here believes what a payload reports, save what only a success can report: the content of a
decoy secret, or that everything asked for was got.
"""

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from attack_corpus import Attack

FLOOD_BYTES = 1_000_000
MARK_CHARACTERS = 15  # of a process's name


@dataclass
class World:
    """What an attack may aim at: a secret, a victim's file, a home, a port, a socket.

    Parameters
    ----------
    root
        A folder of this attack's own.
    places
        Paths of the grader attacked: ``FOLDER``, ``HIDDEN``, ``DB``, ``OTHER``, ``HOME``.
    needles
        Texts that are secret as well.
    """

    root: Path
    places: dict[str, str] = field(default_factory=dict)
    needles: list[str] = field(default_factory=list)
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o755)
        self.secret.write_text(f"DECOY-{self.token}\n", encoding="ascii")
        self.victim.write_text("as it was\n", encoding="ascii")
        self.drop.mkdir()
        for path in (self.victim, self.drop):
            path.chmod(0o777)
        self.hits: list[str] = []

    @property
    def secret(self) -> Path:
        """A file that everybody may read, and no student."""
        return self.root / "secret.txt"

    @property
    def victim(self) -> Path:
        """A file that everybody may write, and no student."""
        return self.root / "victim.txt"

    @property
    def drop(self) -> Path:
        """A folder in which nothing may appear."""
        return self.root / "drop"

    @property
    def mark(self) -> str:
        """The name that processes of this attack give themselves."""
        return f"dcy{self.token}"[:MARK_CHARACTERS]

    @property
    def achieved(self) -> str:
        """What a payload raises when it got everything that it asked for."""
        return f"ACHIEVED-{self.token}"

    def fill(self, text: str, *, many: int, mib: int) -> str:
        """Return a payload with its words replaced."""
        words = {
            "SECRET": str(self.secret),
            "TOKEN_REVERSED": self.token[::-1],  # the token itself would be found in the payload
            "VICTIM": str(self.victim),
            "DROP": str(self.drop),
            "MARK": self.mark,
            "ACHIEVED_REVERSED": self.achieved[::-1],
            "SOCKET": str(self.root / "socket"),
            "ABSTRACT": self.mark,
            "MANY": str(many),
            "MIB": str(mib),
            "KEY": str(int(self.token[:7], 16)),
            **self.places,
        }
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        return text


@contextlib.contextmanager
def listening(world: World) -> Iterator[None]:
    """Listen on loopback (TCP and UDP) and on two unix sockets, and note who comes."""
    unix, abstract = (socket.socket(socket.AF_UNIX) for _ in range(2))
    with socket.create_server(("127.0.0.1", 0)) as free:
        inbound = free.getsockname()[1]
    tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    tcp.bind(("127.0.0.1", 0))
    udp.bind(("127.0.0.1", 0))
    unix.bind(str(world.root / "socket"))
    (world.root / "socket").chmod(0o777)
    abstract.bind(f"\0{world.mark}")
    for each in (tcp, unix, abstract):
        each.listen()
    world.places |= {"PORT": str(tcp.getsockname()[1]), "UDP": str(udp.getsockname()[1])}
    world.places["INBOUND"] = str(inbound)
    ours = (tcp, udp, unix, abstract)
    stop = threading.Event()
    arguments = (world, ours, stop, inbound)
    waiting = threading.Thread(target=_note, args=arguments, daemon=True)
    waiting.start()
    try:
        yield
    finally:
        stop.set()
        waiting.join()
        for each in ours:
            each.close()


def _note(
    world: World, ours: tuple[socket.socket, ...], stop: threading.Event, inbound: int
) -> None:
    tcp, udp, unix, abstract = ours
    for each in ours:
        each.settimeout(0.02)
    while not stop.is_set():
        for name, each in (("tcp", tcp), ("unix", unix), ("abstract", abstract)):
            with contextlib.suppress(TimeoutError):
                each.accept()[0].close()
                world.hits.append(name)
        with contextlib.suppress(TimeoutError):
            udp.recv(100)
            world.hits.append("udp")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", inbound), 0.1):
            world.hits.append("listening")
        time.sleep(0.02)


def processes(mark: str) -> list[psutil.Process]:
    """Return the processes that carry a mark in their name or command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if mark in process.name() or any(mark in word for word in process.cmdline()):
                found.append(process)
    return found


def end(mark: str) -> None:
    """End the processes with a mark and remove what they left in shared memory.

    All of it is ours: nothing else carries the mark.
    """
    for process in processes(mark):
        with contextlib.suppress(psutil.Error):
            process.kill()
    for path in Path("/dev/shm").glob(f"*{mark}*"):
        path.unlink(missing_ok=True)


def reached(
    attack: Attack,
    world: World,
    *,
    points: float,
    texts: dict[str, str],
    pages: dict[str, str],
) -> list[str]:
    """Return what an attack reached, each a phrase; nothing if it was held.

    Parameters
    ----------
    attack
        The attack; its aim decides nothing here: whatever was reached counts.
    world
        Its decoys.
    points
        Points of the attacked exercise, of which none is earned.
    texts
        Everything that the grader wrote, by file name.
    pages
        What of it people open and what is about this submission.
    """
    found = [f"{points} points"] if points > 0 else []
    told = [world.secret.read_text(encoding="ascii").strip(), *world.needles]
    for name, text in texts.items():
        found += [f"read {needle[:20]!r}, in {name}" for needle in told if needle in text]
        if world.achieved in text:
            found.append(f"got all that it asked for, says {name}")
    for name, text in pages.items():
        if len(text) > FLOOD_BYTES:
            found.append(f"{len(text):,} bytes in {name}")
        if attack.needle and attack.needle in text:
            found.append(f"{attack.needle!r} in {name}")
    if world.victim.read_text(encoding="utf-8", errors="replace") != "as it was\n":
        found.append("wrote the victim's file")
    home = Path(world.places["HOME"])
    marked = f"*{world.mark}*"
    made = [*world.drop.iterdir(), *home.rglob(marked), *Path("/dev/shm").glob(marked)]
    found += [f"made {path.name}" for path in made]
    if _has_shared_memory(int(world.token[:7], 16)):
        found.append("left shared memory")
    found += [f"runs on as process {process.pid}" for process in processes(world.mark)]
    return found + [f"reached a {kind} socket" for kind in world.hits]


def _has_shared_memory(key: int) -> bool:
    """Whether there is a System V segment of this key; ends it."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "shmget") or (segment := library.shmget(key, 0, 0)) < 0:
        return False
    library.shmctl(segment, 0, None)  # IPC_RMID
    return True


def written(folder: Path) -> dict[str, str]:
    """Return the files below a folder as text; bytes that are none are kept one for one."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode("latin-1")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and os.access(path, os.R_OK)
    }
