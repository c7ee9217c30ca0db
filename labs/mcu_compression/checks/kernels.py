"""Open checks of a pointwise layer in C, exercise 1.11, and what those of 1.12 share with them."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student, apart
from labs.mcu_compression.pointwise import Pointwise, draw, explain

BENCH = "labs.mcu_compression.kernel_bench"
SHOWN = 4


def text_of(student: Student, layer: Pointwise) -> str:
    """Ask for the C text of a layer."""
    places, inputs, outputs = layer.sizes
    return as_text(student.pointwise_source(places, inputs, outputs, layer.x_zero, layer.y_zero))


def as_text(got: Any) -> str:
    """Check that an answer is a text."""
    assert isinstance(got, str), f"return the C text as one str, you have {evidence.brief(got)}"
    return got


def tried(student: Student, text: str, *, layer: Pointwise) -> dict[str, Any]:
    """Let a text run, and check that it does."""
    found = apart(student, f"{BENCH}:run_pointwise", source=text, arrays=layer.arrays)
    assert "error" not in found, found["error"]
    return dict(found)


def assert_exact(found: dict[str, Any], layer: Pointwise) -> None:
    """Compare the codes of a kernel with the reference's; a usual mistake is named."""
    want, got = layer.codes(), found["y"]
    is_off = want != got
    if not is_off.any():
        return
    place, output = (int(at) for at in np.argwhere(is_off)[0])
    sizes = "{} places, {} inputs, {} outputs".format(*layer.sizes)
    hint = explain(layer, got)
    raise AssertionError(
        f"{sizes}, x_zero {layer.x_zero}, y_zero {layer.y_zero}: the code of place {place}, output "
        f"{output} is {want[place, output]}, you have {got[place, output]}; "
        f"{is_off.sum()} of {is_off.size} differ{': ' if hint else ''}{hint}"
    )


def assert_in_place(found: dict[str, Any]) -> None:
    """Check that all of y was written and nothing else."""
    strays, untouched = found["strays"], found["untouched"]
    assert not strays, f"you write where y is not: {strays}"
    assert not untouched, f"{untouched} of {found['y'].size} codes of y are never written"


def show_codes(found: dict[str, Any], layer: Pointwise) -> None:
    """Show the first codes beside those of the reference."""
    want, got = layer.codes(), found["y"]
    places = [divmod(at, want.shape[1]) for at in range(min(SHOWN, want.size))]
    evidence.table(
        [
            {
                "place": place,
                "output": output,
                "sum": int(layer.sums[place, output]),
                "code": int(want[place, output]),
                "yours": int(got[place, output]),
            }
            for place, output in places
        ]
    )


def by_hand() -> Pointwise:
    """Return the layer of the exercise's example, with a second place."""
    return Pointwise(
        x=np.array([[3, -2], [-128, 127]], dtype=np.int8),
        w=np.array([[5, 7], [-5, 1]], dtype=np.int8),
        b=np.array([2, 0], dtype=np.int32),
        m=np.array([2**30, 2**30], dtype=np.int32),
        s=np.array([-1, -1], dtype=np.int8),
        x_zero=-1,
        y_zero=-10,
    )


@check(
    "1.11", sentence="The text is C that compiles, and `pointwise` is in it as above.", weight=0.5
)
def compiles(student: Student, rng: np.random.Generator) -> None:
    """Compile the example of the exercise and call it."""
    tried(student, text_of(student, by_hand()), layer=by_hand())


@check("1.11", sentence="Each sum begins with b[o] and runs over x[p * inputs + k] - x_zero.")
def example(student: Student, rng: np.random.Generator) -> None:
    """Work out the example of the exercise: sums 15 and -21 become codes -6 and -15."""
    layer = by_hand()
    found = tried(student, text_of(student, layer), layer=layer)
    show_codes(found, layer)
    assert_exact(found, layer)


@check("1.11", sentence="Every code equals the reference's, bit for bit, whatever the numbers are.")
def random_layer(student: Student, rng: np.random.Generator) -> None:
    """Draw a layer with as many places as a hand has fingers."""
    layer = draw(rng, (5, 6, 4), x_zero=-128, y_zero=-9)
    assert_exact(tried(student, text_of(student, layer), layer=layer), layer)


@check("1.11", sentence="All of y is written, and nothing else.", weight=0.5)
def writes_y_alone(student: Student, rng: np.random.Generator) -> None:
    """Look through the memory after the call."""
    layer = draw(rng, (5, 6, 4), x_zero=-128, y_zero=-9)
    assert_in_place(tried(student, text_of(student, layer), layer=layer))


@check("1.11", sentence="Equal arguments give equal texts.", weight=0.25)
def same_text(student: Student, rng: np.random.Generator) -> None:
    """Ask twice for one text."""
    first, second = (text_of(student, by_hand()) for _ in range(2))
    assert first == second, "two calls with equal arguments give two different texts"
    tried(student, first, layer=by_hand())
