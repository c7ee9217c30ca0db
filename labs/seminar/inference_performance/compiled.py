"""Forests as compiled code of this machine, called from Python.

Only texts that the project made, or functions that passed their checks, are to be compiled here:
nothing limits what the code does. Nothing is timed; rows are turned into keys outside of the calls
that a stopwatch would take.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.c_trees import ForestText
from labs.seminar.inference_performance.trees import Floats, Ints
from labs.shared.toolchain import HostLibrary


@dataclass(frozen=True, eq=False)
class CompiledForest:
    """A forest that was compiled; `compile_forests` makes it.

    Parameters
    ----------
    text
        What was compiled.
    functions
        The library with its functions.
    """

    text: ForestText
    functions: Any = field(repr=False)

    def scores(self, rows: npt.NDArray[Any]) -> Floats:
        """Return the scores (rows, classes): of double values bit for bit those of `trees.scores`.

        Parameters
        ----------
        rows
            (rows, features), as scikit-learn takes them.
        """
        coded = self.text.encode(rows)
        shift = self.text.shift
        kind = np.float64 if shift is None else np.int32
        found = np.empty((len(coded), self.text.classes), dtype=kind)
        function = self._function("forest_scores")
        for row, scores in zip(coded, found, strict=True):
            function(ctypes.c_void_p(row.ctypes.data), ctypes.c_void_p(scores.ctypes.data))
        return found if shift is None else np.ldexp(found.astype(float), -shift) / self.text.trees

    def classes(self, rows: npt.NDArray[Any]) -> Ints:
        """Return the number of each row's class."""
        return self.classes_of(self.text.encode(rows)).astype(np.int64)

    def classes_of(self, coded: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Return the number of each row's class, in one call for all rows: what to time.

        Parameters
        ----------
        coded
            From `ForestText.encode`, contiguous.

        Raises
        ------
        ValueError
            If it is not of that form.
        """
        wanted = (np.dtype(self.text.keys.dtype), self.text.features)
        if (coded.dtype, coded.shape[-1]) != wanted or not coded.flags.c_contiguous:
            raise ValueError(
                f"rows of {coded.dtype} and shape {coded.shape}; encode them first, to "
                f"contiguous {wanted[0]} (n, {wanted[1]})"
            )
        classes = np.empty(len(coded), dtype=np.int32)
        pointers = (ctypes.c_void_p(each.ctypes.data) for each in (coded, classes))
        rows, answers = pointers
        self._function("forest_classes")(rows, ctypes.c_int(len(coded)), answers)
        return classes

    def _function(self, name: str) -> Any:
        function = getattr(self.functions, f"{self.text.prefix}{name}")
        function.restype = None
        return function


def compile_forests(texts: Sequence[ForestText]) -> list[CompiledForest]:
    """Compile forests for this machine, all at once.

    Parameters
    ----------
    texts
        From `c_trees.forest_source`, each with a prefix of its own.

    Raises
    ------
    ValueError
        If two have the same prefix.
    CompilerError
        If a text does not compile.
    ExtraMissingError
        If there is no compiler.
    """
    if len({text.prefix for text in texts}) < len(texts):
        raise ValueError("two texts have the same prefix; give each another")
    functions = HostLibrary("\n".join(text.source for text in texts)).functions
    return [CompiledForest(text, functions) for text in texts]
