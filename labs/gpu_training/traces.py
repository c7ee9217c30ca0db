"""Records what a step does and when, as a trace that Perfetto opens, and reads overlap from it.

A trace is gzipped JSON in Chrome's trace format: it travels from a rank as plain bytes, has a
limited size, and opens at https://ui.perfetto.dev or chrome://tracing. Recording slows a step down,
so times in a trace are for their order, not for comparing strategies.
"""

import base64
import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.profiler import ProfilerActivity, profile

MAX_EVENTS = 20_000
Trace = NDArray[np.uint8]
Interval = tuple[float, float]  # from, to [us]
T = TypeVar("T")


def record(function: Callable[[], T]) -> tuple[T, list[Trace]]:
    """Call a function that takes training steps; return its result and a trace of each step.

    Parameters
    ----------
    function
        Marks its steps as ``step``, its backward passes as ``backward``
        (`torch.profiler.record_function`).

    Raises
    ------
    ValueError
        If it marked no step.
    """
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        result = function()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    return result, [pack(step) for step in by_step(events)]


def by_step(events: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return what happened within each ``step`` of a trace, with the names of the threads.

    Times become relative to the step's start. Of more than `MAX_EVENTS` the longest stay.

    Raises
    ------
    ValueError
        If nothing is called ``step``.
    """
    steps = [each for each in events if each.get("name") == "step" and each.get("ph") == "X"]
    if not steps:
        raise ValueError("the trace holds no event called 'step'; mark it with record_function")
    names = [each for each in events if each.get("ph") == "M"]
    ends = {float(each["ts"]): float(each["ts"] + each["dur"]) for each in steps}
    return [names + _inside(events, start_us, end_us=ends[start_us]) for start_us in sorted(ends)]


def _inside(
    events: Sequence[dict[str, Any]], start_us: float, *, end_us: float
) -> list[dict[str, Any]]:
    inside = [
        {key: each[key] for key in ("ph", "cat", "name", "pid", "tid", "dur") if key in each}
        | {"ts": each["ts"] - start_us}
        for each in events
        if each.get("ph") == "X" and start_us <= each["ts"] <= end_us
    ]
    inside.sort(key=lambda each: -float(each["dur"]))
    return sorted(inside[:MAX_EVENTS], key=lambda each: float(each["ts"]))


def pack(events: Sequence[dict[str, Any]]) -> Trace:
    """Return events as a trace, uint8.

    Examples
    --------
    >>> unpack(pack([{"ph": "X", "name": "step", "ts": 0.0, "dur": 5.0}]))
    [{'ph': 'X', 'name': 'step', 'ts': 0.0, 'dur': 5.0}]
    """
    text = json.dumps({"traceEvents": list(events), "displayTimeUnit": "ms"})
    return np.frombuffer(gzip.compress(text.encode(), mtime=0), np.uint8)


def unpack(trace: Trace) -> list[dict[str, Any]]:
    """Return the events of a trace."""
    return list(json.loads(gzip.decompress(trace.tobytes()))["traceEvents"])


@dataclass(frozen=True, repr=False)
class Download:
    """A trace as a link in the notebook: a click saves it as a file, also long after the run.

    Parameters
    ----------
    trace
        From `record` or `pack`.
    name
        Of the file, without its ending.

    Examples
    --------
    >>> Download(pack([]), name="step")  # doctest: +ELLIPSIS
    step.json.gz, ... B
    """

    trace: Trace
    name: str

    def __repr__(self) -> str:
        return f"{self.name}.json.gz, {self.trace.nbytes:,} B"

    def _repr_html_(self) -> str:
        content = base64.b64encode(self.trace.tobytes()).decode("ascii")
        link = f"data:application/gzip;base64,{content}"
        return f'<a download="{escape(self.name)}.json.gz" href="{link}">{escape(repr(self))}</a>'


def timeline(trace: Trace) -> dict[str, list[Interval]]:
    """Return when a step computed gradients and when its all-reduces ran.

    On a GPU both are read from its kernels, all that are no all-reduce counting as computing; on
    the processor from the mark ``backward`` and from gloo's own threads.

    Returns
    -------
    dict
        ``computing`` and ``all-reduce``, each with intervals [us] after the start of the step.
    """
    events = [each for each in unpack(trace) if each["ph"] == "X"]
    kernels = [each for each in events if each.get("cat") == "kernel"]
    if any("nccl" in each["name"] for each in kernels):
        sent = [each for each in kernels if "nccl" in each["name"]]
        computed = [each for each in kernels if "nccl" not in each["name"]]
    else:
        sent = [each for each in events if each["name"] == "gloo:all_reduce"]
        computed = [each for each in events if each["name"] == "backward"]
    return {"computing": _intervals(computed), "all-reduce": _intervals(sent)}


def _intervals(events: Sequence[dict[str, Any]]) -> list[Interval]:
    return sorted((float(each["ts"]), float(each["ts"] + each["dur"])) for each in events)


def hidden_share(lines: dict[str, list[Interval]]) -> float:
    """Return the share of the time with an all-reduce under way in which gradients were computed.

    It is 0 if no all-reduce takes time, as with NCCL on one rank, which has nobody to send to.

    Parameters
    ----------
    lines
        From `timeline`.

    Examples
    --------
    >>> hidden_share({"computing": [(0.0, 10.0)], "all-reduce": [(6.0, 9.0), (8.0, 14.0)]})
    0.5
    """
    sent, computed = _merged(lines["all-reduce"]), _merged(lines["computing"])
    both = sum(
        max(0.0, min(a_end, b_end) - max(a, b)) for a, a_end in sent for b, b_end in computed
    )
    sent_us = sum(end - start for start, end in sent)
    return both / sent_us if sent_us else 0.0


def _merged(intervals: Sequence[Interval]) -> list[Interval]:
    """Return the same times as intervals that do not touch."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
