"""The filter as a small machine sees it, and its numbers as the kernel's own headers have them."""

import errno
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.sandbox import seccomp

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
COLUMN = {"x86_64": 0, "aarch64": 1}
OTHERS = {"clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "ioctl": (16, 29)}
KNOWN = seccomp.CALLS | seccomp.UNCOUNTED_MEMORY | OTHERS


def judge(code: bytes, *, architecture: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """Run a BPF program over the data of a call, as linux/filter.h describes it."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    program = list(struct.iter_unpack("HBBI", code))
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, operand = program[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x06:
            return operand
        else:
            holds = {
                0x15: accumulator == operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }[operation]
            at += if_true if holds else if_false


def verdict(machine: str, number: int, *arguments: int, is_memory_counted: bool = True) -> int:
    code = seccomp.assemble(seccomp.program(machine, is_memory_counted=is_memory_counted))
    architecture = seccomp.ARCHITECTURES[machine]
    return judge(code, architecture=architecture, number=number, arguments=arguments)


@pytest.mark.parametrize("machine", sorted(HEADERS))
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("no kernel headers on this machine")
    text = HEADERS[machine].read_text()
    pairs = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)
    numbers = {name: int(number) for name, number in pairs}
    ours = {name: columns[COLUMN[machine]] for name, columns in KNOWN.items()}
    assert {n: i for n, i in ours.items() if i != numbers.get(n)} == {}


@pytest.mark.parametrize("machine", sorted(HEADERS))
@pytest.mark.parametrize("name", sorted(seccomp.CALLS))
def test_every_listed_call_is_refused(machine: str, name: str) -> None:
    number = seccomp.CALLS[name][COLUMN[machine]]
    if number is not None:
        assert verdict(machine, number) == ERRNO | errno.EPERM


@given(st.sampled_from(sorted(HEADERS)), st.integers(0, seccomp.FIRST_UNKNOWN - 1))
def test_every_other_call_is_allowed(machine: str, number: int) -> None:
    judged = {columns[COLUMN[machine]] for columns in (seccomp.CALLS | OTHERS).values()}
    if number not in judged:
        assert verdict(machine, number) == ALLOW


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_another_kind_of_processor_is_not_served(architecture: int, number: int) -> None:
    if architecture != seccomp.ARCHITECTURES["x86_64"]:
        code = seccomp.assemble(seccomp.program("x86_64", is_memory_counted=True))
        assert judge(code, architecture=architecture, number=number) == KILL


@pytest.mark.parametrize("machine", sorted(HEADERS))
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (0x01200011,), ALLOW),  # fork
        ("clone", (0x003D0F00,), ALLOW),  # a thread
        ("clone", (0x10000011,), ERRNO | errno.EPERM),  # CLONE_NEWUSER
        ("clone", (0x00020011,), ERRNO | errno.EPERM),  # CLONE_NEWNS
        ("clone", (0x02000011,), ERRNO | errno.EPERM),  # CLONE_NEWCGROUP
        ("clone3", (0,), ERRNO | errno.ENOSYS),
        ("socket", (1, 1), ALLOW),
        ("socket", (2, 1), ALLOW),
        ("socket", (10, 1), ALLOW),
        ("socket", (16, 3), ALLOW),
        ("socket", (17, 3), ERRNO | errno.EAFNOSUPPORT),  # AF_PACKET
        ("socket", (38, 5), ERRNO | errno.EAFNOSUPPORT),  # AF_ALG
        ("socket", (40, 1), ERRNO | errno.EAFNOSUPPORT),  # AF_VSOCK
        ("ioctl", (0, 0x5412), ERRNO | errno.EPERM),  # TIOCSTI
        ("ioctl", (0, 0xFFFFFFFF_00005412), ERRNO | errno.EPERM),  # the kernel reads 32 bits
        ("ioctl", (0, 0x5413), ALLOW),  # TIOCGWINSZ
    ],
)
def test_some_calls_depend_on_an_argument(
    machine: str, name: str, arguments: tuple[int, ...], expected: int
) -> None:
    assert verdict(machine, OTHERS[name][COLUMN[machine]], *arguments) == expected


def test_calls_of_another_kind_or_too_new_are_refused() -> None:
    assert verdict("x86_64", 0x40000000 | 2) == ERRNO | errno.EPERM
    assert verdict("x86_64", seccomp.FIRST_UNKNOWN) == ERRNO | errno.ENOSYS


def test_memory_files_are_refused_only_where_nothing_counts_them() -> None:
    number = seccomp.UNCOUNTED_MEMORY["memfd_create"][0]
    assert verdict("x86_64", number, is_memory_counted=True) == ALLOW
    assert verdict("x86_64", number, is_memory_counted=False) == ERRNO | errno.EPERM
