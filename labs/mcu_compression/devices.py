"""Three microcontrollers, their memories, and whether a network finds room in them.

Only weights (in flash) and activations (in RAM) are compared. Code, stack and the buffers of a
microphone come on top, so one that fits may still be too large; kernels that work in place need
less memory for activations than their input and output together. Nothing is run here.
"""

from dataclasses import dataclass

from course_utils.units import KI
from labs.shared.boards import BOARDS


@dataclass(frozen=True)
class Device:
    """A microcontroller: its memories [B], and as source the data sheet that says so."""

    name: str
    flash_bytes: int
    ram_bytes: int
    source: str


def _device(name: str, key: str) -> Device:
    board = BOARDS[key]
    return Device(name, board.flash_bytes, board.ram_bytes, board.sources["memory"])


DEVICES = (
    Device("ATmega328P (Arduino Uno)", 32 * KI, 2 * KI, "Microchip data sheet DS40002061"),
    _device("STM32F103C8 (Cortex-M3)", "stm32f103"),
    _device("STM32L4R5ZI (Cortex-M4)", "stm32l4r5"),
)


def fit(weights: int, activations: int, *, bytes_each: int) -> list[dict[str, str]]:
    """Return for each device whether weights and activations find room, as rows of a table.

    Parameters
    ----------
    weights, activations
        How many there are, >= 0; of activations the most that are held at a time.
    bytes_each
        Bytes of each number: 4 for float32, 1 for int8.

    Examples
    --------
    >>> [row["fits"] for row in fit(22_604, 16_000, bytes_each=4)]
    ['no: flash and RAM', 'no: flash and RAM', 'yes']
    """
    needed = {"flash": weights * bytes_each, "RAM": activations * bytes_each}
    return [_row(device, needed) for device in DEVICES]


def _row(device: Device, needed: dict[str, int]) -> dict[str, str]:
    there = {"flash": device.flash_bytes, "RAM": device.ram_bytes}
    short = [memory for memory in there if needed[memory] > there[memory]]
    shares = {
        memory: f"{needed[memory] / there[memory]:.0%} of {there[memory]:,} B" for memory in there
    }
    return {
        "device": device.name,
        **shares,
        "fits": f"no: {' and '.join(short)}" if short else "yes",
    }
