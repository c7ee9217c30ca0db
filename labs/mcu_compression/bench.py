"""A network on the bench: generated, compiled, run on the emulated core, and what it takes there.

Everything is exact and repeatable but cycles, which are an estimate (`labs.shared.instructions`).
"""

import ctypes
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.c_code.code import CodeError
from labs.mcu_compression.c_code.generator import CSource, generate
from labs.mcu_compression.integer.layers import Codes
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.shared.emulator import Machine
from labs.shared.instructions import Profile, profile
from labs.shared.toolchain import CORES, HostLibrary, Program, compile_c


@dataclass(frozen=True, eq=False)
class Deployed:
    """A network as a program for a core.

    Parameters
    ----------
    source
        The C code.
    program
        What the compiler made of it.
    """

    source: CSource
    program: Program
    _machine: Machine = field(repr=False)

    def run(self, codes: npt.ArrayLike) -> Codes:
        """Return the output codes, (batch, ...), of int8 input codes, (batch, ...)."""
        network = self.source.network
        shape = network.tensors[network.output].shape
        found = []
        for clip in np.asarray(codes, dtype=np.int8):
            self._machine.write("model_input", clip)
            self._machine.call("model_run")
            found.append(self._machine.read("model_output", np.int8, shape))
        return np.stack(found)

    def profile(self, clip: npt.ArrayLike) -> Profile:
        """Return what the core executes for one clip of input codes."""
        machine = Machine(self.program)
        machine.write("model_input", np.asarray(clip, dtype=np.int8))
        return profile(machine.trace("model_run"))

    def profile_by_layer(self, clip: npt.ArrayLike) -> dict[str, int]:
        """Return the instructions of each layer for one clip of input codes, in order.

        Each layer is called alone, one after the other. Together they are those of `profile`, but
        for the few of ``model_run`` itself, which calls them.
        """
        machine = Machine(self.program)
        machine.write("model_input", np.asarray(clip, dtype=np.int8))
        found: dict[str, int] = {}
        for number, layer in enumerate(self.source.network.layers):
            name = f"{layer.name} ({number})" if layer.name in found else layer.name
            found[name] = profile(machine.trace(f"layer_{number}")).instructions
        return found

    @property
    def flash_bytes(self) -> int:
        """Code and constants."""
        return self.program.flash_bytes

    @property
    def arena_bytes(self) -> int:
        """Activations and scratch."""
        return self.source.arena_bytes


def deploy(
    network: IntegerNetwork,
    stage: str = "naive",
    *,
    core: str = "m4",
    optimize: str = "-O2",
    without: Collection[str] = (),
) -> Deployed:
    """Generate, compile and load a network.

    Parameters
    ----------
    network
        In whole numbers.
    stage
        One of `c_code.stages.STAGES`.
    core
        One of `labs.shared.toolchain.CORES`.
    optimize
        As for the compiler.
    without
        Names of passes to leave out, as for `generate`.

    Raises
    ------
    CodeError
        If the core lacks the instructions that the stage needs, or a layer cannot be computed.
    """
    source = generate(network, stage, without=without)
    if core in CORES and source.stage.needs_dsp and not CORES[core].has_dsp:
        raise CodeError(
            f"stage {stage} needs the DSP instructions that {CORES[core].title} lacks; "
            "take stage layout or naive"
        )
    program = compile_c(source.text, core, optimize=optimize)
    return Deployed(source, program, Machine(program))


def run_on_host(source: CSource, codes: npt.ArrayLike) -> Codes:
    """Return the output codes of generated code that is compiled for this machine."""
    library = HostLibrary(source.text)
    network = source.network
    tensors = network.tensors[network.input], network.tensors[network.output]
    places = [
        np.ctypeslib.as_array((ctypes.c_int8 * each.elements).in_dll(library.functions, name))
        for each, name in zip(tensors, ("model_input", "model_output"), strict=True)
    ]
    found = []
    for clip in np.asarray(codes, dtype=np.int8):
        places[0][:] = clip.reshape(-1)
        library.functions.model_run()
        found.append(places[1].reshape(tensors[1].shape).copy())
    return np.stack(found)
