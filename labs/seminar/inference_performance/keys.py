"""What the nodes of a compiled forest compare: floats, their ordered codes, or a few bits.

Each kind turns rows and thresholds into numbers of one C type, for a whole array at once. The
first two decide every row as scikit-learn does; the third may decide otherwise where a row's key
equals a threshold's. Nothing is compiled here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.trees import Tree

Float32s = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]
Name = Literal["float32", "codes", "small"]

DTYPES = {"float32": np.float32, "codes": np.int32, "small": np.uint8}
C_TYPES = {"float32": "float", "codes": "int32_t", "small": "uint8_t"}
NODE_BYTES = {"float32": 16, "codes": 16, "small": 8}
LINE_BYTES = 64


def float32_thresholds(thresholds: npt.NDArray[np.float64]) -> Float32s:
    """Return for each threshold the largest float32 that is not above it.

    Examples
    --------
    >>> float(float32_thresholds(np.array([0.1]))[0])
    0.09999999403953552
    """
    exact = np.asarray(thresholds, dtype=np.float64)
    with np.errstate(over="ignore"):  # beyond the largest float32 lies infinity
        near = exact.astype(np.float32)
        below = np.nextafter(near, np.float32(-np.inf))
    return np.asarray(np.where(near.astype(np.float64) > exact, below, near), dtype=np.float32)


def ordered_codes(numbers: npt.NDArray[Any]) -> Codes:
    """Return int32 that order as the numbers do, taken as float32; both zeros have the code 0.

    Raises
    ------
    ValueError
        If a number is NaN, which has no place in the order.

    Examples
    --------
    >>> ordered_codes(np.array([-1.0, -0.0, 0.0, 1.0]))
    array([-1065353216, 0, 0, 1065353216], dtype=int32)
    """
    with np.errstate(over="ignore"):
        given = np.ascontiguousarray(numbers, dtype=np.float32)
    _refuse_nan(given)
    bits = given.view(np.int32)
    return np.where(bits < 0, -(bits & np.int32(0x7FFFFFFF)), bits).reshape(np.shape(numbers))


def c_literal(key: Any) -> str:
    """Return a key as C writes it, exactly.

    Examples
    --------
    >>> c_literal(np.int64(-7)), c_literal(np.float32(2.5))
    ('-7', '0x1.4000000000000p+1f')
    """
    if not isinstance(key, float | np.floating):
        return str(int(key))
    return f"{float(key).hex()}f" if np.isfinite(key) else f"{'-' * bool(key < 0)}__builtin_inff()"


def _refuse_nan(numbers: npt.NDArray[Any]) -> None:
    if np.isnan(numbers).any():
        raise ValueError("a number is NaN; trees here have no missing values: fill them in first")


@dataclass(frozen=True)
class Keys:
    """A kind of numbers that nodes compare.

    Parameters
    ----------
    name
        ``"float32"``: rows as scikit-learn has them. ``"codes"``: their ordered codes, int32.
        ``"small"``: ``floor(number / step)``, uint8.
    step
        Of ``"small"`` alone: finite and > 0.

    Raises
    ------
    ValueError
        If there is no such kind, or it has no such step.

    Examples
    --------
    >>> Keys("small", 4.0).of_rows(np.array([[3.0, 9.0]]))
    array([[0, 2]], dtype=uint8)
    >>> Keys("codes").nodes_per_line, Keys("small", 4.0).nodes_per_line
    (4, 8)
    """

    name: Name = "codes"
    step: float | None = None

    def __post_init__(self) -> None:
        if self.name not in DTYPES:
            raise ValueError(f"keys are {self.name!r}, not one of: {', '.join(DTYPES)}")
        if (self.name == "small") != (self.step is not None):
            raise ValueError(f"keys {self.name!r} with a step of {self.step}; 'small' alone has it")
        if self.step is not None and not 0 < self.step < np.inf:
            raise ValueError(f"a step of {self.step}; give a finite number above 0")

    @property
    def dtype(self) -> npt.DTypeLike:
        """NumPy's type of a key."""
        return DTYPES[self.name]

    @property
    def c_type(self) -> str:
        """C's type of a key."""
        return C_TYPES[self.name]

    @property
    def node_bytes(self) -> int:
        """Bytes of a node with such a key in an array."""
        return NODE_BYTES[self.name]

    @property
    def nodes_per_line(self) -> int:
        """Nodes in a cache line of 64 bytes."""
        return LINE_BYTES // self.node_bytes

    def of_rows(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the keys of rows, of the same shape.

        Parameters
        ----------
        rows
            Numbers that scikit-learn would take; they become float32 first, as there.

        Raises
        ------
        ValueError
            If a number is NaN, or has no key.
        """
        if self.step is not None:
            return self._small(np.asarray(rows, dtype=np.float32), what="a row")
        if self.name == "codes":
            return ordered_codes(rows)
        with np.errstate(over="ignore"):
            given = np.ascontiguousarray(rows, dtype=np.float32)
        _refuse_nan(given)
        return given

    def of_thresholds(self, thresholds: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return the keys of thresholds: float32, or int64 that the type of the keys holds.

        Raises
        ------
        ValueError
            If a threshold is NaN, or has no key.
        """
        if self.step is not None:
            return self._small(np.asarray(thresholds), what="a threshold").astype(np.int64)
        near = float32_thresholds(thresholds)
        _refuse_nan(near)
        return near if self.name == "float32" else ordered_codes(near).astype(np.int64)

    def of_forest(self, forest: Sequence[Tree]) -> list[Tree]:
        """Return the same trees with keys as thresholds; those of leaves stay 0."""
        keyed = []
        for tree in forest:
            keys = self.of_thresholds(np.where(tree["feature"] < 0, 0.0, tree["threshold"]))
            changed: Tree = {**tree, "threshold": keys}
            keyed.append(changed)
        return keyed

    def _small(self, numbers: npt.NDArray[Any], *, what: str) -> npt.NDArray[np.uint8]:
        step = self.step or 1.0  # it has one here
        _refuse_nan(numbers)
        keys = np.floor(numbers.astype(np.float64) / step)
        if keys.size and not (keys.min() >= 0 and keys.max() <= 255):
            raise ValueError(
                f"{what} has keys from {keys.min():g} to {keys.max():g} at a step of {self.step:g};"
                " one byte holds 0 to 255: take a larger step, or shift the numbers"
            )
        return keys.astype(np.uint8)
