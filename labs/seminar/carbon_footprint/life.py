"""A model's whole life: training split into its causes, serving, and both per unit of work.

The split is that of Luccioni and others for BLOOM; the rate is the Software Carbon Intensity of the
Green Software Foundation, ISO/IEC 21031:2024. Inputs are plain numbers; ranges are in `ranges`.
"""

import math
from collections.abc import Mapping

from course_utils import carbon, units

H_PER_Y = 365 * 24


def split_t(
    run: Mapping[str, float], machine: Mapping[str, float], *, g_per_kwh: float
) -> dict[str, float]:
    """Return the carbon of a training run by cause [t].

    Parameters
    ----------
    run
        ``dynamic_kwh``, ``idle_kwh`` and ``gpu_h``, as `bloom.RUN`.
    machine
        ``server_kg``, ``gpu_kg``, ``gpus``, ``lifetime_y`` and ``utilisation``, as
        `bloom.MACHINE`: the hours that make up for the making are those in use.
    g_per_kwh
        Of the grid.
    """
    used_h = machine["lifetime_y"] * H_PER_Y * machine["utilisation"]
    made_kg_per_h = (machine["gpu_kg"] + machine["server_kg"] / machine["gpus"]) / used_h
    kilograms = {
        "dynamic": run["dynamic_kwh"] * g_per_kwh / units.G_PER_KG,
        "idle": run["idle_kwh"] * g_per_kwh / units.G_PER_KG,
        "embodied": run["gpu_h"] * made_kg_per_h,
    }
    return {cause: kg / 1000 for cause, kg in kilograms.items()}


def matching_requests(training_g: float, request_g: float) -> int:
    """Return how many requests emit as much as the training did, rounded up.

    Parameters
    ----------
    training_g, request_g
        Of the training and of one request, above 0 [g].

    Examples
    --------
    >>> matching_requests(10.0, 4.0)
    3
    """
    return math.ceil(training_g / request_g)


def intensity_g(
    machine: Mapping[str, float],
    use: Mapping[str, float],
    *,
    g_per_kwh: float,
    functional_units: float,
) -> float:
    """Return the Software Carbon Intensity, ``(O + M) per R`` [g per unit].

    Parameters
    ----------
    machine
        ``busy_w`` and ``idle_w`` of the whole machine, ``embodied_kg``, ``lifetime_y`` and its
        ``units``: cores, accelerators, whatever is reserved one by one.
    use
        ``used_h`` of the ``reserved_h``, and how many ``units`` were reserved.
    g_per_kwh
        Of the place; contracts do not count.
    functional_units
        R, above 0.

    Raises
    ------
    ValueError
        If more hours are used than reserved.

    Examples
    --------
    The golden example of the specification: 1000 kg, 4 years, 1 hour.

    >>> machine = dict(busy_w=0, idle_w=0, embodied_kg=1000, lifetime_y=4, units=1)
    >>> hour = dict(used_h=1, reserved_h=1, units=1)
    >>> round(intensity_g(machine, hour, g_per_kwh=0, functional_units=1), 1)
    28.5
    """
    waiting_h = use["reserved_h"] - use["used_h"]
    if waiting_h < 0:
        raise ValueError(f"{use['used_h']} h used of {use['reserved_h']} h reserved; reserve more")
    share = use["units"] / machine["units"]
    energy_kwh = (use["used_h"] * machine["busy_w"] + waiting_h * machine["idle_w"]) / 1000
    made_g = carbon.embodied_share_g(
        machine["embodied_kg"],
        used_s=use["reserved_h"] * units.S_PER_H,
        lifetime_y=machine["lifetime_y"],
        resource_share=share,
    )
    return (share * energy_kwh * g_per_kwh + made_g) / functional_units
