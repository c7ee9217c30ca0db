"""What the parameters of this lab may be, asked before anything is loaded or trained."""

import math
from collections.abc import Mapping

from labs.shared.transformer import SIZES

RANGES: Mapping[str, tuple[float, float]] = {  # both ends are allowed
    "batch": (1, 65_536),
    "steps": (5, 100_000),
    "world_size": (1, 1_024),
    "bucket_kib": (1, 1_000_000),
    "planned_ranks": (8, 1_024),
    "repeats": (5, 10_000),
    "seed": (0, 2**31 - 1),
}


def check(*, size: str | None = None, **numbers: float) -> None:
    """Check parameters against what they may be.

    Parameters
    ----------
    size
        A name in `labs.shared.transformer.SIZES`.
    numbers
        By their names in the notebook.

    Raises
    ------
    ValueError
        Naming the first that is out of its range, its value and the range, or a batch that cannot
        be shared out evenly.

    Examples
    --------
    >>> check(size="tiny", batch=16, world_size=2)
    >>> check(batch=15, world_size=2)
    Traceback (most recent call last):
    ...
    ValueError: batch is 15 and world_size 2; give a batch that is a multiple of the ranks
    """
    if size is not None and size not in SIZES:
        raise ValueError(f"size is {size!r}; give one of {', '.join(SIZES)}")
    for name, value in numbers.items():
        low, high = RANGES[name]
        if not (math.isfinite(value) and low <= value <= high and value == int(value)):
            raise ValueError(f"{name} is {value}; give a whole number from {low:,} to {high:,}")
    batch, world_size = numbers.get("batch", 0), numbers.get("world_size", 1)
    if batch % world_size:
        raise ValueError(
            f"batch is {batch:g} and world_size {world_size:g}; "
            "give a batch that is a multiple of the ranks"
        )
