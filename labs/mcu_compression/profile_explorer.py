"""Where the instructions of a network go: by function, layer or class, for each stage and core.

What it leaves in the notebook is an ordinary picture with its text; the choices below it appear
only where a front end answers. Each choice is generated, compiled and emulated anew, once; a core
that cannot run a stage is said so. Counts are exact, cycles an estimate without wait states.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy.typing as npt

from course_utils import plots
from labs.engine.errors import LabError
from labs.mcu_compression import bench
from labs.mcu_compression.bench import Deployed
from labs.mcu_compression.c_code.stages import STAGES
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.shared.instructions import Profile
from labs.shared.sliders import show_with_sliders
from labs.shared.toolchain import CORES

MOVED = "loads and stores"
VIEWS = ("function", "layer", "class", MOVED)
MOST_BARS = 10
LETTERS = 34  # of a function's name; the rest of it is in the text of the picture


@dataclass(frozen=True, repr=False)
class ProfileExplorer:
    """Instructions of one clip, by function, layer or class, or the words it loads and stores.

    Parameters
    ----------
    network
        In whole numbers.
    codes
        One clip of input codes, int8.
    stage, core, view
        What is shown first; one of `STAGES`, of the cores and of `VIEWS`.
    deploy
        ``deploy(network, stage, core=core)``.

    Raises
    ------
    ValueError
        If there is no such stage, core or view, naming those that there are.
    """

    network: IntegerNetwork
    codes: npt.ArrayLike = field(repr=False)
    stage: str = "naive"
    core: str = "m4"
    view: str = "function"
    deploy: Callable[..., Deployed] = bench.deploy
    _found: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Refuse a choice that there is not."""
        for name, options in (("stage", tuple(STAGES)), ("core", tuple(CORES)), ("view", VIEWS)):
            if (value := getattr(self, name)) not in options:
                raise ValueError(f"{name} is {value!r}; give one of {', '.join(options)}")

    def counts(self, stage: str, core: str, *, view: str) -> dict[str, int]:
        """Return name -> count for a clip with a `stage` on a `core`, by `view`, most first.

        Layers stay in their order. Loads and stores are words and parts of words.

        Raises
        ------
        LabError
            If the core cannot run the stage, or there is no compiler.
        """
        deployed, profile = self._deployed(stage, core)
        if view == "layer":
            key = (stage, f"{core} by layer")
            if key not in self._found:
                self._found[key] = deployed.profile_by_layer(self.codes)
            return dict(self._found[key])
        if view == MOVED:
            return {"loads": profile.loads, "stores": profile.stores}
        counts = profile.by_class if view == "class" else profile.by_function
        return dict(sorted(counts.items(), key=lambda each: -each[1]))

    @mpl.rc_context(plots.STYLE)
    def picture(self, stage: str, core: str, *, view: str) -> plots.Picture:
        """Return bars of `counts` with a `stage` on a `core`, by `view`; the title has the sums."""
        name = f"{stage} on {CORES[core].title}"
        try:
            counts, profile = self.counts(stage, core, view=view), self._deployed(stage, core)[1]
        except LabError as err:
            return _refusal(name, str(err))
        figure, axes = plots.new_figure(data=f"{self.network.name}; counted, {name}", wide=True)
        shown = _shortened(counts) if view in ("function", "class") else counts
        total = sum(counts.values())
        for place, (each, look) in enumerate(zip(shown.items(), _looks(len(shown)), strict=True)):
            axes.barh(place, each[1] / 1e6, 0.7, **look)
            text = f"{each[1]:,}  ({each[1] / total:.0%})"
            at = (each[1] / 1e6, place)
            axes.annotate(text, at, (4, 0), textcoords="offset points", va="center", size=7)
        axes.set_yticks(range(len(shown)), [_cut(each) for each in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlim(0, 1.25 * max(shown.values()) / 1e6)
        axes.grid(visible=False, axis="y")
        counted = "words or parts of words" if view == MOVED else "instructions"
        axes.set_xlabel(f"{counted} of a clip [million]")
        title = f"{name}: {_said(profile)}"
        axes.set_title(title, loc="left", weight="bold")
        told = "; ".join(f"{each} {count:,}" for each, count in counts.items())
        return plots.show(figure, alt=f"{title}. {counted.capitalize()} by {view}: {told}.")

    def _deployed(self, stage: str, core: str) -> tuple[Deployed, Profile]:
        if (stage, core) not in self._found:
            deployed = self.deploy(self.network, stage, core=core)
            self._found[stage, core] = deployed, deployed.profile(self.codes)
        found: tuple[Deployed, Profile] = self._found[stage, core]
        return found

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            stage=("Dropdown", self.stage, tuple(STAGES)),
            core=("Dropdown", self.core, tuple(CORES)),
            view=("Dropdown", self.view, VIEWS),
        )


def _said(profile: Profile) -> str:
    """Return instructions and cycles in a few words."""
    text = f"{profile.instructions:,} instructions"
    if profile.cycles is None:
        return f"{text}, cycles not known"
    low, high = (f"{x / 1e6:.2f}" for x in profile.cycles)
    return f"{text}, {low} to {high} M cycles estimated"


def _shortened(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the largest counts and, where there are more, the sum of the others."""
    if len(counts) <= MOST_BARS:
        return dict(counts)
    names = list(counts)
    shown = {name: counts[name] for name in names[: MOST_BARS - 1]}
    rest = names[MOST_BARS - 1 :]
    return shown | {f"{len(rest)} others": sum(counts[name] for name in rest)}


def _cut(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 3]}..."


def _looks(count: int) -> list[dict[str, Any]]:
    return [plots.FACES[0]] + [{"fc": "0.85", "ec": "black", "lw": 0.6}] * (count - 1)


@mpl.rc_context(plots.STYLE)
def _refusal(name: str, reason: str) -> plots.Picture:
    """Return an empty picture that says why there is nothing to draw."""
    figure, axes = plots.new_figure(wide=True)
    axes.set_axis_off()
    axes.set_title(f"{name}: not possible", loc="left", weight="bold")
    axes.text(0.0, 0.8, reason, wrap=True, va="top", transform=axes.transAxes)
    return plots.show(figure, alt=f"{name}: not possible. {reason}")
