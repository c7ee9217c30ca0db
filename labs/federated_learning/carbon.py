"""What a training run may have emitted, as ranges: devices, network, and making the devices.

Every input is a `Spread`: published ends with their source, or ends that this course assumes and
says so. Between them nothing is more likely than anything else, so there is no mean and no
confidence. What a run computed and sent comes from the notebook; how it becomes grams is decided in
exercise 3.11. Not counted: making the network, the server that averages, and screens.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from course_utils import carbon, plots, records

Pair = tuple[float, float]
CarbonOf = Callable[..., Pair]


@dataclass(frozen=True)
class Spread:
    """Two ends of a number that nobody knows better.

    Parameters
    ----------
    low, high
        0 <= low <= high.
    source
        Who says so, and for which year; or that it is assumed.

    Raises
    ------
    ValueError
        If the ends are not in this order, or not finite.

    Examples
    --------
    >>> print(Spread(1, 5, "assumed"))
    1 to 5 (assumed)
    """

    low: float
    high: float
    source: str

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        if not (0 <= self.low <= self.high < math.inf):
            raise ValueError(f"a range from {self.low} to {self.high}; give 0 <= low <= high")

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} ({self.source})"

    @property
    def pair(self) -> Pair:
        """Both ends."""
        return self.low, self.high


NETWORK_KWH_PER_GB = Spread(
    0.0064,
    0.12,
    "the least in the review of Coroama and Hilty 2014; mobile networks in Finland 2021, Traficom",
)
WIDEST_KWH_PER_GB = Spread(
    0.0064, 136, "estimates of a decade, some with end devices: Coroama and Hilty 2014"
)
PUE = Spread(
    1.07, 1.58, "large operators 2011, Data Center Knowledge; mean of 2023, Uptime Institute"
)
NO_BUILDING = Spread(1, 1, "a phone on a table is not cooled")
PHONE_W = Spread(1, 5, "assumed: a phone that trains, without its screen")
PHONE_KG = Spread(33, 44, "Fairphone 2, three quarters or all of its 43.9 kg: Fraunhofer IZM 2016")
PHONE_Y = Spread(3, 7, "lives compared for Fairphone 3: Fraunhofer IZM 2020")
SERVER_W = Spread(200, 1000, "assumed: a server with or without an accelerator")
SERVER_KG = Spread(1000, 3000, "assumed")
SERVER_Y = Spread(4, 6, "assumed")
DEVICES: Mapping[str, Mapping[str, Spread]] = {
    "phone": {
        "device_w": PHONE_W,
        "pue": NO_BUILDING,
        "embodied_kg": PHONE_KG,
        "lifetime_y": PHONE_Y,
    },
    "server": {
        "device_w": SERVER_W,
        "pue": PUE,
        "embodied_kg": SERVER_KG,
        "lifetime_y": SERVER_Y,
    },
}


def grid(*countries: str) -> Spread:
    """Return the range of the carbon intensity over some countries [gCO2e/kWh].

    Parameters
    ----------
    countries
        Codes of three letters, one at least; see `course_utils.carbon.grid_intensity`.

    Examples
    --------
    >>> grid("SWE", "POL").low < 100 < grid("SWE", "POL").high
    True
    """
    found = [carbon.grid_intensity(country) for country in countries]
    ends = [each.g_per_kwh for each in found]
    names = ", ".join(each.name for each in found)
    return Spread(min(ends), max(ends), f"{names}: {found[0].year}, {found[0].source}")


def inputs(device: str, *, device_s: Pair, sent_bytes: float, g_per_kwh: Spread) -> dict[str, Pair]:
    """Return what exercise 3.11 asks for, for a training run on a kind of device.

    Parameters
    ----------
    device
        ``phone`` or ``server``.
    device_s
        Time that devices trained, all together [s].
    sent_bytes
        By and to all devices [B]; counted, so both ends are the same.
    g_per_kwh
        Of the grid that devices and network draw from.

    Raises
    ------
    ValueError
        If the device is neither.
    """
    if device not in DEVICES:
        raise ValueError(f"device is {device!r}; give one of {', '.join(DEVICES)}")
    spreads = {**DEVICES[device], "network_kwh_per_gb": NETWORK_KWH_PER_GB, "g_per_kwh": g_per_kwh}
    pairs = {name: spread.pair for name, spread in spreads.items()}
    return {"device_s": device_s, "sent_bytes": (sent_bytes, sent_bytes), **pairs}


def result(pair: Pair) -> records.Result:
    """Return a range as a modelled result; its value is the geometric middle, no estimate.

    Examples
    --------
    >>> result((1.0, 100.0))
    Result(value=10.0, low=1.0, high=100.0, n=1, kind='modelled')
    """
    low, high = map(float, pair)
    middle = min(max(math.sqrt(low * high), low), high)
    return records.Result(middle, low, high, n=1, kind="modelled")


def over_network(
    carbon_of: CarbonOf, known: Mapping[str, Pair], *, kwh_per_gb: Sequence[float]
) -> list[tuple[float, records.Result]]:
    """Return the range for each of some network intensities, all else as known.

    Parameters
    ----------
    carbon_of
        As exercise 3.11 asks for it.
    known
        From `inputs`.
    kwh_per_gb
        Network intensities [kWh/GB].
    """
    return [
        (each, result(carbon_of(**{**known, "network_kwh_per_gb": (each, each)})))
        for each in kwh_per_gb
    ]


def draw(
    axes: Axes, series: Mapping[str, Sequence[tuple[float, records.Result]]], *, title: str
) -> plots.Rows:
    """Draw ranges over the intensity of the network as bands, both axes logarithmic.

    Parameters
    ----------
    axes
        Where.
    series
        From `over_network`, by name.
    title
        What the figure shows.
    """
    axes.set_xscale("log")
    axes.set_yscale("log")
    return plots.learning_curve(
        axes, series, x_label="network [kWh/GB]", y_label="carbon [gCO2e]", title=title
    )
