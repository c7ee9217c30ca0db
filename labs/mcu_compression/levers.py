"""Five levers on one network, each measured the same way: on clips, in flash, in RAM, on a core.

FastInference groups what makes inference cheap by when it is done: before training (another kind of
network), during it, after it, in the code, and by the platform. A `Lever` is one version with what
it costs. Accuracies come from the C code on this machine, which computes what the chip computes;
that is shown on some clips each time. Cycles are estimates, instructions and bytes are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from course_utils import stats
from course_utils.records import Result, counted
from labs.mcu_compression import bench
from labs.mcu_compression.c_code.generator import generate
from labs.mcu_compression.integer.layers import Codes
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.shared import boards
from labs.shared.boards import Board
from labs.shared.keywords import Clips
from labs.shared.tables import Table

WHEN = ("before training", "during training", "after training", "code", "platform")
START = "start"
HOST_STAGE = "layout"  # runs on this machine, and gives the codes that every stage gives
RESAMPLES = 2000
PROVED_CLIPS = 8


@dataclass(frozen=True, eq=False)
class Lever:
    """One version of the network on one board.

    Parameters
    ----------
    lever
        One of `WHEN`, `START`, or a word for several together.
    name
        What was done.
    board
        What it runs on.
    top1
        The share of the clips that it gets right, with the interval over speakers.
    loss
        How much less than float32, paired by clip.
    flash_bytes, ram_bytes
        Of the program: code and constants; arena, input, output and stack.
    instructions
        Of one inference.
    cycles
        Fewest and most, estimated; None for a core without a table.
    exact_clips
        On how many clips the emulated core and this machine agreed in every code, of how many.
    """

    lever: str
    name: str
    board: Board
    top1: Result
    loss: Result
    flash_bytes: int
    ram_bytes: int
    instructions: int
    cycles: tuple[int, int] | None
    exact_clips: tuple[int, int]

    @property
    def latency(self) -> Result | None:
        """Latency of an inference [ms], modelled; None if cycles are."""
        return boards.latency_ms(self.board, self.cycles)

    @property
    def energy(self) -> Result | None:
        """Energy of an inference [uJ], modelled from the board's power; None if cycles are."""
        latency = self.latency
        return None if latency is None else boards.energy_per_inference_uj(self.board, latency)

    @property
    def is_exact(self) -> bool:
        """Whether the core agreed on every clip tried."""
        return self.exact_clips[0] == self.exact_clips[1]


@dataclass(frozen=True, eq=False)
class Examination:
    """What every version is put through.

    Parameters
    ----------
    clips
        To judge on.
    features
        Of the clips, (n, 1, height, width), float32.
    reference
        (n,), bool: which clips float32 gets right.
    seed
        For the resampling of speakers; the same for all, so that comparisons are paired.
    """

    clips: Clips
    features: Tensor
    reference: npt.NDArray[np.bool_]
    seed: int = 0

    def codes(self, network: IntegerNetwork) -> Codes:
        """Return the input codes of the clips for a network, (n, height, width, 1)."""
        return network.codes(self.features.cpu().numpy().transpose(0, 2, 3, 1))

    def right(self, network: IntegerNetwork) -> npt.NDArray[np.bool_]:
        """Return which clips a network in whole numbers gets right, (n,), by its C code here."""
        codes = self.codes(network)
        found = bench.run_on_host(generate(network, HOST_STAGE), codes)
        right: npt.NDArray[np.bool_] = found.argmax(1) == self.clips.labels.numpy()
        return right

    def judged(self, right: npt.NDArray[np.bool_]) -> tuple[Result, Result]:
        """Return accuracy and loss against float32, with their intervals over speakers."""
        clusters, rng = self.clips.clusters(), np.random.default_rng(self.seed)
        top1 = stats.cluster_bootstrap(right, clusters, rng=rng, resamples=RESAMPLES)
        loss = stats.paired_difference(
            self.reference, right, clusters=clusters, rng=rng, resamples=RESAMPLES
        )
        return top1.result(), loss.result()


def measure(
    deployed: bench.Deployed, examination: Examination, *, lever: str, name: str, board: Board
) -> Lever:
    """Return one version with everything that it costs.

    Parameters
    ----------
    deployed
        The network as a program for the board's core.
    examination
        The clips, and what float32 made of them.
    lever, name
        Which lever, and what was done.
    board
        What it runs on.

    Raises
    ------
    ValueError
        If the program was made for another core.
    """
    core, network = deployed.program.core.key, deployed.source.network
    if core != board.core:
        raise ValueError(f"{board.name} has core {board.core}, the program is for {core}")
    codes = examination.codes(network)[:PROVED_CLIPS]
    same = (deployed.run(codes) == network.run(codes)).reshape(len(codes), -1).all(1)
    profile = deployed.profile(codes[0])
    top1, loss = examination.judged(examination.right(network))
    return Lever(
        lever=lever,
        name=name,
        board=board,
        top1=top1,
        loss=loss,
        flash_bytes=deployed.flash_bytes,
        ram_bytes=deployed.program.ram_bytes + profile.stack_bytes,
        instructions=profile.instructions,
        cycles=profile.cycles,
        exact_clips=(int(same.sum()), len(same)),
    )


def table(levers: Sequence[Lever]) -> Table:
    """Return a row for each version; what is left open is not known for that core."""
    return Table([_row(lever) for lever in levers])


def _row(lever: Lever) -> dict[str, str]:
    open_value = "not known"
    latency, energy = lever.latency, lever.energy
    return {
        "lever": lever.lever,
        "version": lever.name,
        "board": f"{lever.board.name.partition(' (')[0]}, {lever.board.core}",
        "accuracy": lever.top1.describe("top1"),
        "lost": lever.loss.describe("top1"),
        "flash": f"{lever.flash_bytes:,} B",
        "RAM": f"{lever.ram_bytes:,} B",
        "instructions": f"{lever.instructions:,}",
        "latency": open_value if latency is None else latency.describe("latency_ms"),
        "energy": open_value if energy is None else energy.describe("energy_uj"),
        "exact": f"{lever.exact_clips[0]} of {lever.exact_clips[1]} clips",
    }


def points(levers: Sequence[Lever]) -> list[tuple[str, Result, Result]]:
    """Return name, instructions and accuracy of each version, for a Pareto picture."""
    return [(each.name, counted(each.instructions), each.top1) for each in levers]


def cycles_result(cycles: tuple[int, int]) -> Result:
    """Return estimated cycles, fewest and most, as a modelled result with their middle.

    Examples
    --------
    >>> cycles_result((4_000_000, 5_000_000)).describe("m4_cycles")
    '4,500,000 [4,000,000, 5,000,000]'
    """
    low, high = cycles
    return Result((low + high) / 2, low, high, n=1, kind="modelled")
