"""The walls around student code, but for the filter in `seccomp` and the groups in `cgroups`.

Linux only, and nothing but its system calls. Each process of a sandbox uses its part, in order:

    supervisor        `claim_user`, `separate`         who it is; own processes
    first process     `isolate`, `build_root`          own network and names; own files
    both inside       `set_limits`, `drop_privileges`  from here on there is no way back
    everyone          `die_with_parent`                nothing outlives the one who answers for it

What is mounted where is decided in `labs.engine.sandbox.view`. Nothing here starts a process.
"""

import contextlib
import ctypes
import fcntl
import os
import random
import resource
import signal
import socket
import struct
from pathlib import Path

from labs.engine.sandbox.limits import MESSAGES, MIB, Limits
from labs.engine.sandbox.view import EMPTY, HOME, PASSED, SCRATCH, View

OWN_MOUNTS, OWN_NAMES, OWN_MESSAGES = 0x20000, 0x4000000, 0x8000000  # CLONE_NEWNS, NEWUTS, NEWIPC
OWN_USERS, OWN_PROCESSES, OWN_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SETUID, NO_DEVICES, NO_PROGRAMS = 1, 2, 4, 8  # the same numbers for both mount calls
_BIND, _RECURSIVE, _PRIVATE, _DETACH = 0x1000, 0x4000, 1 << 18, 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_NR_MOUNT_SETATTR, _NR_PIVOT_ROOT = 442, {"x86_64": 155, "aarch64": 41}
_INTERFACE_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING
_DUMPABLE, _DEATH_SIGNAL, _DROP_BOUND, _NO_NEW_PRIVILEGES = 4, 1, 24, 38  # of prctl
_CAPABILITY_VERSION = 0x20080522
_CAPABILITIES = 64  # more than any kernel has
_MAY_ADMINISTER = 21  # CAP_SYS_ADMIN
USERS = range(61184, 65520)  # what systemd keeps for users that exist while a service runs
ORDINARY_USER = 1000  # how an ordinary user appears inside: any number that is not root's
ROOT_BYTES = 8 * MIB  # of the tmpfs that holds mount points and a few small files
FILES_EACH = 65536  # in a scratch folder: each takes kernel memory
ADDRESSES_BYTES = (
    1024 * MIB
)  # addresses are no memory: stacks and arenas reserve far more than used
DEVICES = ("null", "zero", "full", "random", "urandom")

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "own namespaces")


def _mount(source: str, target: str, *, kind: str, flags: int, options: str = "") -> None:
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _check(result, f"mount {target}")


def _restrict(path: str, attributes: int, *, is_recursive: bool = True) -> None:
    """Restrict what is mounted at a path, and below."""
    data = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if is_recursive else 0
    result = _libc.syscall(_NR_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, data, len(data))
    _check(result, f"restrict {path}")


def is_privileged() -> bool:
    """Return whether this process may use namespaces as root, without one for its user."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    capabilities = int(status.split("CapEff:")[1].split()[0], 16)
    return os.geteuid() == 0 and bool(capabilities >> _MAY_ADMINISTER & 1)


def claim_user() -> tuple[int, socket.socket]:
    """Return a user number that no other sandbox has while the socket with it is open.

    Limits on processes count by user, and users of one number may signal each other. The kernel
    forgets the socket's name when its last holder ends, however it ends.
    """
    while True:
        user = random.choice(USERS)  # noqa: S311 - any free one
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0course-sandbox-user-{user}")
        except OSError:
            lock.close()
        else:
            return user, lock


def separate(*, is_root: bool) -> None:
    """Give the next child a process namespace of its own; an ordinary user needs one for users."""
    user, group = os.geteuid(), os.getegid()
    _unshare(OWN_PROCESSES if is_root else OWN_PROCESSES | OWN_USERS)
    if not is_root:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{ORDINARY_USER} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{ORDINARY_USER} {group} 1", encoding="ascii")


def isolate() -> None:
    """Leave the host's network, message queues, shared memory and names; start a loopback."""
    _unshare(OWN_NETWORK | OWN_MESSAGES | OWN_NAMES)
    socket.sethostname("sandbox")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        # torch.distributed and Jupyter's own pipes use it.
        request = struct.pack("16sh22x", b"lo", _UP_AND_RUNNING)
        fcntl.ioctl(any_socket, _INTERFACE_FLAGS, request)


def build_root(root: str, view: View, *, user: int, scratch_bytes: int) -> None:
    """Replace all files by an empty, read-only tree and the parts of the old one in the view.

    Parameters
    ----------
    root
        An empty folder to build upon. It stays empty outside: mounts here are seen only inside.
    view
        What is to be seen.
    user
        Whom the scratch folders belong to.
    scratch_bytes
        Size of each scratch folder.
    """
    _unshare(OWN_MOUNTS)
    _mount("none", "/", kind="none", flags=_RECURSIVE | _PRIVATE)
    os.umask(0o022)
    _new_tmpfs(root, f"size={ROOT_BYTES},mode=755")
    scratch = f"size={scratch_bytes},nr_inodes={FILES_EACH},uid={user},gid={user}"
    for path, mode in SCRATCH.items():
        os.makedirs(root + path)  # noqa: PTH103 - this function is on the path of every start
        _new_tmpfs(root + path, f"{scratch},mode={mode:o}")
    _devices(root)
    _small_files(root, user)
    for step in view.steps:  # parents first
        if step.is_shown:
            _bind(step.path, root + step.path, attributes=READ_ONLY | NO_SETUID | NO_DEVICES)
        else:
            _new_tmpfs(root + step.path, f"size={ROOT_BYTES},mode=755")
    for path, target in view.links:
        _link(root + path, target)
    for path in view.hidden:
        _hide(root, path)
    _processes(root)
    _restrict(root, READ_ONLY | NO_SETUID | NO_DEVICES, is_recursive=False)
    _enter(root)


def _new_tmpfs(target: str, options: str) -> None:
    _mount("tmpfs", target, kind="tmpfs", flags=NO_SETUID | NO_DEVICES, options=options)


def _bind(source: str, target: str, *, attributes: int) -> None:
    """Show a file or folder of the host; what does not exist is left out."""
    if os.path.isdir(source):  # noqa: PTH112
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
    elif os.path.exists(source):  # noqa: PTH110
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        if not os.path.exists(target):  # noqa: PTH110
            os.close(os.open(target, os.O_CREAT, 0o644))
    else:
        return
    _mount(source, target, kind="none", flags=_BIND | _RECURSIVE)
    _restrict(target, attributes)


def _link(path: str, target: str) -> None:
    """Make a link that is relative, so that it can never lead out of the new root."""
    with contextlib.suppress(FileExistsError, OSError):  # shown by a folder above, links and all
        folder = os.path.dirname(path)  # noqa: PTH120
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        os.symlink(target, path)  # noqa: PTH211


def _devices(root: str) -> None:
    """Show the few devices that are harmless, and terminals of its own: `!cmd` wants one."""
    for name in DEVICES:
        _bind(f"/dev/{name}", f"{root}/dev/{name}", attributes=NO_SETUID | NO_PROGRAMS)
    os.mkdir(f"{root}/dev/pts")  # noqa: PTH102
    flags = NO_SETUID | NO_PROGRAMS
    options = "newinstance,ptmxmode=0666,mode=0620"
    _mount("devpts", f"{root}/dev/pts", kind="devpts", flags=flags, options=options)
    links = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd"}
    links |= {name: f"/proc/self/fd/{n}" for n, name in enumerate(("stdin", "stdout", "stderr"))}
    for name, target in links.items():
        os.symlink(target, f"{root}/dev/{name}")  # noqa: PTH211


def _small_files(root: str, user: int) -> None:
    """Write the files that name users and hosts: the host's own name people and machines."""
    os.mkdir(f"{root}/etc")  # noqa: PTH102
    os.mkdir(f"{root}{EMPTY}")  # noqa: PTH102
    for name, text in {
        "passwd": f"student:x:{user}:{user}::{HOME}:/bin/sh\n",
        "group": f"student:x:{user}:\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }.items():
        with open(f"{root}/etc/{name}", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(text)


def _hide(root: str, path: str) -> None:
    """Cover a folder by an empty one and a file by a device, which no import takes for a module."""
    target = root + path
    if os.path.isdir(target):  # noqa: PTH112
        _mount(root + EMPTY, target, kind="none", flags=_BIND)
        _restrict(target, READ_ONLY)
    elif os.path.exists(target):  # noqa: PTH110
        _mount(f"{root}/dev/null", target, kind="none", flags=_BIND)


def _processes(root: str) -> None:
    """Show the sandbox's own processes; the host's settings can be read, not written."""
    os.mkdir(f"{root}/proc")  # noqa: PTH102
    flags = NO_SETUID | NO_DEVICES | NO_PROGRAMS
    _mount("proc", f"{root}/proc", kind="proc", flags=flags, options="hidepid=2")
    _mount(f"{root}/proc/sys", f"{root}/proc/sys", kind="none", flags=_BIND)
    _restrict(f"{root}/proc/sys", READ_ONLY)


def _enter(root: str) -> None:
    """Make the new tree the only one: nothing of the old stays reachable."""
    os.chdir(root)
    number = _NR_PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(number, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _DETACH), "leave the old root")
    os.chdir("/")


def set_limits(limits: Limits) -> None:
    """Limit what this process, and each that descends from it, may take.

    Memory is limited twice: what can be written to, so that an allocation fails with MemoryError,
    and addresses, because memory shared with nobody is written to, too.
    """
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        pages = [int(number) for number in file.read().split()]
    page = resource.getpagesize()
    cpu_s = int(limits.cpu_s * MESSAGES) + 1
    for kind, value in (
        (resource.RLIMIT_DATA, pages[5] * page + limits.memory_bytes),
        (resource.RLIMIT_AS, pages[0] * page + limits.memory_bytes + ADDRESSES_BYTES),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CORE, 0),  # a dump of memory would fill the scratch folder
    ):
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))


def drop_privileges(user: int, *, is_root: bool, is_readable: bool) -> None:
    """Become a user without any right to administer, for good.

    Parameters
    ----------
    user
        The number to take, as root.
    is_root
        Whether this is the machine's root; an ordinary user is who it is already.
    is_readable
        Whether processes of the same user may look at this one; a process could not read its own
        ``/proc/self`` else. The first process is closed.
    """
    for capability in range(_CAPABILITIES):  # also those that a program file could give
        _libc.prctl(_DROP_BOUND, capability, 0, 0, 0)
    if is_root:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _check(_libc.capset(header, bytes(24)), "drop capabilities")
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    _check(_libc.prctl(_DUMPABLE, int(is_readable), 0, 0, 0), "close to others")


def die_with_parent() -> None:
    """Ask to be killed when the parent ends; a change of user would undo it, so call it last."""
    _check(_libc.prctl(_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0), "die with the parent")


def open_passed() -> int:
    """Return a descriptor of the folder whose sockets another process may connect to."""
    return os.open(PASSED, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
