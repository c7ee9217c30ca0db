"""Phones on paper: how fast each computes and sends, and when it can be reached. All simulated.

Speeds are log-normal: most are alike, a few many times slower. Whether a phone is online is a chain
of two states, hour by hour, which turns on more easily at night; a phone that was online long runs
out of battery and charges. No number here is measured; each is an argument or a constant below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOUR_S = 3600.0
NIGHT = (22, 7)  # first hour at which phones come online easily, and the first at which not
STAY_ON, STAY_OFF = 0.7, 0.9  # from one hour to the next, by day; by night the other way round
SAMPLE_S = 1.0  # the median phone's time for a sample: of a network much larger than this lab's
BANDWIDTH_BYTES_PER_S = 1e3  # and its message's rate, slow for the same reason
FULL_HOURS = 10  # online without a break, after which a phone charges for one hour

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Fleet:
    """The clients' devices.

    Parameters
    ----------
    sample_s
        (clients,): time to train on one sample once [s].
    bandwidth_bytes_per_s
        (clients,), up; down takes no time here.
    online
        (clients, hours): whether a device can be reached; after the last hour it starts again.
    """

    sample_s: Floats
    bandwidth_bytes_per_s: Floats
    online: Flags

    def __len__(self) -> int:
        return len(self.sample_s)

    def is_online(self, clock_s: float) -> Flags:
        """Return who can be reached at a time [s] after the first midnight, (clients,)."""
        hour = int(clock_s // HOUR_S) % self.online.shape[1]
        return np.asarray(self.online[:, hour])

    def stays(self, client: int, *, from_s: float, to_s: float) -> bool:
        """Return whether a client is online in every hour that a span of time touches."""
        hours = np.arange(int(from_s // HOUR_S), int(to_s // HOUR_S) + 1) % self.online.shape[1]
        return bool(self.online[client, hours].all())

    def duration_s(self, client: int, *, samples: int, size_bytes: int) -> float:
        """Return how long a client needs to train and send [s].

        Parameters
        ----------
        client
            Its number.
        samples
            Trained on, those of all epochs together.
        size_bytes
            Of its message.
        """
        sending_s = size_bytes / self.bandwidth_bytes_per_s[client]
        return float(samples * self.sample_s[client] + sending_s)


def draw(clients: int, *, spread: float, seed: int, hours: int = 48) -> Fleet:
    """Return a fleet whose slow devices are slow at computing and at sending.

    Parameters
    ----------
    clients
        How many devices, >= 1.
    spread
        Standard deviation of the logarithm of the speed, >= 0; at 1 one device in six needs more
        than e = 2.7 times the median.
    seed
        Decides speeds and who is online when.
    hours
        Length of the trace of availability [h], >= 1.

    Raises
    ------
    ValueError
        If the spread is negative or not finite.

    Examples
    --------
    >>> fleet = draw(100, spread=1.0, seed=0)
    >>> bool(fleet.sample_s.max() > 5 * np.median(fleet.sample_s)), fleet.online.shape
    (True, (100, 48))
    """
    if not (spread >= 0 and np.isfinite(spread)):
        raise ValueError(f"spread is {spread:g}; give a finite number, 0 or more")
    rng = np.random.default_rng(seed)
    slowness = np.exp(rng.normal(0, spread, clients))
    own = np.exp(rng.normal(0, spread / 4, clients))  # a slow phone may still have good reception
    online = availability(clients, hours=hours, seed=seed)
    return Fleet(SAMPLE_S * slowness, BANDWIDTH_BYTES_PER_S / (slowness * own), online)


def availability(clients: int, *, hours: int, seed: int) -> Flags:
    """Return who is online in which hour after midnight, (clients, hours).

    Parameters
    ----------
    clients, hours
        How many, >= 1.
    seed
        Decides every change.

    Examples
    --------
    >>> online = availability(1000, hours=24, seed=0)
    >>> bool(online[:, 3].mean() > 2 * online[:, 15].mean())
    True
    """
    rng = np.random.default_rng((seed, 1))
    online = np.zeros((clients, hours), dtype=bool)
    is_on = rng.random(clients) < 0.5
    used_hours = np.zeros(clients)
    for hour in range(hours):
        is_night = hour % 24 >= NIGHT[0] or hour % 24 < NIGHT[1]
        stay_on, stay_off = (STAY_OFF, STAY_ON) if is_night else (STAY_ON, STAY_OFF)
        is_on = rng.random(clients) < np.where(is_on, stay_on, 1 - stay_off)
        is_on &= used_hours < FULL_HOURS
        used_hours = np.where(is_on, used_hours + 1, 0)
        online[:, hour] = is_on
    return online


def slowest_last(fleet: Fleet, rank: Sequence[float] | Floats) -> Fleet:
    """Return the fleet dealt anew: the client of the highest rank gets the slowest device.

    Who owns an old phone differs from others in more than the phone; this ties the two together.

    Parameters
    ----------
    fleet
        As many devices as ranks.
    rank
        (clients,), such as the mean class of each client's samples.
    """
    devices = np.empty(len(fleet), np.int64)
    devices[np.argsort(rank, kind="stable")] = np.argsort(fleet.sample_s, kind="stable")
    return Fleet(
        fleet.sample_s[devices], fleet.bandwidth_bytes_per_s[devices], fleet.online[devices]
    )
