"""Low-bit pointwise layers beside int8 ones: bytes, and instructions on an emulated core.

Only the pointwise layers are counted: all other layers are int8 in every version. Counts are exact;
they depend on the clip by a few branches at most. Nothing is trained here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.binary import LowBitNetwork
from labs.mcu_compression.binary_code import XnorLayer, c_name, pointwise_source, xnor_layers
from labs.mcu_compression.c_code.generator import generate
from labs.mcu_compression.c_code.stages import STAGES
from labs.mcu_compression.integer.from_torch import integer_network
from labs.mcu_compression.integer.layers import Convolution
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.packed_weights import write_packed
from labs.mcu_compression.quantization import QuantizedNetwork
from labs.shared.emulator import Machine
from labs.shared.instructions import profile
from labs.shared.toolchain import CORES, compile_c

PLACES = 125  # 25 x 5, of every pointwise layer of the keyword network


@dataclass(frozen=True, eq=False)
class XnorRun:
    """What an emulated core made of a layer, and the instructions that it took.

    Parameters
    ----------
    codes
        int8, (places, out).
    packing, counting
        Instructions to make bits of sums, and to compute the layer from bits.
    flash_bytes
        Code and tables.
    """

    codes: npt.NDArray[np.int8]
    packing: int
    counting: int
    flash_bytes: int


def run_on_core(layer: XnorLayer, sums: npt.ArrayLike, *, core: str = "m4") -> XnorRun:
    """Return what an emulated core computes for the sums of the layer before.

    Parameters
    ----------
    layer
        Compiled for the core.
    sums
        (places, in), magnitudes up to 2**30.
    core
        One of `labs.shared.toolchain.CORES`; none needs SIMD instructions.
    """
    values = np.asarray(sums, dtype=np.int32)
    places, words = len(values), layer.plus.shape[1]
    buffers = (
        f"int32_t sums[{values.size}];\nuint32_t x[{places * words}];\n"
        f"int8_t y[{places * layer.outputs}];\n"
    )
    program = compile_c(pointwise_source(layer, places=places) + buffers, core)
    machine, name = Machine(program), c_name(layer.name)
    machine.write("sums", values)
    traces = [
        machine.trace(f"{name}_signs", machine.address("sums"), machine.address("x")),
        machine.trace(name, machine.address("x"), machine.address("y")),
    ]
    codes = machine.read("y", np.int8, (places, layer.outputs))
    packing, counting = (profile(trace).instructions for trace in traces)
    return XnorRun(codes, packing, counting, program.flash_bytes)


def pointwise_instructions(
    network: QuantizedNetwork, *, stage: str | None = None, core: str = "m4"
) -> dict[str, int]:
    """Return the instructions of each pointwise layer that reads int8, by name.

    Parameters
    ----------
    network
        With activations of 8 bits. Low-bit weights stay packed (`packed_weights`).
    stage
        For weights of 8 bits one of `c_code.stages.STAGES`; without it the last that the core runs.
    core
        One of `labs.shared.toolchain.CORES`.
    """
    can = [s.key for s in STAGES.values() if CORES[core].has_dsp or not s.needs_dsp]
    is_packed = isinstance(network, LowBitNetwork)
    whole, found = integer_network(network), {}
    for layer in whole.layers:
        if isinstance(layer, Convolution) and layer.is_pointwise:
            tensors = whole.tensors[layer.inputs[0]], whole.tensors[layer.output]
            moved = replace(layer, inputs=(0,), output=1)
            alone = IntegerNetwork(layer.name, tensors, (moved,), 0, 1)
            writers = {layer.name: write_packed} if is_packed else None
            source = generate(alone, "naive" if is_packed else stage or can[-1], writers=writers)
            machine = Machine(compile_c(source.text, core))
            found[layer.name] = profile(machine.trace("model_run")).instructions
    return found


def compare(
    versions: Mapping[str, QuantizedNetwork],
    *,
    stage: str | None = None,
    core: str = "m4",
) -> list[dict[str, object]]:
    """Return a row for each version of the network.

    Parameters
    ----------
    versions
        By name: of `binary.quantize` and of `quantization.quantize_network`, 8 bits.
    stage
        Of the int8 code, as for `pointwise_instructions`.
    core
        One of `labs.shared.toolchain.CORES`.

    Returns
    -------
    list of dict
        ``version``, ``bytes`` of the whole network, ``instructions`` of all
        pointwise layers for one clip, and the ``kernel`` that was counted; that of signs with the
        packing of its inputs.
    """
    rows: list[dict[str, object]] = []
    for name, network in versions.items():
        counts = _counts(network, stage=stage, core=core)
        rows.append(
            {
                "version": name,
                "bytes": network.size_bytes,
                "instructions": counts[0],
                "kernel": counts[1],
            }
        )
    return rows


def _counts(network: QuantizedNetwork, *, stage: str | None, core: str) -> tuple[int, str]:
    if isinstance(network, LowBitNetwork) and network.activations == "sign":
        runs = [
            run_on_core(layer, np.zeros((PLACES, layer.inputs)), core=core)
            for layer in xnor_layers(network)
        ]
        return sum(run.packing + run.counting for run in runs), "XOR and bit count"
    counted = pointwise_instructions(network, stage=stage, core=core)
    kernel = "packed weights, int8" if isinstance(network, LowBitNetwork) else "int8"
    return sum(counted.values()), kernel
