"""What the pictures of the timing exercise draw, bar by bar."""

from course_utils import plots
from labs.gpu_training import timing_pictures
from labs.gpu_training.simulated_device import SimulatedDevice


def test_a_timeline_shows_every_job_and_every_reading() -> None:
    device = SimulatedDevice([24.0, 4.0], queued_ms=10.0)
    for _ in range(3):
        device.work()
        device.synchronize()
        device.clock()
    _, axes = plots.new_figure(wide=True)
    timing_pictures.timeline(axes, device, warmup=1, title="A device")
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert bars == [(0.0, 10.0), (10.0, 24.0), (34.5, 4.0), (39.0, 4.0)]
    assert [bar.get_hatch() for bar in axes.patches] == [None, "////", None, None]
    readings = [segment[0][0] for segment in axes.collections[0].get_segments()]
    assert readings == [34.0, 38.5, 43.0]


def test_a_timeline_of_a_device_that_did_nothing_is_empty() -> None:
    _, axes = plots.new_figure(wide=True)
    timing_pictures.timeline(axes, SimulatedDevice([4.0]), warmup=1, title="A device")
    assert not axes.patches


def test_calls_stand_in_the_order_made() -> None:
    _, axes = plots.new_figure(wide=True)
    timing_pictures.calls_in_order(axes, {"a": [8.0, 2.0], "b": [1.0]}, title="Two lines")
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn == {"a": [[1.0, 8.0], [2.0, 2.0]], "b": [[1.0, 1.0]]}
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "duration [ms] (log)"
    assert all(float(place).is_integer() for place in axes.get_xticks())
