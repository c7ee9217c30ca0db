"""The stages of the C code, from plain loops to the fastest: what each does to a network.

A stage joins what is done to the network (passes) and how C is written for it (a writer). Each pass
can be left out, to see what it brings, as far as the kernels of the stage can do without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from labs.mcu_compression.c_code import fast, layout, loops, simd
from labs.mcu_compression.c_code.code import Writer
from labs.mcu_compression.integer.passes import Pass, fold_zero_points

IN_PLACE = "in_place"  # the pass of the memory plan, which makes no new network


@dataclass(frozen=True)
class Stage:
    """One way to make C of a network.

    Parameters
    ----------
    key, title
        Such as ``naive``, and what is new, in a few words.
    passes
        What is done to the network first.
    write
        Makes the code of a layer.
    prelude
        What the file begins with.
    needs_dsp
        Whether it needs the SIMD instructions of M4, M7 and M33.
    is_in_place
        Whether layers may write over what they read.
    needs
        Those of its passes without which its kernels would compute something else.
    """

    key: str
    title: str
    passes: Sequence[Pass]
    write: Writer
    prelude: str
    needs_dsp: bool = False
    is_in_place: bool = False
    needs: Sequence[Pass] = ()

    @property
    def switches(self) -> tuple[str, ...]:
        """Names of the passes that it applies, that of the memory plan last."""
        names = tuple(each.__name__ for each in self.passes)
        return (*names, IN_PLACE) if self.is_in_place else names


STAGES = {
    stage.key: stage
    for stage in (
        Stage("naive", "generic loops, 64-bit requantisation", (), loops.write, loops.PRELUDE),
        Stage(
            "layout",
            "constant sizes, inner loops that walk through memory",
            (fold_zero_points,),
            layout.write,
            layout.PRELUDE,
        ),
        Stage(
            "simd",
            "two products in one instruction, blocks of two places and two channels",
            (fold_zero_points,),
            simd.write,
            simd.PRELUDE,
            needs_dsp=True,
            needs=(fold_zero_points,),
        ),
        Stage(
            "fast",
            "two channels in one half-word, in place, short requantisation",
            (fold_zero_points,),
            fast.write,
            fast.PRELUDE,
            needs_dsp=True,
            is_in_place=True,
            needs=(fold_zero_points,),
        ),
    )
}
PASSES = (fold_zero_points.__name__, IN_PLACE)
