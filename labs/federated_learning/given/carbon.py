"""Stand-ins for the functions of exercise 3.11: every corner of the ranges is tried."""

from itertools import product

from course_utils import carbon, units

__all__ = ["break_even_rounds", "training_carbon_g"]
Pair = tuple[float, float]


def training_carbon_g(**ranges: Pair) -> Pair:
    """Return the least and the most that a training run may have emitted [gCO2e].

    Parameters
    ----------
    ranges
        Low and high of each input of exercise 3.11, by name.
    """
    corners = [_one(**dict(zip(ranges, ends, strict=True))) for ends in product(*ranges.values())]
    return min(corners), max(corners)


def break_even_rounds(round_g: Pair, central_g: Pair) -> Pair:
    """Return the fewest and the most rounds that emit as much as central training.

    Parameters
    ----------
    round_g
        Low and high of a round, > 0 [gCO2e].
    central_g
        Low and high of central training [gCO2e].
    """
    corners = [central / each for central, each in product(central_g, round_g)]
    return min(corners), max(corners)


def _one(
    *, device_s: float, sent_bytes: float, g_per_kwh: float, embodied_kg: float, **rest: float
) -> float:
    network_j = sent_bytes / units.BYTES_PER_GB * rest["network_kwh_per_gb"] * units.J_PER_KWH
    devices_j = device_s * rest["device_w"]
    made_g = carbon.embodied_share_g(embodied_kg, used_s=device_s, lifetime_y=rest["lifetime_y"])
    devices_g = carbon.operational_carbon_g(devices_j, g_per_kwh, pue=rest["pue"])
    return devices_g + carbon.operational_carbon_g(network_j, g_per_kwh) + made_g
