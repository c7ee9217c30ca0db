"""What a kernel writer hands over for one layer, and how names and numbers become C.

A writer turns a layer into `LayerCode`; `generator` puts the code of all layers into one file.
Kernels are written once as templates: `kernel` fills in the name and the sizes, as constants.
"""

import re
import string
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine.errors import LabError
from labs.mcu_compression.integer.layers import Layer, Tensor

C_TYPES = {
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
}
LINE = 100


class CodeError(LabError):
    """No exact C code can be written for a layer; the message names it and says why."""


@dataclass(frozen=True, eq=False)
class Table:
    """Constants in flash.

    Parameters
    ----------
    name
        A name in C.
    values
        At least one whole number, of a type in `C_TYPES`, which decides theirs.
    """

    name: str
    values: npt.NDArray[Any]

    @property
    def text(self) -> str:
        """The definition in C.

        Examples
        --------
        >>> print(Table("b2", np.array([[1, -7]], dtype=np.int32)).text)
        static const int32_t b2[2] __attribute__((aligned(4))) = {
          1, -7
        };
        <BLANKLINE>
        """
        kind = C_TYPES[self.values.dtype.name]
        flat = self.values.reshape(-1)
        numbers = textwrap.fill(
            ", ".join(map(str, flat.tolist())),
            LINE,
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        head = f"static const {kind} {self.name}[{flat.size}] __attribute__((aligned(4))) = {{"
        return f"{head}\n{numbers}\n}};\n"


@dataclass(frozen=True)
class LayerCode:
    """C code of one layer.

    Parameters
    ----------
    functions
        Name -> definition, those that others need before them; layers of one shape share a
        function, which is then written once.
    call
        The statement that runs the layer, with ``{x}`` (and ``{x1}`` for a second input), ``{y}``
        and ``{scratch}`` where the addresses go.
    tables
        Its constants.
    scratch_bytes
        Bytes that it needs while it runs, besides input and output; aligned to 4.
    is_in_place
        Whether its output may lie where its first input lies.
    """

    functions: Mapping[str, str]
    call: str
    tables: tuple[Table, ...] = ()
    scratch_bytes: int = 0
    is_in_place: bool = False


@dataclass(frozen=True)
class Place:
    """A layer with the tensors around it, as a writer sees it.

    Parameters
    ----------
    layer
        The layer.
    number
        Its position, for names of tables.
    inputs, output
        Its tensors.
    """

    layer: Layer
    number: int
    inputs: Sequence[Tensor] = field(default_factory=tuple)
    output: Tensor = field(default_factory=lambda: Tensor("", (), 1.0, 0))


Writer = Callable[[Place], LayerCode]


def weight_tables(place: Place, *, weights: npt.NDArray[Any] | None = None) -> tuple[Table, ...]:
    """Return the tables of a layer with weights: w, b, m and s with its number.

    Parameters
    ----------
    place
        Its layer has weights.
    weights
        In another order than the layer's.
    """
    layer: Any = place.layer
    number = place.number
    return (
        Table(f"w{number}", layer.weights if weights is None else weights),
        Table(f"b{number}", layer.biases.astype(np.int32)),
        Table(f"m{number}", layer.multipliers.astype(np.int32)),
        Table(f"s{number}", layer.shifts.astype(np.int8)),
    )


def kernel(template: str, name: str, *, sizes: Mapping[str, int], **texts: str) -> str:
    r"""Return the definition of a function from its template.

    Parameters
    ----------
    template
        C with ``$name`` and ``$sizes`` where name and constants go, and other ``$`` names.
    name
        Of the function.
    sizes
        Constants of its body, by their names in C; the compiler computes with them.
    texts
        For the other names of the template.

    Examples
    --------
    >>> text = "int $name(int a) {\n$sizes\n  return a * PLACES;\n}\n"
    >>> print(kernel(text, "times_3", sizes={"PLACES": 3}))
    int times_3(int a) {
      enum { PLACES = 3 };
      return a * PLACES;
    }
    <BLANKLINE>
    """
    constants = ", ".join(f"{key} = {value}" for key, value in sizes.items())
    wrapped = textwrap.fill(
        f"enum {{ {constants} }};".replace("= ", "=~").replace(" }", "~}"),
        LINE,
        initial_indent="  ",
        subsequent_indent=" " * 9,
    ).replace("~", " ")
    return string.Template(template).substitute(texts, name=name, sizes=wrapped)


def comment(text: str, *, indent: str = "") -> str:
    r"""Return a text as a comment in C, whatever is in it.

    Examples
    --------
    >>> print(comment("conv */ 1\nsecond line"), end="")
    /* conv * / 1 second line */
    """
    # Names come from files of others: no end of comment, line, trigraph or foreign alphabet.
    plain = " ".join(text.split()).encode("ascii", "replace").decode("ascii")
    plain = "".join(character if character.isprintable() else "?" for character in plain)
    safe = re.sub(r"\?(?=\?)|\*(?=/)|/(?=\*)", r"\g<0> ", plain.replace("\\", "/"))
    lines = textwrap.wrap(safe, LINE - len(indent) - 6, break_on_hyphens=False)
    return textwrap.indent("/* " + "\n   ".join(lines) + " */\n", indent)
