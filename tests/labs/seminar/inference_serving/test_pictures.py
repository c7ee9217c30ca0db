"""The data that the pictures draw."""

import pytest

from course_utils import plots
from labs.seminar.inference_serving import given, pictures
from labs.seminar.inference_serving.loads import Request
from labs.seminar.inference_serving.server import Capacity, serve
from labs.seminar.inference_serving.step_times import StepTimes
from labs.seminar.inference_serving.workers import SimulatedWorker


def test_a_timeline_has_a_bar_a_request_and_policy() -> None:
    even = StepTimes(prefill=(10.0, 0.0), decode=(10.0, 0.0, 0.0))
    requests = [Request(0, 0.0, 4, 2), Request(1, 5.0, 4, 2)]
    log = serve(requests, given.schedule, worker=SimulatedWorker(even), capacity=Capacity(99, 1))
    figure, axes = plots.new_figure(wide=True)
    rows = pictures.timeline(axes, {"one": log, "other": log}, title="two requests")
    assert [(r["policy"], r["id"]) for r in rows] == [
        ("one", 0),
        ("one", 1),
        ("other", 0),
        ("other", 1),
    ]
    assert (rows[1]["arrival_ms"], rows[1]["first_ms"], rows[1]["end_ms"]) == (5.0, 30.0, 40.0)
    drawn = sorted({round(p.get_x() + p.get_width(), 6) for p in axes.patches})
    assert drawn == [10.0, 20.0, 30.0, 40.0]
    assert [t.get_text() for t in axes.get_yticklabels()][:2] == ["one 0", "one 1"]
    assert plots.show(figure, alt="two").alt == "two"


def test_a_bound_is_drawn_at_its_height() -> None:
    _, axes = plots.new_figure()
    assert pictures.objective_line(axes, 40.0, label="objective") == 40.0
    (line,) = axes.get_lines()
    assert list(line.get_ydata()) == [40.0, 40.0]
    assert axes.get_yscale() == "log"
    assert pytest.approx(1.0) == line.get_linewidth()
