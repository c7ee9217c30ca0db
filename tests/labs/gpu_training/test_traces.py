"""Traces: what is inside a step, how it travels, and how much of one thing hides another."""

import base64
import gzip
import json
import re
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.profiler import record_function

from labs.gpu_training import racing, traces

INTERVALS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda p: (p[0], p[0] + p[1])),
    min_size=1,
    max_size=6,
)


def event(name: str, start_us: float, duration_us: float, **more: Any) -> dict[str, Any]:
    return {"ph": "X", "name": name, "ts": start_us, "dur": duration_us, **more}


def test_a_step_holds_what_began_in_it() -> None:
    events = [
        {"ph": "M", "name": "thread_name", "args": {"name": "main"}},
        event("step", 100, 50),
        event("step", 200, 50),
        event("backward", 210, 20, args={"large": "x" * 100}),
        event("before", 160, 20),
        event("gloo:all_reduce", 220, 90),
    ]
    first, second = traces.by_step(events)
    assert [each["name"] for each in first] == ["thread_name", "step"]
    assert [(e["name"], e["ts"]) for e in second if e["ph"] == "X"] == [
        ("step", 0),
        ("backward", 10),
        ("gloo:all_reduce", 20),
    ]
    assert traces.timeline(traces.pack(second)) == {
        "computing": [(10.0, 30.0)],
        "all-reduce": [(20.0, 110.0)],
    }


def test_a_trace_without_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="no event called 'step'"):
        traces.by_step([event("backward", 0, 1)])


def test_a_large_step_keeps_its_longest_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MAX_EVENTS", 3)
    events = [event("step", 0, 100)] + [event(f"e{n}", n, n + 1) for n in range(9)]
    (step,) = traces.by_step(events)
    assert [each["name"] for each in step] == ["step", "e7", "e8"]


def test_kernels_count_where_there_is_a_gpu() -> None:
    events = [
        event("backward", 0, 90),
        event("gemm", 10, 10, cat="kernel"),
        event("ncclDevKernel_AllReduce_Sum_f32", 15, 10, cat="kernel"),
    ]
    lines = traces.timeline(traces.pack(events))
    assert lines == {"computing": [(10.0, 20.0)], "all-reduce": [(15.0, 25.0)]}


@given(INTERVALS, INTERVALS)
def test_the_hidden_share_is_that_of_the_moments(
    sent: list[tuple[float, float]], computed: list[tuple[float, float]]
) -> None:
    def moments(intervals: list[tuple[float, float]]) -> set[int]:
        return {t for start, end in intervals for t in range(int(start), int(end))}

    want = len(moments(sent) & moments(computed)) / len(moments(sent))
    got = traces.hidden_share({"computing": computed, "all-reduce": sent})
    assert got == pytest.approx(want, abs=1e-12)


def test_nothing_is_hidden_where_nothing_is_sent() -> None:
    alone = traces.pack([{"ph": "X", "name": "backward", "ts": 0.0, "dur": 5.0}])
    assert traces.hidden_share(traces.timeline(alone)) == 0
    assert racing.typical([alone] * 3) is alone


def test_a_recorded_step_can_be_opened() -> None:
    def steps() -> str:
        for _ in range(2):
            with record_function("step"):
                torch.ones(8, 8) @ torch.ones(8, 8)
        return "done"

    result, recorded = traces.record(steps)
    assert result == "done"
    assert len(recorded) == 2
    names = [each["name"] for each in traces.unpack(recorded[-1])]
    assert "aten::matmul" in names
    assert names.count("step") == 1


def test_a_trace_is_a_link_in_the_notebook() -> None:
    trace = traces.pack([{"ph": "X", "name": "step", "ts": 0.0, "dur": 5.0}])
    shown = traces.Download(trace, name="a<b")
    html = shown._repr_html_()
    assert 'download="a&lt;b.json.gz"' in html
    (content,) = re.findall(r'href="data:application/gzip;base64,([^"]+)"', html)
    opened = json.loads(gzip.decompress(base64.b64decode(content)))
    assert [each["name"] for each in opened["traceEvents"]] == ["step"]
    assert f">{shown!r}<".replace("<b", "&lt;b") in html
