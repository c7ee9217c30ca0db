"""Open checks of folding and fake quantisation, exercise 1.6."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student, StudentError
from labs.mcu_compression import quantization_pictures as pictures

Array = npt.NDArray[Any]
# Some ten float32 operations of half a unit in the last place each, 2**-24, with room to spare.
RELATIVE = 1e-5


def norm_of(channels: int, rng: np.random.Generator, *, eps: float = 1e-3) -> dict[str, Any]:
    """Return a batch normalisation with random numbers, some gammas negative."""
    drawn = {
        "gamma": rng.normal(0, 1, size=channels),
        "beta": rng.normal(0, 1, size=channels),
        "mean": rng.normal(0, 1, size=channels),
        "variance": rng.uniform(0.002, 0.5, size=channels),
    }
    return {k: torch.tensor(v, dtype=torch.float32) for k, v in drawn.items()} | {"eps": eps}


def _fold(student: Student, weight: torch.Tensor, bias: Any, norm: dict[str, Any]) -> list[Any]:
    """Ask for the folded weight and bias, and check their shapes."""
    got = student.fold_batch_norm(weight, torch.as_tensor(bias), norm)
    is_pair = isinstance(got, tuple | list) and len(got) == 2
    assert is_pair, "return two tensors, (weight, bias)"
    for name, value, like in (("weight", got[0], weight), ("bias", got[1], torch.as_tensor(bias))):
        shape = np.asarray(value).shape
        assert shape == tuple(like.shape), (
            f"the {name} keeps its shape {tuple(like.shape)}, you have {shape}"
        )
    return [np.asarray(value, dtype=np.float64) for value in got]


def assert_folds(
    student: Student, rng: np.random.Generator, *, shape: tuple[int, ...], groups: int
) -> None:
    """Compare a folded convolution with convolution and normalisation one after the other."""
    weight = torch.tensor(rng.normal(size=shape), dtype=torch.float32)
    bias = torch.tensor(rng.normal(size=shape[0]), dtype=torch.float32)
    norm = norm_of(shape[0], rng)
    x = torch.tensor(rng.normal(size=(2, shape[1] * groups, 6, 5)))
    before = functional.conv2d(x, weight.double(), bias.double(), groups=groups)
    mean, variance, gamma, beta = (norm[k].double() for k in ("mean", "variance", "gamma", "beta"))
    want = functional.batch_norm(before, mean, variance, gamma, beta, eps=norm["eps"]).numpy()
    folded = [torch.tensor(v) for v in _fold(student, weight, bias, norm)]
    got = functional.conv2d(x, folded[0], folded[1], groups=groups).numpy()
    off = np.abs(got - want).max(axis=(0, 2, 3)) / np.abs(want).max()
    worst = int(off.argmax())
    assert off[worst] <= RELATIVE, (
        f"the folded convolution {shape}, groups={groups}, should give what convolution and "
        f"normalisation give; channel {worst} is off by {off[worst]:.1%} of the largest output"
    )


def gradient_of(
    student: Student, x: torch.Tensor, *, upstream: torch.Tensor, grid: tuple[float, int, int]
) -> Array:
    """Return what arrives at x when `upstream` arrives at ``fake_quantize(x, *grid)``.

    The gradient of a function that does not round says nothing, so the values are checked too.
    """
    leaf = student.fake_quantize.keep(x, *grid)  # a tensor that stays there, to be filled with x
    try:
        if leaf.method("__getattribute__", "requires_grad"):
            leaf.method("detach_")
        leaf.method("copy_", x)
        leaf.method("requires_grad_")
    except StudentError as err:
        message = f"fake_quantize returns a tensor of torch with the shape of x ({err})"
        raise AssertionError(message) from err
    result = student.fake_quantize.keep(leaf, *grid)
    values = np.asarray(result.method("detach"), dtype=np.float64)
    assert_values(values, x, grid=grid)
    try:
        result.method("backward", upstream)
    except StudentError as err:
        raise AssertionError(
            f"no gradient reaches x: the result does not depend on x for autograd ({err})"
        ) from err
    found = leaf.method("__getattribute__", "grad")
    assert found is not None, "no gradient reaches x: the result does not depend on x for autograd"
    return np.asarray(found, dtype=np.float64)


def assert_gradient(got: Array, want: Array, *, inside: Array) -> None:
    """Compare a gradient with the straight-through one."""
    for part, said in ((inside, "within the range of the codes it passes unchanged"),
                       (~inside, "where the code was clamped it is 0")):  # fmt: skip
        off = np.abs(got - want)[part]
        if off.size and not off.max() <= RELATIVE * np.abs(want).max():
            i = int(off.argmax())
            raise AssertionError(
                f"gradient: {said}; expected {want[part][i]:.4g}, you have {got[part][i]:.4g}"
            )


@check("1.6", sentence="Each output channel is scaled by gamma / sqrt(variance + eps).")
def factors_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take three channels of one weight each: a variance, an eps, and a gamma."""
    weight = torch.full((3, 1, 1, 1), 6.0)
    norm = {
        "gamma": torch.tensor([1.0, 1.0, -3.0]),
        "beta": torch.zeros(3),
        "mean": torch.zeros(3),
        "variance": torch.tensor([0.0, 0.75, 3.75]),
        "eps": 0.25,
    }
    got, _ = _fold(student, weight, torch.zeros(3), norm)
    rows = [
        {"gamma": g, "variance": v, "eps": 0.25, "weight 6 becomes, by hand": want, "yours": y}
        for g, v, want, y in zip(
            (1, 1, -3), (0.0, 0.75, 3.75), (12.0, 6.0, -9.0), got.ravel().tolist(), strict=True
        )
    ]
    evidence.table(rows)
    for row in rows:
        what = f"weight 6 with gamma {row['gamma']}, variance {row['variance']} and eps 0.25"
        assert_equal(row["yours"], row["weight 6 becomes, by hand"], what=what, relative=RELATIVE)


@check("1.6", sentence="The bias takes the same way: (bias - mean) * factor + beta.")
def bias_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take a bias of 3, a mean of 1, a factor of 2 and a beta of 10: (3 - 1) * 2 + 10 = 14."""
    norm = {"gamma": [2.0], "beta": [10.0], "mean": [1.0], "variance": [0.75]}
    tensors = {name: torch.tensor(value) for name, value in norm.items()} | {"eps": 0.25}
    _, got = _fold(student, torch.ones(1, 1, 1, 1), torch.tensor([3.0]), tensors)
    assert_equal(got, [14.0], what="bias 3, mean 1, factor 2, beta 10", relative=RELATIVE)


@check("1.6", sentence="The folded convolution gives what convolution and normalisation gave.")
def a_convolution(student: Student, rng: np.random.Generator) -> None:
    """Fold a convolution of 3 to 5 channels."""
    assert_folds(student, rng, shape=(5, 3, 3, 2), groups=1)


@check("1.6", sentence="The value is scale * (code - zero_point), with the codes of exercise 1.5.")
def values_of_a_ramp(student: Student, rng: np.random.Generator) -> None:
    """Send a ramp through 3 bits, with the gradient that comes back beside it."""
    grid = (0.25, 1, 3)  # codes -4 to 3 stand for -1.25 to 0.5
    ramp = torch.linspace(-1.7, 0.95, 61) + float(rng.uniform(-1e-3, 1e-3))
    got = np.asarray(student.fake_quantize(ramp, *grid), dtype=np.float64)
    assert got.shape == (61,), f"one value each: shape (61,), you have {got.shape}"
    try:
        gradient = gradient_of(student, ramp, upstream=torch.ones(61), grid=grid)
    except AssertionError:
        gradient = np.full(61, np.nan)
    figure, axes = plots.new_figure()
    pictures.straight_through(axes, ramp.numpy(), after=got, gradient=gradient)
    evidence.picture(figure, alt="A ramp after 3 bits, and the gradient: 1 inside, 0 outside.")
    assert_values(got, ramp, grid=grid)


def assert_values(got: Array, x: torch.Tensor, *, grid: tuple[float, int, int]) -> None:
    """Check rounded values: on the grid, and the nearest there is."""
    scale, zero_point, bits = grid
    codes = got / scale + zero_point
    on_grid = np.abs(codes - np.round(codes)).max()
    assert on_grid <= 1e-3, (
        f"values are scale * (code - zero_point); yours lie {on_grid:.2f} steps beside the grid"
    )
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    exact = np.clip(x.numpy().astype(np.float64) / scale + zero_point, low, high)
    off = np.abs(np.round(codes) - exact)
    worst = int(off.argmax())
    assert off.flat[worst] <= 0.5 + 1e-4, (
        f"the value of {x.numpy().flat[worst]:.4g} is off by {off.flat[worst]:.2f} steps of "
        f"{scale:.4g}; half a step is the most ({bits} bits, zero point {zero_point})"
    )


@check("1.6", sentence="The gradient passes unchanged where x lies within the range of the codes.")
def gradient_inside(student: Student, rng: np.random.Generator) -> None:
    """Let a gradient come back to values inside the range, both ends among them."""
    x = torch.tensor([-1.25, -0.9, -0.1, 0.0, 0.3, 0.5])
    upstream = torch.tensor(rng.uniform(0.5, 2, size=6), dtype=torch.float32)
    got = gradient_of(student, x, upstream=upstream, grid=(0.25, 1, 3))
    assert_gradient(got, upstream.numpy().astype(np.float64), inside=np.ones(6, dtype=bool))


@check("1.6", sentence="The gradient is 0 where the code was clamped.")
def gradient_outside(student: Student, rng: np.random.Generator) -> None:
    """Let a gradient come back to values that saturate, a step and more outside."""
    x = torch.tensor([-4.0, -1.6, 0.9, 7.0])
    got = gradient_of(student, x, upstream=torch.ones(4), grid=(0.25, 1, 3))
    assert_gradient(got, np.zeros(4) + 0.0, inside=np.zeros(4, dtype=bool))
