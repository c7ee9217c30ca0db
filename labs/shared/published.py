"""What others measured on boards for the keyword-spotting network of MLPerf Tiny, with sources.

Each is the network of `networks.ds_cnn` at width 1 in int8, on silicon, with wait states. They
stand beside what an emulator counts, which knows no wait states: a lower estimate there is no
faster program. Nothing is measured here.
"""

from dataclasses import dataclass

from course_utils import units
from course_utils.records import Result
from labs.shared.boards import BOARDS, Board

V05 = "mlcommons/tiny_results_v0.5, closed/reference/results/Nucleo-L4R5ZI/kws"
V10 = "mlcommons/tiny_results_v1.0, closed"
V11 = "mlcommons/tiny_results_v1.1, closed/Krai/results/README.md"


@dataclass(frozen=True)
class Published:
    """A published measurement.

    Parameters
    ----------
    stack
        The software that ran the network, with its version.
    board_key
        Of the board in `boards.BOARDS`.
    inferences_per_s
        As published [1/s].
    source
        Where.
    energy_uj
        Of one inference [uJ], or None where none was published.
    conditions
        What was published about supply and settings.
    """

    stack: str
    board_key: str
    inferences_per_s: float
    source: str
    energy_uj: float | None = None
    conditions: str = ""

    @property
    def board(self) -> Board:
        """The board that it ran on."""
        return BOARDS[self.board_key]

    @property
    def latency(self) -> Result:
        """Time of one inference [ms]; published without an interval."""
        value = units.MS_PER_S / self.inferences_per_s
        return Result(value, value, value, n=1, kind="assumed")

    @property
    def cycles(self) -> float:
        """Cycles of one inference at the board's clock, wait states among them."""
        return self.board.clock_hz / self.inferences_per_s

    @property
    def energy(self) -> Result | None:
        """Energy of one inference [uJ], or None; published without an interval."""
        if self.energy_uj is None:
            return None
        return Result(self.energy_uj, self.energy_uj, self.energy_uj, n=1, kind="assumed")


PUBLISHED = (
    Published("TFLite Micro 2.3.1, reference kernels", "stm32l4r5", 5.497, V05),
    Published("microTVM, native", "stm32l4r5", 6.943, V11),
    Published("microTVM with CMSIS-NN", "stm32l4r5", 10.019, V11),
    Published(
        "X-CUBE-AI 7.3.0",
        "stm32l4r5",
        13.314,
        f"{V10}/STMicroelectronics, the run that measured energy",
        energy_uj=3371.738,
        conditions="at 1.8 V, both banks of the flash",
    ),
    Published("X-CUBE-AI 8.0.0", "stm32l4r5", 13.759, V11, energy_uj=5481.633),
    Published("microTVM with CMSIS-NN", "nrf5340", 13.074, V11),
    Published("Plumerai inference engine", "stm32f746", 52.288, f"{V10}/plumerai"),
    Published(
        "X-CUBE-AI 7.3.0",
        "stm32h7a3",
        59.782,
        f"{V10}/STMicroelectronics, the run that measured energy",
        energy_uj=2721.781,
        conditions="at 3.3 V with SMPS",
    ),
    Published("X-CUBE-AI 8.0.0", "stm32h7a3", 60.988, V11, energy_uj=2362.103),
)


def rows() -> list[dict[str, str]]:
    """Return the measurements as rows of a table.

    Examples
    --------
    >>> rows()[0]["cycles"], rows()[0]["latency"]
    ('21.8 M', '182 ms')
    """
    return [
        {
            "stack": each.stack,
            "board": each.board.name,
            "latency": each.latency.describe("latency_ms"),
            "cycles": f"{each.cycles / 1e6:.1f} M",
            "energy": each.energy.describe("energy_uj") if each.energy else "",
            "source": each.source,
        }
        for each in PUBLISHED
    ]
