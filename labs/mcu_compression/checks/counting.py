"""Open checks of exercise 1.3: parameters, MACs and activations by hooks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Ref, Student, ref

COLUMNS = ("params", "macs", "input_elements", "output_elements")
Row = tuple[str, int, int, int, int]  # name, then the COLUMNS
LAYERS = "labs.mcu_compression.specimens:layers"
DS_CNN = "labs.shared.networks:ds_cnn"


def rows_of(answer: Any) -> list[dict[str, Any]]:
    """Return an answer as rows, if it has the form asked for."""
    assert isinstance(answer, list | tuple), (
        f"the answer is a list of dicts, you have a {type(answer).__name__}"
    )
    for row in answer:
        assert isinstance(row, dict), f"each row is a dict, you have a {type(row).__name__}"
        missing = {"name", *COLUMNS} - set(row)
        assert not missing, f"a row has no {', '.join(sorted(missing))}; it has {list(row)}"
    return list(answer)


def assert_rows(
    student: Student, network: Ref, *, shape: Sequence[int], want: Sequence[Row]
) -> None:
    """Count a network on an example of zeros, show the rows and compare each number."""
    got = rows_of(student.count_layers(network, _example(shape)))
    by_name = [row["name"] for row in got]
    wanted = [row[0] for row in want]
    columns = [dict(zip(COLUMNS, numbers, strict=True)) for _, *numbers in want]
    if by_name == wanted:
        pairs = list(zip(wanted, columns, got, strict=True))
        evidence.table(
            [
                {"layer": name, **{c: f"{mine[c]} ({right[c]})" for c in COLUMNS}}
                for name, right, mine in pairs
            ]
        )
    assert by_name == wanted, f"rows in the order of the calls: {wanted}, you have {by_name}"
    for name, right, mine in pairs:
        for column in COLUMNS:
            assert_equal(mine[column], right[column], what=f"{column} of layer {name!r}")


def _example(shape: Sequence[int]) -> torch.Tensor:

    return torch.zeros(*shape)


@check("1.3", sentence="`macs` counts one for each weight that goes into an output element.")
def three_layers_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Count two 3x3 convolutions, the second channel by channel, and a linear layer."""
    network = ref(
        LAYERS,
        specifications=[
            {"kind": "Conv2d", "in_channels": 1, "out_channels": 4, "kernel_size": 3},
            {"kind": "BatchNorm2d", "num_features": 4},
            {"kind": "ReLU"},
            {"kind": "Conv2d", "in_channels": 4, "out_channels": 4, "kernel_size": 3, "groups": 4},
            {"kind": "Flatten"},
            {"kind": "Linear", "in_features": 16, "out_features": 3},
        ],
    )
    by_hand = [
        ("0", 4 * 9 + 4, 4 * 9 * 16, 36, 4 * 16),
        ("3", 4 * 9 + 4, 4 * 9 * 4, 4 * 16, 4 * 4),
        ("5", 16 * 3 + 3, 16 * 3, 16, 3),
    ]
    assert_rows(student, network, shape=(1, 1, 6, 6), want=by_hand)


@check("1.3", sentence="There is one row for each call of a convolution or linear layer.")
def the_network_of_this_lab(student: Student, rng: np.random.Generator) -> None:
    """Count DS-CNN and compare the sums with those that MLPerf Tiny's network has."""
    rows = rows_of(student.count_layers(ref(DS_CNN), _example((1, 1, 49, 10))))
    elements = [row["input_elements"] + row["output_elements"] for row in rows]
    sums = {
        "rows": (len(rows), 10),
        "params": (sum(row["params"] for row in rows), 22_604),
        "macs": (sum(row["macs"] for row in rows), 2_656_768),
        "most input and output elements": (max(elements, default=0), 16_000),
    }
    evidence.table([{"DS-CNN": k, "yours": got, "known": want} for k, (got, want) in sums.items()])
    for name, (got, want) in sums.items():
        assert_equal(got, want, what=f"{name} of DS-CNN")


@check(
    "1.3", sentence="Afterwards the network is as you found it: no hook, and its modes as before."
)
def left_as_found(student: Student, rng: np.random.Generator) -> None:
    """Count a network twice that complains the second time if it was left otherwise."""
    for again in (False, True):
        network = ref("labs.mcu_compression.specimens:witness", again=again)
        rows = rows_of(student.count_layers(network, _example((2, 1, 5, 5))))
        assert_equal([row["params"] for row in rows], [40], what="params of one convolution")
