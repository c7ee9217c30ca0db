"""Counters of the processor: what is asked of the kernel, what is made of its answers and refusals.

Most machines of tests have no counters: a kernel that is made up stands in for one that has.
"""

import ctypes
import errno
import mmap
import os
import struct

import pytest

from labs.seminar.inference_performance import counters
from labs.seminar.inference_performance.counters import (
    HARDWARE,
    Counts,
    KernelCounter,
    NotCountable,
    available,
    count,
    why_not,
)


class MadeUp:
    """A machine that counts what `work` adds, and runs a counter a share of the time."""

    def __init__(self, shares=(1.0,), refused=None):
        self.done, self.shares, self.refused = 0, list(shares), dict(refused or {})
        self.opened, self.closed, self.at = [], 0, 0

    def work(self, amount):
        self.done += amount

    def __call__(self, kind, config):
        if (kind, config) in self.refused:
            code = self.refused[kind, config]
            raise OSError(code, os.strerror(code))
        self.opened.append((kind, config))
        return MadeUpCounter(self)


class MadeUpCounter:
    def __init__(self, machine):
        self.machine, self.total, self.began = machine, 0, None
        self.enabled_ns = self.running_ns = 0

    def start(self):
        self.began = self.machine.done

    def stop(self):
        share = self.machine.shares[self.machine.at % len(self.machine.shares)]
        self.machine.at += 1
        self.total += int(share * (self.machine.done - self.began))
        self.enabled_ns, self.running_ns = (
            self.enabled_ns + 1000,
            self.running_ns + int(1000 * share),
        )

    def read(self):
        return self.total, self.enabled_ns, self.running_ns

    def close(self):
        self.machine.closed += 1


@pytest.fixture(autouse=True)
def linux(monkeypatch):
    """The made-up kernel is one of Linux on x86-64, wherever the tests run."""
    monkeypatch.setattr(counters.platform, "system", lambda: "Linux")
    monkeypatch.setattr(counters.platform, "machine", lambda: "x86_64")


def test_each_repeat_is_counted_by_itself_and_every_counter_closed():
    machine = MadeUp()
    found = count(lambda: machine.work(100), repeats=7, open_counter=machine)
    assert isinstance(found, Counts)
    for event in HARDWARE:
        result = found.results[event]
        got = (result.value, result.low, result.high, result.n, result.kind)
        assert got == (100, 100, 100, 7, "counted")
        assert found.empty[event].value == 0
    assert found.missing == {}
    assert machine.opened == [counters.EVENTS[event] for event in HARDWARE]
    assert machine.closed == len(HARDWARE)
    assert machine.done == 100 * (1 + 7 * len(HARDWARE))


def test_median_and_interval_are_those_of_the_repeats():
    machine, amounts = MadeUp(), iter([1, 5, 3, 9, 7, 2, 8])
    found = count(
        lambda: machine.work(next(amounts)), repeats=6, events=["cycles"], open_counter=machine
    )
    result = found.results["cycles"]
    # After the first call, that is not counted: 5, 3, 9, 7, 2, 8.
    assert (result.value, result.low, result.high, result.n) == (6, 2, 9, 6)


def test_calls_in_which_the_counter_was_shared_are_thrown_away():
    machine = MadeUp(shares=(1.0, 1.0, 0.5))
    found = count(lambda: machine.work(100), repeats=9, events=["cycles"], open_counter=machine)
    assert (found.results["cycles"].value, found.results["cycles"].n) == (100, 6)
    mostly = MadeUp(shares=(0.5,))
    refused = count(lambda: mostly.work(100), repeats=9, open_counter=mostly)
    assert isinstance(refused, NotCountable)
    assert "shared with other programs: it ran 50 % of the time, and 0 of 9" in refused.reason
    never = MadeUp(shares=(0.0,))
    assert "ran 0 %" in count(lambda: never.work(1), open_counter=never).reason
    assert never.closed == len(HARDWARE)


def test_an_event_that_is_refused_does_not_take_the_others_along():
    missing = {counters.EVENTS["l1d_load_misses"]: errno.ENOENT}
    machine = MadeUp(refused=missing)
    found = count(lambda: machine.work(1), repeats=5, open_counter=machine)
    assert list(found.results) == list(HARDWARE[:-1])
    assert found.missing == {
        "l1d_load_misses": NotCountable(
            "this machine has no such counter, as most virtual machines"
        )
    }
    assert available(open_counter=machine) == list(HARDWARE[:-1])
    assert machine.closed == len(machine.opened)


@pytest.mark.parametrize(
    ("code", "level", "words"),
    [
        (errno.EACCES, "3\n", "perf_event_paranoid is 3; counting needs 2 or less"),
        (errno.EPERM, "4\n", "perf_event_paranoid is 4"),
        (errno.EPERM, "2\n", "forbidden, as the filter of a container"),
        (errno.EACCES, None, "forbidden"),
        (errno.EPERM, "what?", "forbidden"),
        (errno.ENOSYS, "2\n", "hidden by a sandbox"),
        (errno.ENOENT, "2\n", "has no such counter"),
        (errno.EOPNOTSUPP, "2\n", "has no such counter"),
        (errno.EMFILE, "2\n", os.strerror(errno.EMFILE)),
    ],
)
def test_a_refusal_is_told_in_words(code, level, words, monkeypatch, tmp_path):
    place = tmp_path / "perf_event_paranoid"
    if level is not None:
        place.write_text(level)
    monkeypatch.setattr(counters._paranoid, "__defaults__", (place,))
    machine = MadeUp(refused=dict.fromkeys(counters.EVENTS.values(), code))
    refused = count(lambda: None, open_counter=machine)
    assert isinstance(refused, NotCountable)
    assert words in refused.reason
    assert refused.reason.count(words) == 1
    assert available(open_counter=machine) == []
    assert why_not(["cycles"], open_counter=machine) == {"cycles": refused}


def test_elsewhere_and_elsewise_the_kernel_is_not_even_asked(monkeypatch):
    machine = MadeUp()
    assert (
        "no event 'joules'" in count(lambda: None, events=["joules"], open_counter=machine).reason
    )
    monkeypatch.setattr(counters.platform, "machine", lambda: "riscv64")
    assert "not for this riscv64" in count(lambda: None, open_counter=machine).reason
    monkeypatch.setattr(counters.platform, "system", lambda: "Darwin")
    assert "this is Darwin" in count(lambda: None, open_counter=machine).reason
    assert count(lambda: None, events=[], open_counter=machine).reason == "no event was asked for"
    assert machine.opened == []


def test_an_error_of_the_function_is_its_own_and_counters_are_closed():
    machine, calls = MadeUp(), []

    def third():
        calls.append(1)
        if len(calls) == 3:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        count(third, open_counter=machine)
    assert machine.closed == len(machine.opened) == 1


def test_too_few_repeats_are_refused():
    with pytest.raises(ValueError, match="4 repeats give no interval; take 5"):
        count(lambda: None, repeats=4, open_counter=MadeUp())


class FakeLibc:
    """A C library that keeps what it is called with, and gives a file of ours as the counter."""

    def __init__(self, file):
        self.file, self.calls, self.requests = file, [], []

    def syscall(self, number, attributes, *rest):
        self.calls.append((number.value, attributes.raw, [each.value for each in rest]))
        if self.file < 0:
            ctypes.set_errno(errno.EPERM)
        return self.file

    def ioctl(self, file, request, argument):
        self.requests.append((file.value, request.value, argument.value))
        return 0


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 298), ("aarch64", 241)])
def test_the_kernel_is_asked_as_its_header_says(machine, number, monkeypatch):
    """The offsets are those of struct perf_event_attr in <linux/perf_event.h>."""
    monkeypatch.setattr(counters.platform, "machine", lambda: machine)
    reading, writing = os.pipe()
    os.write(writing, struct.pack("=QQQ", 77, 1000, 900))
    os.close(writing)
    libc = FakeLibc(reading)
    counter = KernelCounter(*counters.EVENTS["l1d_load_misses"], libc=libc)
    ((asked, raw, rest),) = libc.calls
    assert asked == number
    assert len(raw) == 64
    assert struct.unpack_from("=II", raw, 0) == (3, 64)  # PERF_TYPE_HW_CACHE, size
    assert struct.unpack_from("=Q", raw, 8) == (0x10000,)  # L1D, read, miss
    assert struct.unpack_from("=Q", raw, 32) == (3,)  # both times with each value
    # disabled, exclude_kernel and exclude_hv are the bits 0, 5 and 6.
    assert struct.unpack_from("=Q", raw, 40) == (0b1100001,)
    assert raw[16:32] == raw[48:64] == bytes(16)
    assert rest == [0, -1, -1, 8]
    counter.start()
    counter.stop()
    assert libc.requests == [(reading, 0x2400, 0), (reading, 0x2401, 0)]
    assert counter.read() == (77, 1000, 900)
    counter.close()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(reading)


def test_a_refusal_of_the_kernel_is_an_error_with_its_number():
    with pytest.raises(PermissionError):
        KernelCounter(0, 1, libc=FakeLibc(-1))


def test_this_kernel_counts_page_faults(monkeypatch):
    monkeypatch.undo()
    missing = why_not(["page_faults"])
    if missing:
        pytest.skip(f"page faults: {missing['page_faults'].reason}")
    pages = 64

    def touch():
        with mmap.mmap(-1, pages * mmap.PAGESIZE) as memory:
            if hasattr(mmap, "MADV_NOHUGEPAGE"):
                memory.madvise(mmap.MADV_NOHUGEPAGE)
            for page in range(pages):
                memory[page * mmap.PAGESIZE] = 1

    found = count(touch, repeats=7, events=["page_faults"])
    assert isinstance(found, Counts)
    assert found.results["page_faults"].low >= pages
    # Other faults may come, but no more than the pages of what runs here.
    assert found.results["page_faults"].value < 4 * pages
    assert found.empty["page_faults"].value < pages


def test_of_this_machine_every_event_is_countable_or_has_a_reason(monkeypatch):
    monkeypatch.undo()
    missing = why_not()
    assert [*available(), *missing] == sorted(HARDWARE, key=lambda event: event in missing)
    found = count(lambda: sum(range(2000)), repeats=5)
    if isinstance(found, NotCountable):
        assert found.reason
    else:
        assert found.results["instructions"].value > found.empty["instructions"].value
