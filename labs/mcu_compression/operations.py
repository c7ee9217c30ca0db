"""What one operation costs in energy, by a published table, and what a device was seen to take.

The table holds for circuits of 45 nm at 0.9 V. It is the least that the arithmetic itself takes:
no instruction is fetched, no clock ticks, nothing leaks. Nothing is measured here, and a sum over
this table is no device's energy.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from course_utils.records import Result

SOURCE = "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014"
ENERGY_PJ: dict[str, float] = {  # picojoules, with the digits that the table prints
    "int8 add": 0.03,
    "int16 add": 0.05,
    "int32 add": 0.1,
    "float16 add": 0.4,
    "float32 add": 0.9,
    "int8 multiply": 0.2,
    "int32 multiply": 3.1,
    "float16 multiply": 1.1,
    "float32 multiply": 3.7,
    "32-bit read, SRAM": 5,  # of 8 KB, beside the arithmetic
    "32-bit read, DRAM": 640,  # a chip of its own
}
INT8_MAC = ("int8 multiply", "int32 add")  # products of int8 are added up in int32
FLOAT32_MAC = ("float32 multiply", "float32 add")
WORD_BYTES = 4  # of one read in the table
PJ_PER_UJ = 1e6

DEVICE = "STM32L4R5 microcontroller, Cortex-M4"
DEVICE_SOURCE = (
    "MLPerf Tiny v1.1, keyword spotting, Krai: NUCLEO-L4R5ZI with X-CUBE-AI "
    "(mlcommons/tiny_results_v1.1, closed/Krai)"
)
# One inference of DS-CNN at width 1, measured by those who submitted it; no interval is published.
DEVICE_INFERENCE_UJ = Result(5482.0, 5482.0, 5482.0, n=1, kind="assumed")


def rounding_pj(operation: str) -> float:
    """Return half a unit of the last digit that the table prints for an operation [pJ].

    Parameters
    ----------
    operation
        A key of `ENERGY_PJ`.

    Raises
    ------
    ValueError
        If the table has no such operation, naming those that it has.

    Examples
    --------
    >>> rounding_pj("int8 add"), rounding_pj("32-bit read, DRAM")
    (0.005, 0.5)
    """
    if operation not in ENERGY_PJ:
        raise ValueError(f"no operation {operation!r} in the table; it has {', '.join(ENERGY_PJ)}")
    exponent = Decimal(str(ENERGY_PJ[operation])).as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def modelled_uj(energy_uj: Callable[..., float], *operations: str) -> Result:
    """Return an energy that follows from entries of the table, as sure as their digits are.

    Parameters
    ----------
    energy_uj
        Takes the energy of each operation [pJ] and returns microjoules; rises with each.
    operations
        Keys of `ENERGY_PJ`.

    Returns
    -------
    Result
        Of kind ``modelled``. The interval is what the table's rounding allows: it says nothing
        about how far a device is from the table.

    Examples
    --------
    >>> mac = modelled_uj(lambda multiply, add: 1e6 * (multiply + add) / 1e6, *INT8_MAC)
    >>> mac.describe("energy_uj")
    '0.3 uJ [0.2, 0.4]'
    """
    half = [rounding_pj(operation) for operation in operations]
    table = [ENERGY_PJ[operation] for operation in operations]
    low = energy_uj(*(x - r for x, r in zip(table, half, strict=True)))
    high = energy_uj(*(x + r for x, r in zip(table, half, strict=True)))
    return Result(energy_uj(*table), low, high, n=1, kind="modelled")


def reading_uj(size_bytes: int, word_pj: float) -> float:
    """Return the energy of reading so many bytes once, in words of 32 bits [uJ].

    Parameters
    ----------
    size_bytes
        Bytes to read, >= 0; the last word may be partly used.
    word_pj
        Energy of one read of 32 bits [pJ].

    Examples
    --------
    >>> reading_uj(22_604, 640)  # 5,651 words
    3.61664
    """
    return -(-size_bytes // WORD_BYTES) * word_pj / PJ_PER_UJ


def lower_bounds_uj(
    arithmetic_uj: Callable[[int, float, float], float], *, macs: int, params: int
) -> dict[str, Result]:
    """Return what parts of one inference take by the table, each alone [uJ].

    Parameters
    ----------
    arithmetic_uj
        Takes MACs and the energies of a multiply and of an add [pJ].
    macs, params
        Multiply-accumulates of an inference, and parameters, >= 0.

    Examples
    --------
    >>> bounds = lower_bounds_uj(lambda n, m, a: n * (m + a) / 1e6, macs=1_000_000, params=4_000)
    >>> for name, result in bounds.items():
    ...     print(name, result.describe("energy_uj"))
    arithmetic in int8 0.3 uJ [0.2, 0.4]
    arithmetic in float32 4.6 uJ [4.5, 4.7]
    int8 weights read once, SRAM 0.005 uJ [0.0045, 0.0055]
    int8 weights read once, DRAM 0.64 uJ [0.639, 0.64]
    """
    bounds = {
        f"arithmetic in {name}": modelled_uj(partial(arithmetic_uj, macs), *pair)
        for name, pair in {"int8": INT8_MAC, "float32": FLOAT32_MAC}.items()
    }
    for memory in ("SRAM", "DRAM"):
        read = modelled_uj(partial(reading_uj, params), f"32-bit read, {memory}")
        bounds[f"int8 weights read once, {memory}"] = read
    return bounds


def ratio(above: Result, below: Result) -> Result:
    """Return how many times one modelled energy is another, with the interval of both.

    Examples
    --------
    >>> int8 = modelled_uj(lambda multiply, add: multiply + add, *INT8_MAC)
    >>> float32 = modelled_uj(lambda multiply, add: multiply + add, *FLOAT32_MAC)
    >>> ratio(float32, int8).describe("saving")
    '15.3 [11.2, 23.5]'
    """
    value, low, high = (
        above.value / below.value,
        above.low / below.high,
        above.high / below.low,
    )
    return Result(value, low, high, n=1, kind="modelled")
