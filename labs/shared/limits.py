"""What parameters of a notebook may be, asked before anything is loaded, trained or measured."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """What the parameters of one lab may be.

    Parameters
    ----------
    ranges
        Lowest and highest value of each number, both allowed.
    fractions
        Names among them that need not be whole.
    choices
        The texts that each of the others may be.

    Examples
    --------
    >>> limits = Limits({"trees": (1, 128)}, choices={"layout": ("native", "framed")})
    >>> limits.check(trees=32, layout="framed")
    >>> limits.check(trees=0)
    Traceback (most recent call last):
    ...
    ValueError: trees is 0; give a whole number from 1 to 128
    """

    ranges: Mapping[str, tuple[float, float]]
    fractions: Collection[str] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def check(self, **values: str | float) -> None:
        """Check values by their names in the notebook.

        Raises
        ------
        ValueError
            Naming the first that is none of its choices or out of its range, and what it may be.
        """
        for name, value in values.items():
            if name in self.choices:
                if value not in self.choices[name]:
                    known = ", ".join(self.choices[name])
                    raise ValueError(f"{name} is {value!r}; give one of {known}")
                continue
            low, high = self.ranges[name]
            number = float(value)
            is_whole = name in self.fractions or number.is_integer()
            if not (math.isfinite(number) and low <= number <= high and is_whole):
                kind = "number" if name in self.fractions else "whole number"
                raise ValueError(f"{name} is {number:g}; give a {kind} from {low:g} to {high:g}")
