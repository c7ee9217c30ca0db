"""Stand-ins for exercise 8.4: a queue as a running maximum, and gaps filled by arrays."""

import numpy as np
import numpy.typing as npt

__all__ = ["corrected", "scheduled_latency"]

Integers = npt.NDArray[np.int64]


def scheduled_latency(due_us: Integers, service_us: Integers) -> list[int]:
    """Return how long each request takes from the moment it is due.

    Parameters
    ----------
    due_us, service_us
        (n,) each [us]; due times ascend.
    """
    due, service = (np.asarray(x, dtype=np.int64) for x in (due_us, service_us))
    done = np.cumsum(service)
    # The last idle moment before a request decides when the busy stretch that holds it began.
    finish = done + np.maximum.accumulate(due - (done - service))
    return [int(x) for x in finish - due]


def corrected(latencies_us: Integers, interval_us: int) -> list[int]:
    """Return a record with the requests that a waiting tester left out, sorted.

    Parameters
    ----------
    latencies_us
        (n,) [us].
    interval_us
        Time between two requests that the tester meant to keep [us].
    """
    latencies = np.asarray(latencies_us, dtype=np.int64)
    missing = np.maximum(latencies // interval_us - 1, 0)
    back = np.concatenate([np.arange(count + 1) for count in missing])
    return [int(x) for x in np.sort(np.repeat(latencies, missing + 1) - interval_us * back)]
