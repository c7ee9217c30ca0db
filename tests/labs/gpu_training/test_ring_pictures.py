"""What the pictures of the ring draw: messages in their boxes, times, lines and errors."""

import numpy as np
import pytest

from course_utils import plots
from labs.gpu_training import cost_model, ring_pictures
from labs.gpu_training.routing import Message


def message(sender, receiver, numbers):
    return Message(sender, receiver, 0, np.zeros(numbers, dtype=np.float32))


def test_messages_of_a_pair_are_counted_and_added_up():
    _, axes = plots.new_figure()
    sent = [message(0, 1, 3), message(0, 1, 7), message(2, 0, 2)]
    rows = ring_pictures.traffic(axes, sent, ranks=3)
    assert rows == [
        {"sender": 0, "receiver": 1, "bytes": 40, "messages": 2},
        {"sender": 2, "receiver": 0, "bytes": 8, "messages": 1},
    ]
    assert [(text.get_position(), text.get_text()) for text in axes.texts] == [
        ((1, 0), "2 sent,\n40 B"),
        ((0, 2), "1 sent,\n8 B"),
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("receiving rank", "sending rank")
    assert list(axes.get_xticks()) == list(axes.get_yticks()) == [0, 1, 2]


def test_no_message_at_all_is_an_empty_square():
    _, axes = plots.new_figure()
    assert ring_pictures.traffic(axes, [], ranks=2) == []
    assert not axes.texts


@pytest.fixture(scope="module")
def model_and_times():
    """A model of times that are alpha and bandwidth but for 1 % of noise."""
    rng = np.random.default_rng(0)
    sizes = [4**power for power in range(4, 13)]
    times = {size: (2e-4 + size / 1e9) * rng.uniform(0.99, 1.01, 8) for size in sizes}
    domain = cost_model.Domain(
        "here", "gloo", 2, 2, smallest_bytes=sizes[0], largest_bytes=sizes[-1]
    )
    return cost_model.fit(times, domain=domain, rng=rng), times


def test_times_lines_and_errors_are_those_of_the_model(model_and_times):
    model, times = model_and_times
    figure, axes = plots.new_figure(wide=True)
    rows = ring_pictures.times_and_errors(
        axes, {"library": model}, samples={"library": times}, title="Two numbers"
    )
    line = next(each for each in axes.lines if each.get_linestyle() == "-")
    assert line.get_ydata().tolist() == [row["predicted_s"].value for row in rows]
    assert line.get_xdata().tolist() == list(times)
    beside = figure.axes[1]
    assert beside.lines[0].get_ydata() == pytest.approx([100 * r["relative_error"] for r in rows])
    assert (axes.get_xscale(), axes.get_yscale(), beside.get_yscale()) == ("log", "log", "linear")
    assert axes.get_xlabel() == beside.get_xlabel() == "size [B] (log)"
    assert (axes.get_ylabel(), beside.get_ylabel()) == ("time [s] (log)", "error of the model [%]")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["library"]
