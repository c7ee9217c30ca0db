"""A whole network as one file of C that needs nothing but a compiler.

The file has these names for the outside: ``model_input``, ``model_output``, and ``model_run``,
which computes one from the other by calling ``layer_0``, ``layer_1`` and so on, in order. Which
kernels it has is a matter of the stage; activations share one arena, by `integer.memory_plan`. The
same network gives the same text.
"""

import dataclasses
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from labs.mcu_compression.c_code.bounds import check_layer
from labs.mcu_compression.c_code.code import LINE, CodeError, LayerCode, Place, Writer, comment
from labs.mcu_compression.c_code.stages import IN_PLACE, PASSES, STAGES, Stage
from labs.mcu_compression.integer.layers import Layer
from labs.mcu_compression.integer.memory_plan import MemoryPlan, plan_memory
from labs.mcu_compression.integer.network import IntegerNetwork, macs_of


@dataclass(frozen=True)
class CSource:
    """Generated code, and what is known about it before it is compiled.

    Parameters
    ----------
    network
        After the passes of the stage.
    stage
        How it was made.
    text
        The C file.
    plan
        Where activations lie.
    codes
        What the writers made of each layer, in order; ``layer_0`` runs the first.
    """

    network: IntegerNetwork
    stage: Stage
    text: str = field(repr=False)
    plan: MemoryPlan = field(repr=False)
    codes: Sequence[LayerCode] = field(repr=False)

    @property
    def arena_bytes(self) -> int:
        """Bytes of activations and scratch."""
        return self.plan.arena_bytes


def generate(
    network: IntegerNetwork,
    stage: str = "naive",
    *,
    without: Collection[str] = (),
    writers: Mapping[str, Writer] | None = None,
) -> CSource:
    """Return C code that computes what a network computes, code for code.

    Parameters
    ----------
    network
        In whole numbers.
    stage
        One of `stages.STAGES`.
    without
        Names of passes to leave out, of `stages.PASSES`, to see what they bring.
    writers
        For layers by name, other writers than the stage's: a student's, for instance.

    Raises
    ------
    CodeError
        If the stage or a pass is unknown, if the stage cannot do without a pass, or if a layer
        cannot be computed exactly; the message says why.
    """
    made = _stage(stage, without)
    network = _passed(network, made)
    codes = _codes(network, made, writers or {})
    may = [n for n, code in enumerate(codes) if made.is_in_place and code.is_in_place]
    scratch = max(code.scratch_bytes for code in codes)
    plan = plan_memory(network, in_place=may, scratch_bytes=scratch)
    return CSource(network, made, _file(network, made, codes, plan=plan), plan, codes)


def _stage(key: str, without: Collection[str]) -> Stage:
    """Return a stage that leaves passes out."""
    if key not in STAGES:
        raise CodeError(f"stage is {key!r}; one of: {', '.join(STAGES)}")
    unknown = sorted(set(without) - set(PASSES))
    if unknown:
        raise CodeError(
            f"there is no pass {unknown[0]!r} to leave out; one of: {', '.join(PASSES)}"
        )
    stage = STAGES[key]
    missing = [each.__name__ for each in stage.needs if each.__name__ in without]
    if missing:
        raise CodeError(
            f"the kernels of stage {key} need the pass {missing[0]}; leave it out of another stage"
        )
    return dataclasses.replace(
        stage,
        passes=tuple(each for each in stage.passes if each.__name__ not in without),
        is_in_place=stage.is_in_place and IN_PLACE not in without,
    )


def _passed(network: IntegerNetwork, stage: Stage) -> IntegerNetwork:
    if not network.layers or network.input == network.output:
        raise CodeError(f"{network.name} has no layers between its input and its output")
    # Before the passes too: what a pass folds is checked for int32 by the pass itself.
    for layer in network.layers:
        check_layer(layer, network.tensors[layer.output])
    try:
        for each in stage.passes:
            network = each(network)
    except ValueError as err:
        raise CodeError(str(err)) from err
    return network


def _codes(
    network: IntegerNetwork, stage: Stage, writers: Mapping[str, Writer]
) -> tuple[LayerCode, ...]:
    codes = []
    for number, layer in enumerate(network.layers):
        output = network.tensors[layer.output]
        check_layer(layer, output)
        inputs = tuple(network.tensors[at] for at in layer.inputs)
        write = writers.get(layer.name, stage.write)
        codes.append(write(Place(layer, number, inputs, output)))
    return tuple(codes)


def _file(
    network: IntegerNetwork, stage: Stage, codes: Sequence[LayerCode], *, plan: MemoryPlan
) -> str:
    title = (
        f"{network.name}: {len(codes)} layers, {network.macs:,} multiply-accumulates. "
        f"Stage {stage.key}: {stage.title}. Generated; int8 codes, TensorFlow Lite's arithmetic."
    )
    parts = [
        comment(title),
        stage.prelude,
        *_functions(codes).values(),
        *_tables(network, codes),
        _memory(network, plan),
        *_layers(network, codes, plan),
        "/* Computes model_output from model_input. */\nvoid model_run(void) {\n"
        + "".join(f"  layer_{number}();\n" for number in range(len(codes)))
        + "}\n",
    ]
    return "\n".join(parts)


def _functions(codes: Sequence[LayerCode]) -> dict[str, str]:
    functions: dict[str, str] = {}
    for code in codes:
        for name, text in code.functions.items():
            if functions.setdefault(name, text) != text:
                raise CodeError(f"two kernels have the name {name} and differ; rename one")
    return functions


def _tables(network: IntegerNetwork, codes: Sequence[LayerCode]) -> list[str]:
    return [
        comment(f"Constants of layer {number}, {layer.name}.")
        + "".join(table.text for table in code.tables)
        for number, (layer, code) in enumerate(zip(network.layers, codes, strict=True))
        if code.tables
    ]


def _memory(network: IntegerNetwork, plan: MemoryPlan) -> str:
    sizes = network.tensors[network.input].elements, network.tensors[network.output].elements
    note = f"Activations: {plan.activation_bytes:,} bytes, then {plan.scratch_bytes:,} of scratch."
    return (
        f"{comment(note)}"
        f"static int8_t arena[{max(plan.arena_bytes, 4)}] __attribute__((aligned(8)));\n"
        f"int8_t model_input[{sizes[0]}] __attribute__((aligned(4)));\n"
        f"int8_t model_output[{sizes[1]}] __attribute__((aligned(4)));\n"
    )


def _layers(network: IntegerNetwork, codes: Sequence[LayerCode], plan: MemoryPlan) -> list[str]:
    """Return a function for each layer, so that each can be run and counted alone."""

    def address(tensor: int) -> str:
        if tensor == network.input:
            return "model_input"
        return "model_output" if tensor == network.output else f"arena + {plan.offsets[tensor]}"

    texts = []
    for number, (layer, code) in enumerate(zip(network.layers, codes, strict=True)):
        names = {f"x{n or ''}": address(at) for n, at in enumerate(layer.inputs)}
        names |= {"y": address(layer.output), "scratch": f"arena + {plan.activation_bytes}"}
        texts.append(
            comment(f"Layer {number}, {layer.name}: {_told(network, layer)}.")
            + f"__attribute__((noinline)) void layer_{number}(void) {{\n"
            + f"{_wrapped(code.call.format(**names))}\n}}\n"
        )
    return texts


def _wrapped(call: str) -> str:
    if "\n" in call:  # somebody's own form
        return f"  {call}"
    return textwrap.fill(call, LINE, initial_indent="  ", subsequent_indent=" " * 6)


def _told(network: IntegerNetwork, layer: Layer) -> str:
    read = [network.tensors[at] for at in layer.inputs]
    written = network.tensors[layer.output]
    shapes = [" x ".join(map(str, each.shape)) for each in (*read, written)]
    macs = macs_of(layer, written)
    told = f"{' and '.join(shapes[:-1])} -> {shapes[-1]}"
    return f"{told}, {macs:,} multiply-accumulates" if macs else told
