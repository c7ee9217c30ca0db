"""The hidden checks of exercise 2.3: the same sentences, other inputs."""

import numpy as np
import torch

from labs.engine.checks import check, raises
from labs.engine.student import Student, ref
from labs.gpu_training.checks.memory import (
    BOOLEAN,
    CODE,
    DOUBLE,
    NETWORKS,
    NUMBER,
    judge_activations,
    judge_states,
    numbers,
)
from labs.gpu_training.given.memory import activation_bytes
from labs.shared.transformer import transformer


@check("2.3", sentence="In `float32` a parameter takes 4 bytes of weights and 4 of gradients.")
def many_parameters(student: Student, rng: np.random.Generator) -> None:
    parameters = int(rng.integers(10**6, 10**9))
    for optimizer in ("sgd", "adamw"):
        for part in ("weights", "gradients"):
            judge_states(
                student, parameters, precision="float32", optimizer=optimizer, part=part, each=4
            )


@check(
    "2.3",
    sentence="In `mixed` it takes 2 and 2, and the optimiser keeps a float32 copy of 4 bytes.",
)
def many_in_mixed_precision(student: Student, rng: np.random.Generator) -> None:
    parameters = int(rng.integers(10**6, 10**9))
    for optimizer, each in (("sgd", 4), ("momentum", 8), ("adamw", 12)):
        for part, size in (("weights", 2), ("gradients", 2), ("optimizer", each)):
            judge_states(
                student, parameters, precision="mixed", optimizer=optimizer, part=part, each=size
            )


@check(
    "2.3",
    sentence="Beyond that `sgd` keeps nothing, `momentum` one and `adamw` two float32 numbers a "
    "parameter, in either precision.",
)
def many_with_optimisers(student: Student, rng: np.random.Generator) -> None:
    parameters = int(rng.integers(10**6, 10**9))
    for optimizer, each in (("sgd", 0), ("momentum", 4), ("adamw", 8)):
        judge_states(
            student,
            parameters,
            precision="float32",
            optimizer=optimizer,
            part="optimizer",
            each=each,
        )


@check("2.3", sentence="Any other precision or optimiser raises a `ValueError`.", weight=0.5)
def unknown_names(student: Student, rng: np.random.Generator) -> None:
    for precision, optimizer in (("float16", "adamw"), ("mixed", "adam"), ("adamw", "float32")):
        with raises("ValueError"):
            student.state_bytes(100, precision, optimizer=optimizer)


@check(
    "2.3",
    sentence="Every storage counts once, with all its bytes, however many saved tensors look at "
    "it or at a part of it.",
    weight=2.0,
)
def wider_networks(student: Student, rng: np.random.Generator) -> None:
    batch, width = (int(n) for n in rng.integers(8, 30, 2))
    x = numbers(rng, batch, width)
    pair = 2 * batch * width * NUMBER
    for name in ("used_twice", "used_in_part"):
        model = ref(f"{NETWORKS}:{name}", width=width)
        judge_activations(student, model, x=x, want=pair, why=name.replace("_", " "))


@check(
    "2.3",
    sentence="Every storage counts once, with all its bytes, however many saved tensors look at "
    "it or at a part of it.",
)
def other_types(student: Student, rng: np.random.Generator) -> None:
    batch, width = (int(n) for n in rng.integers(8, 30, 2))
    x, size = numbers(rng, batch, width), batch * width
    model = ref(f"{NETWORKS}:masked", width=width)
    want = size * (NUMBER + BOOLEAN)
    judge_activations(student, model, x=x, want=want, why="the input and booleans of 1 byte")
    model = ref(f"{NETWORKS}:in_double", width=width)
    want = 2 * size * DOUBLE
    judge_activations(student, model, x=x.double(), want=want, why="numbers of 8 bytes")


@check(
    "2.3",
    sentence="Every storage counts once, with all its bytes, however many saved tensors look at "
    "it or at a part of it.",
)
def deep_chain(student: Student, rng: np.random.Generator) -> None:
    widths = [int(n) for n in rng.integers(4, 40, 12)]
    x = numbers(rng, 16, widths[0])
    want = 16 * sum(widths[:-1]) * NUMBER  # the last layer's result is saved by nobody
    model = ref(f"{NETWORKS}:chain", widths=widths)
    judge_activations(student, model, x=x, want=want, why="the input of each of 11 layers")


@check(
    "2.3",
    sentence="Parameters and buffers of the model, and views of them, do not count; the input "
    "counts if it is saved.",
)
def tied_and_normalised(student: Student, rng: np.random.Generator) -> None:
    x = torch.from_numpy(rng.integers(0, 50, (4, 9)))
    model = ref(f"{NETWORKS}:tied", codes=50, width=12)
    want = 4 * 9 * CODE + 4 * 9 * 12 * NUMBER
    judge_activations(student, model, x=x, want=want, why="codes and features, no weights")
    batch, width = (int(n) for n in rng.integers(8, 30, 2))
    # The inputs of three layers, and mean and deviation of each feature of this batch.
    want = (3 * batch * width + 2 * width) * NUMBER
    judge_activations(
        student,
        ref(f"{NETWORKS}:normalised", width=width),
        x=numbers(rng, batch, width),
        want=want,
        why="a batch normalisation without its buffers",
    )


@check("2.3", sentence="What no backward pass will ask for does not count.")
def wider_frozen(student: Student, rng: np.random.Generator) -> None:
    batch, width = (int(n) for n in rng.integers(8, 30, 2))
    model = ref(f"{NETWORKS}:half_frozen", width=width)
    want = batch * width * NUMBER
    judge_activations(
        student, model, x=numbers(rng, batch, width), want=want, why="one layer's input alone"
    )


@check(
    "2.3",
    sentence="Every storage counts once, with all its bytes, however many saved tensors look at "
    "it or at a part of it.",
)
def whole_transformer(student: Student, rng: np.random.Generator) -> None:
    x = torch.from_numpy(rng.integers(0, 65, (int(rng.integers(2, 9)), 64)))
    want = activation_bytes(transformer("tiny"), x)  # read from the graph, not by hooks
    model = ref("labs.shared.transformer:transformer", size="tiny")
    judge_activations(student, model, x=x, want=want, why="the transformer `tiny`")
