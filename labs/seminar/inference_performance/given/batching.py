"""Stand-in for exercise 6.5: rows that join the last batch, or open the next."""

import numpy as np
import numpy.typing as npt

__all__ = ["batched_latencies"]


def batched_latencies(
    arrivals_s: npt.ArrayLike,
    overhead_s: float,
    work_s: float,
    most: int,
) -> list[float]:
    """Return the latency of each row [s], in the order of arrival.

    Parameters
    ----------
    arrivals_s
        (n,), ascending [s].
    overhead_s, work_s
        What a batch takes, and what each of its rows adds [s].
    most
        Rows of a batch, >= 1.
    """
    arrivals = np.asarray(arrivals_s, dtype=np.float64).tolist()
    starts: list[float] = []
    sizes: list[int] = []
    for arrived in arrivals:
        if starts and arrived <= starts[-1] and sizes[-1] < most:
            sizes[-1] += 1
            continue
        free_s = starts[-1] + overhead_s + sizes[-1] * work_s if starts else arrived
        starts.append(max(free_s, arrived))
        sizes.append(1)
    ends = np.array(starts) + overhead_s + np.array(sizes) * work_s
    latencies = np.repeat(ends, sizes) - arrivals
    return [float(x) for x in latencies]
