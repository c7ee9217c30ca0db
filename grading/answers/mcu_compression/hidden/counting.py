"""Hidden checks of exercise 1.3: other widths, odd convolutions, layers used twice or never."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student, ref
from labs.mcu_compression.checks.counting import DS_CNN, LAYERS, Row, assert_rows

PADDED = (49 + 9) * (10 + 2)  # what the first convolution is handed, zeros around the features


def _separable(channels: int, classes: int, batch: int) -> list[Row]:
    """Work out the rows of DS-CNN by hand."""
    places, size = 125 * batch, 125 * batch * channels
    rows: list[Row] = [("stem.1", channels * 41, channels * 40 * places, PADDED * batch, size)]
    for block in range(4):
        rows.append((f"blocks.{block}.0", channels * 10, channels * 9 * places, size, size))
        mixing = channels * channels
        rows.append((f"blocks.{block}.3", mixing + channels, mixing * places, size, size))
    products = channels * classes
    last = (products + classes, products * batch, channels * batch, classes * batch)
    return [*rows, ("head.3", *last)]


@check("1.3", sentence="There is one row for each call of a convolution or linear layer.", weight=2)
def other_widths(student: Student, rng: np.random.Generator) -> None:
    for width in (0.25, float(rng.choice([0.5, 0.75, 1.25]))):
        classes = int(rng.integers(3, 20))
        network = ref(DS_CNN, width=width, classes=classes)
        rows = _separable(round(64 * width), classes, 1)
        assert_rows(student, network, shape=(1, 1, 49, 10), want=rows)


@check(
    "1.3", sentence="`macs` counts one for each weight that goes into an output element.", weight=2
)
def odd_convolutions(student: Student, rng: np.random.Generator) -> None:
    """Take kernels that are not square, strides, dilation, groups, and no bias, and one channel."""
    groups, per_group = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    channels = groups * per_group
    first = {"in_channels": 2, "out_channels": channels, "kernel_size": (3, 2), "stride": (2, 1)}
    second = {"in_channels": channels, "out_channels": 2 * channels, "kernel_size": (1, 3)}
    network = ref(
        LAYERS,
        specifications=[
            {"kind": "Conv2d", **first, "padding": (1, 0), "bias": False},
            {"kind": "Conv2d", **second, "dilation": 2, "groups": groups},
            {"kind": "Conv2d", "in_channels": 2 * channels, "out_channels": 1, "kernel_size": 1},
        ],
    )
    middle, end = channels * 4 * 8, 2 * channels * 4 * 4  # 7 x 9 becomes 4 x 8, then 4 x 4
    weights = 2 * channels * per_group * 3
    want = [
        ("0", channels * 12, middle * 12, 2 * 63, middle),
        ("1", weights + 2 * channels, weights * 16, middle, end),
        ("2", 2 * channels + 1, end, end, 16),
    ]
    assert_rows(student, network, shape=(1, 2, 7, 9), want=want)


@check("1.3", sentence="A layer that is called again has another row, in which `params` is 0.")
def used_twice_and_never(student: Student, rng: np.random.Generator) -> None:
    """Take a network whose layers run in another order than they are written in."""
    channels = int(rng.integers(2, 6))
    size = channels * 3 * 6
    want = [
        ("first", channels * 10, size * 9, 5 * 8, size),
        ("twice", 42, size * 6, size, size),
        ("twice", 0, size * 6, size, size),
        ("last", 2 * channels + 2, 2 * channels * 18, size, 36),
    ]
    network = ref("labs.mcu_compression.specimens:detour", channels=channels)
    assert_rows(student, network, shape=(1, 1, 5, 8), want=want)


@check("1.3", sentence="All numbers of elements and MACs are those of the whole example.")
def several_clips(student: Student, rng: np.random.Generator) -> None:
    batch = int(rng.integers(2, 5))
    rows = _separable(16, 12, batch)
    assert_rows(student, ref(DS_CNN, width=0.25), shape=(batch, 1, 49, 10), want=rows)


@check(
    "1.3", sentence="Afterwards the network is as you found it: no hook, and its modes as before."
)
def a_network_counted_twice(student: Student, rng: np.random.Generator) -> None:
    for again in (False, True, True):
        network = ref("labs.mcu_compression.specimens:witness", again=again)
        want = [("layer", 40, 36 * 9 * 3, 75, 36 * 3)]
        assert_rows(student, network, shape=(3, 1, 5, 5), want=want)
