"""The hidden checks of exercise 3.11: the same sentences, other inputs."""

from itertools import product

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.carbon import POINT, judge_range

J_PER_KWH, S_PER_Y, BYTES_PER_GB, G_PER_KG = 3.6e6, 365 * 24 * 3600, 1e9, 1e3


def grams(at: dict[str, float]) -> float:
    """Return the grams at one point of the ranges, from the formula alone."""
    devices_kwh = at["device_s"] * at["device_w"] * at["pue"] / J_PER_KWH
    network_kwh = at["sent_bytes"] / BYTES_PER_GB * at["network_kwh_per_gb"]
    made_g = at["embodied_kg"] * G_PER_KG * at["device_s"] / (at["lifetime_y"] * S_PER_Y)
    return (devices_kwh + network_kwh) * at["g_per_kwh"] + made_g


def corners(ranges: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """Return the least and the most over all corners."""
    found = [grams(dict(zip(ranges, ends, strict=True))) for ends in product(*ranges.values())]
    return min(found), max(found)


def drawn(rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Return ranges around the open case in which every part counts."""
    return {
        name: (
            1 + (value - 1) * rng.uniform(0.4, 0.9)
            if name == "pue"
            else value * rng.uniform(0.4, 0.9),
            value * rng.uniform(1.1, 3),
        )
        for name, value in POINT.items()
    }


@check(
    "3.11",
    sentence="The energy of the devices is time by power by PUE, that of the network bytes by "
    "kWh/GB; a GB has 10^9 bytes, and the PUE is the building's alone.",
)
def other_points(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        at = {name: high for name, (_, high) in drawn(rng).items()}
        got = student.training_carbon_g(**{name: (x, x) for name, x in at.items()})
        judge_range(got, (grams(at), grams(at)), what="all inputs known")


@check(
    "3.11",
    sentence="Of making the devices counts the share of their lifetime in which they trained; a "
    "year has 365 days.",
)
def making_alone(student: Student, rng: np.random.Generator) -> None:
    ranges = {name: (0.0, 0.0) for name in POINT} | {
        "pue": (1.0, 1.0),
        "device_s": (3600.0, 7200.0),
        "embodied_kg": (33.0, 44.0),
        "lifetime_y": (3.0, 7.0),
    }
    judge_range(student.training_carbon_g(**ranges), corners(ranges), what="a device without power")


@check(
    "3.11",
    sentence="The low end takes of each input the end that makes the result smaller, the high end "
    "the one that makes it larger.",
)
def unsure_of_everything(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        ranges = drawn(rng)
        judge_range(student.training_carbon_g(**ranges), corners(ranges), what="all inputs unsure")


@check(
    "3.11",
    sentence="The fewest rounds are those of the dearest round and the cheapest central training, "
    "the most those of the cheapest round and the dearest central training.",
)
def other_rounds(student: Student, rng: np.random.Generator) -> None:
    round_g = sorted(rng.uniform(0.01, 2, 2).tolist())
    central_g = sorted(rng.uniform(1, 500, 2).tolist())
    wanted = central_g[0] / round_g[1], central_g[1] / round_g[0]
    got = student.break_even_rounds(tuple(round_g), tuple(central_g))
    judge_range(got, wanted, what="rounds")
