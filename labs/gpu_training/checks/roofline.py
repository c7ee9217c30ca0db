"""The open checks of exercise 2.2: a machine with round numbers, and a layer counted by hand."""

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.gpu_training import roofline_pictures

RELATIVE = 1e-9  # some roundings of float64, 1e-16 each


def judge_roof(student: Student, intensities: np.ndarray, *, peak: float, bandwidth: float) -> None:
    """Assert the bound at each intensity, given as an array and as numbers."""
    want = np.array([min(peak, bandwidth * x) for x in intensities.ravel()])
    got = student.attainable_ops_per_s(intensities, peak, bandwidth)
    what = f"with a peak of {peak:g} op/s and {bandwidth:g} B/s, at {evidence.brief(intensities)}"
    assert_equal(got, want.reshape(intensities.shape), what=what, relative=RELATIVE)
    for x, bound in zip(intensities.ravel()[:3], want, strict=False):
        got = student.attainable_ops_per_s(float(x), peak, bandwidth)
        assert_equal(got, bound, what=f"at {x:g} op/B", relative=RELATIVE)


@check(
    "2.2",
    sentence="`attainable_ops_per_s` is what the memory can feed, bandwidth x intensity, up to the "
    "peak and never above it.",
)
def roof_of_a_small_machine(student: Student, rng: np.random.Generator) -> None:
    """Draw the roof of a machine with 100 op/s and 20 B/s, whose ridge is at 5 op/B."""
    intensities = np.array([0.5, 1.0, 2.5, 5.0, 10.0, 40.0])
    got = np.asarray(student.attainable_ops_per_s(intensities, 100.0, 20.0), dtype=np.float64)
    if got.shape == intensities.shape:
        figure, axes = plots.new_figure()
        roofline_pictures.own_roof(axes, intensities, bounds=got, peak=100.0, bandwidth=20.0)
        evidence.picture(figure, alt="Your bounds beside the roof: a slope to 5 op/B, then level.")
    judge_roof(student, intensities, peak=100.0, bandwidth=20.0)


@check(
    "2.2",
    sentence="A linear layer needs 2 x tokens x inputs x outputs operations; input, weights and "
    "output each move once, at `number_bytes` a number.",
)
def a_layer_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Count 2 tokens, 3 inputs and 4 outputs: 48 operations, and 26 numbers of 4 bytes."""
    got = student.linear_intensity(2, 3, 4, 4)
    rows = {"operations": 2 * 2 * 3 * 4, "input": 2 * 3, "weights": 3 * 4, "output": 2 * 4}
    evidence.table([{"what": name, "numbers": number} for name, number in rows.items()])
    assert_equal(got, 48 / (4 * 26), what="the intensity of that layer in op/B", relative=RELATIVE)


@check(
    "2.2",
    sentence="Forward, a token costs 2 operations for each parameter and 4 x layers x width x "
    "context for the attention; backward costs twice as much as forward.",
)
def one_token(student: Student, rng: np.random.Generator) -> None:
    """Count one token: 10 parameters, 2 layers of width 3, a context of 5."""
    got = student.step_ops(1, 10, 2, 3, 5)
    want = 3 * (2 * 10 + 4 * 2 * 3 * 5)
    assert_equal(got, want, what="operations of a step with one token", relative=RELATIVE)
