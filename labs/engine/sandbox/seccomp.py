"""The last wall: system calls that no notebook needs are refused by the kernel.

The list is of what is refused, not of what is allowed: compilers, torchrun and Jupyter need most of
Linux. Each group says why it is refused. The other walls are in `labs.engine.sandbox.walls`; this
module knows nothing of them.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable, Sequence

NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET
TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into a terminal that others read
SOCKETS = (1, 2, 10, 16)  # unix, IPv4, IPv6; netlink tells a process its own interfaces
FIRST_UNKNOWN = 467  # from here on newer than this list: refused as a kernel without them would
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Name: its number on x86_64, its number on aarch64; None where it does not exist.
CALLS: dict[str, tuple[int, int | None]] = {
    # Look into another process, or change it.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # Build another view of the files. The new calls need no privilege in a namespace of one's own.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    # Name a file by its number on the disk, past the read-only root.
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # Large parts of the kernel with a record of holes, unused by notebooks.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "vmsplice": (278, 75),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "iopl": (172, None),
    "ioperm": (173, None),
    # The machine itself: its modules, clock, names, swap, terminals, log.
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "syslog": (103, 116),
    # Memory that belongs to no process, so that no limit of a process counts it.
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "memfd_secret": (447, 447),
}
# The same, but harmless where a cgroup counts the memory: fonts and compilers like it.
UNCOUNTED_MEMORY: dict[str, tuple[int, int | None]] = {"memfd_create": (319, 279)}

PROGRAMS = {"execve": (59, 221), "execveat": (322, 281)}

_CLONE, _CLONE3, _SOCKET, _IOCTL = (56, 220), (435, 435), (41, 198), (16, 29)
_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06  # BPF operations
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000  # verdicts of seccomp
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24  # in the data of a call
_X32_BIT = 0x40000000
_SECCOMP = {"x86_64": 317, "aarch64": 277}
Instruction = tuple[int, int, int, int]  # operation, jump if true, jump if false, operand


def install(*, is_memory_counted: bool) -> None:
    """Put the filter on this process and all that descend from it.

    Parameters
    ----------
    is_memory_counted
        Whether a cgroup limits the memory; else calls that allocate past the limits of a process
        are refused, too.

    Raises
    ------
    OSError
        If the kernel takes no filter, or the processor is neither x86_64 nor aarch64.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call filter for {machine} processors")
    _put(program(machine, is_memory_counted=is_memory_counted))


def forbid_programs() -> None:
    """Refuse, for good, to start programs in this process and all that descend from it.

    What was taken away in a process is there again in a fresh program; a fork keeps it taken away.

    Raises
    ------
    OSError
        As for `install`.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call filter for {machine} processors")
    column = list(ARCHITECTURES).index(machine)
    result: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for numbers in PROGRAMS.values():
        result += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    _put([*result, (_RETURN, 0, 0, _ALLOW)])


def _put(instructions: Iterable[Instruction]) -> None:
    code = assemble(instructions)
    buffer = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_SECCOMP[platform.machine()], 1, 0, head) != 0:  # 1: SECCOMP_SET_MODE_FILTER
        code_ = ctypes.get_errno()
        raise OSError(code_, f"seccomp: {os.strerror(code_)}")


def program(machine: str, *, is_memory_counted: bool) -> list[Instruction]:
    """Return the filter for a kind of processor as BPF instructions.

    Examples
    --------
    >>> program("x86_64", is_memory_counted=True)[-1] == (_RETURN, 0, 0, _ALLOW)
    True
    """
    column = list(ARCHITECTURES).index(machine)
    calls = CALLS if is_memory_counted else CALLS | UNCOUNTED_MEMORY
    numbers = [n for name in calls if (n := calls[name][column]) is not None]
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    unknown = (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)
    result: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),  # 32-bit calls have other numbers
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32_BIT),
        refuse,
        (_AT_LEAST, 0, 1, FIRST_UNKNOWN),
        unknown,
        # Its flags lie in memory, where a filter cannot read them; glibc then uses clone.
        (_EQUAL, 0, 1, _CLONE3[column]),
        unknown,
    ]
    for number in numbers:
        result += [(_EQUAL, 0, 1, number), refuse]
    flags = [(_ANY_BIT, 0, 1, NAMESPACES), refuse]
    result += _with_argument(_CLONE[column], _FIRST_AT, flags, otherwise=_ALLOW)
    typing = [i for code in TERMINAL_INPUT for i in ((_EQUAL, 0, 1, code), refuse)]
    result += _with_argument(_IOCTL[column], _SECOND_AT, typing, otherwise=_ALLOW)
    allow = (_RETURN, 0, 0, _ALLOW)
    families = [i for family in SOCKETS for i in ((_EQUAL, 0, 1, family), allow)]
    no_family = _ERRNO | errno.EAFNOSUPPORT  # a virtual machine's socket to its host, for one
    result += _with_argument(_SOCKET[column], _FIRST_AT, families, otherwise=no_family)
    return [*result, allow]


def _with_argument(
    number: int, offset: int, tests: Sequence[Instruction], *, otherwise: int
) -> list[Instruction]:
    """Return instructions that judge one call by the low half of an argument."""
    body = [(_LOAD, 0, 0, offset), *tests, (_RETURN, 0, 0, otherwise)]
    return [(_EQUAL, 0, len(body), number), *body]


def assemble(instructions: Iterable[Instruction]) -> bytes:
    """Return BPF instructions as the kernel reads them: 8 bytes each, of this machine's order."""
    return b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
