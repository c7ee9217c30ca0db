"""The open checks of exercise 3.11: round numbers, and which end of a range belongs to which."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

# Ten products and sums in float64 lose far less; a wrong constant, such as 365.25 days, loses more.
RELATIVE = 1e-11
POINT: dict[str, float] = {
    "device_s": 7200.0,
    "device_w": 500.0,
    "pue": 1.2,
    "sent_bytes": 5e9,
    "network_kwh_per_gb": 0.02,
    "g_per_kwh": 400.0,
    "embodied_kg": 1752.0,
    "lifetime_y": 4.0,
}


def judge_range(got: object, wanted: tuple[float, float], *, what: str) -> None:
    """Assert that an answer is two numbers, and the right ones."""
    assert isinstance(got, tuple | list | np.ndarray), f"{what}: return two numbers, low and high"
    assert len(got) == 2, f"{what}: return two numbers, low and high"
    for name, have, due in zip(("low", "high"), got, wanted, strict=True):
        is_number = isinstance(have, int | float | np.number) and not isinstance(have, bool)
        assert is_number, f"{what}: the {name} end should be a number"
        assert abs(float(have) - due) <= RELATIVE * abs(due), (
            f"{what}: the {name} end should be {due:.6g}, you have {float(have):.6g}"
        )


def ranges(**changed: tuple[float, float]) -> dict[str, Any]:
    """Return the inputs of the open case as ranges of one number, but for those that are given."""
    return {name: (value, value) for name, value in POINT.items()} | changed


@check(
    "3.11",
    sentence="The energy of the devices is time by power by PUE, that of the network bytes by "
    "kWh/GB; a GB has 10^9 bytes, and the PUE is the building's alone.",
)
def one_point(student: Student, rng: np.random.Generator) -> None:
    """Two hours of 500 W in a building of PUE 1.2, 5 GB, and 100 g of making the server."""
    got = student.training_carbon_g(**ranges())
    evidence.table(
        [
            {"part": "devices", "due [g]": 1.2 * 400},
            {"part": "network", "due [g]": 0.1 * 400},
            {"part": "making", "due [g]": 100},
            {"part": "all", "due [g]": 620, "yours": got},
        ]
    )
    judge_range(got, (620.0, 620.0), what="all inputs known")


@check(
    "3.11",
    sentence="The low end takes of each input the end that makes the result smaller, the high end "
    "the one that makes it larger.",
)
def unsure_of_the_grid(student: Student, rng: np.random.Generator) -> None:
    """Know all but the grid, from 100 to 400 g/kWh."""
    got = student.training_carbon_g(**ranges(g_per_kwh=(100.0, 400.0)))
    evidence.table([{"grid": "100 to 400", "due [g]": "230 to 620", "yours": got}])
    judge_range(got, (230.0, 620.0), what="a grid of 100 to 400 g/kWh")


@check(
    "3.11",
    sentence="The fewest rounds are those of the dearest round and the cheapest central training, "
    "the most those of the cheapest round and the dearest central training.",
)
def rounds_to_break_even(student: Student, rng: np.random.Generator) -> None:
    """Compare rounds of 1 to 5 g with a central training of 10 to 100 g."""
    got = student.break_even_rounds((1.0, 5.0), (10.0, 100.0))
    evidence.table([{"round": "1 to 5", "central": "10 to 100", "due": "2 to 100", "yours": got}])
    judge_range(got, (2.0, 100.0), what="rounds")
