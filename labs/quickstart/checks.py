"""The open checks of this lab: what `show_check` runs in the notebook.

They test the sentences of the exercises on small inputs that can be followed by hand. When
grading, further cases test the same sentences on other inputs.
"""

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.quickstart import pictures


@check("0.1", sentence="Each output channel has one kernel for every input channel, and one bias.")
def parameters_of_two_layers(student: Student, rng: np.random.Generator) -> None:
    """Take the first layer of the lab's network, and one that has several input channels."""
    for channels, by_hand in (((1, 8), 8 * 9 + 8), ((3, 4), 4 * 3 * 9 + 4)):
        params, _ = student.conv_cost(*channels, 3, 8, 8)
        what = f"parameters of 3x3 kernels from {channels[0]} to {channels[1]} channels"
        assert_equal(params, by_hand, what=what)


@check("0.1", sentence="A MAC is one weight times one input, added up; biases cost no MACs.")
def macs_of_two_layers(student: Student, rng: np.random.Generator) -> None:
    """Take the same layers: every kernel is applied at each of 8 x 8 places."""
    rows = []
    for channels, by_hand in (((1, 8), 8 * 9 * 64), ((3, 4), 4 * 3 * 9 * 64)):
        _, macs = student.conv_cost(*channels, 3, 8, 8)
        layer = f"{channels[0]} to {channels[1]} channels, 3x3, on 8x8"
        rows.append({"layer": layer, "MACs by hand": by_hand, "yours": macs})
    evidence.table(rows)
    for row in rows:
        assert_equal(row["yours"], row["MACs by hand"], what=f"MACs of {row['layer']}")


@check("0.1", sentence="With a stride of s only every s-th row and column is computed.")
def stride_of_two(student: Student, rng: np.random.Generator) -> None:
    """Go over 8 x 8 in steps of 2: 4 x 4 places are left, and the parameters stay."""
    params, macs = student.conv_cost(1, 8, 3, 8, 8, 2)
    assert_equal(macs, 8 * 9 * 16, what="MACs with a stride of 2 on 8x8")
    assert_equal(params, 80, what="parameters with a stride of 2")


@check("0.2", sentence="The scale maps the largest absolute weight to the largest code.")
def scale_of_three_weights(student: Student, rng: np.random.Generator) -> None:
    """Take three weights that can be followed by hand: 0.635 / 127 = 0.005."""
    weights = np.array([0.635, -0.3175, 0.0], dtype=np.float32)
    codes, scale = student.quantize(weights, 8)
    assert_equal(scale, 0.635 / 127, what="scale of [0.635, -0.3175, 0] with 8 bits", relative=1e-5)
    assert abs(float(np.asarray(codes)[0]) - 127) < 0.5, (
        f"the largest weight gets the code 127 with 8 bits, you have {np.asarray(codes)[0]}"
    )


@check("0.2", sentence="A code is the nearest whole number to weight / scale.")
def staircase(student: Student, rng: np.random.Generator) -> None:
    """Send a ramp of weights through 4 bits: a staircase that crosses the diagonal."""
    ramp = np.linspace(-0.7, 0.7, 141) + rng.uniform(-1e-3, 1e-3, 141)
    ramp = ramp.astype(np.float32)
    codes, scale = student.quantize(ramp, 4)
    codes = np.asarray(codes, dtype=np.float64)
    assert codes.shape == ramp.shape, f"one code a weight: {ramp.shape}, you have {codes.shape}"
    restored = codes * float(scale)
    figure, axes = plots.new_figure()
    pictures.staircase(axes, ramp, after=restored)
    evidence.picture(figure, alt="Weights before and after rounding to 4 bits: a staircase.")
    assert bool((codes == np.round(codes)).all()), "codes are whole numbers; yours have fractions"
    assert bool((np.abs(codes) <= 7).all()), (
        f"with 4 bits codes lie in -7..7; yours reach {codes[np.abs(codes).argmax()]:g}"
    )
    worst = float(np.abs(restored - ramp).max())
    # Half a step, and what float32 rounds off weights of this size.
    assert worst <= float(scale) / 2 + 1e-6, (
        f"rounding to the nearest errs by at most scale / 2 = {float(scale) / 2:.4f}; "
        f"yours by {worst:.4f}"
    )
