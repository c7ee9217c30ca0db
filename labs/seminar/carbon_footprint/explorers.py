"""Two explorers with sliders: a year of a board by country, and when a new board pays back.

What they leave in the notebook is an ordinary picture with its text. Everything is modelled.
"""

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np

from course_utils import plots
from course_utils.records import Result
from labs.seminar.carbon_footprint import boards, comparing, ranges, replacement, tables
from labs.shared.sliders import show_with_sliders

COUNTRIES = tuple(tables.MAPS_G_PER_KWH)
LONGEST_Y = 20.0
BASES = ("equal hours", "equal work")


def running_pair_kg(board: boards.Board, country: str, *, utilisation: float) -> ranges.Pair:
    """Return the carbon of running a board for a year, by either source of the grid [kg].

    Parameters
    ----------
    board
        One of `boards.BOARDS`.
    country
        Code of three letters.
    utilisation
        Share of its power range that is in use, 0 to 1.
    """
    energy_kwh = board.power_w(utilisation) / 1000 * boards.H_PER_Y
    low, high = (energy_kwh * each / 1000 for each in tables.grid_ends(country))
    return low, high


@dataclass(frozen=True, repr=False)
class YearExplorer:
    """A year of every board as bars: running it, and its share of the making.

    Parameters
    ----------
    country
        What is shown first, as are the others.
    lifetime_y
        Years that the making is spread over.
    utilisation
        From 0 to 1.
    """

    country: str = "DEU"
    lifetime_y: float = 4.0
    utilisation: float = 0.75

    def __post_init__(self) -> None:
        """Refuse a lifetime that nothing can be spread over."""
        if not self.lifetime_y > 0:
            raise ValueError(f"lifetime_y is {self.lifetime_y}; give more than 0")

    def bars(
        self, country: str, lifetime_y: float, *, utilisation: float
    ) -> dict[str, dict[str, Result]]:
        """Return the parts of each board's bar [kg].

        `country`, `lifetime_y` and `utilisation` are those of the sliders.
        """
        found = {}
        for name, board in boards.BOARDS.items():
            running = running_pair_kg(board, country, utilisation=utilisation)
            low, high = (kg / lifetime_y for kg in comparing.making_pair_kg(board))
            found[name] = {"running": ranges.result(running), "making": ranges.result((low, high))}
        return found

    @mpl.rc_context(plots.STYLE)
    def picture(self, country: str, lifetime_y: float, *, utilisation: float) -> plots.Picture:
        """Return the bars, with the range of the share of making in the title.

        `country`, `lifetime_y` and `utilisation` are those of the sliders.
        """
        bars = self.bars(country, lifetime_y, utilisation=utilisation)
        shares = [
            end
            for bar in bars.values()
            for end in (
                bar["making"].low / (bar["making"].low + bar["running"].high),
                bar["making"].high / (bar["making"].high + bar["running"].low),
            )
        ]
        title = (
            f"{country}, {lifetime_y:g} years, {utilisation:.0%} busy: making is "
            f"{min(shares):.1%} to {max(shares):.1%} of a board's year"
        )
        figure, axes = plots.new_figure(wide=True)
        plots.stacked_breakdown(axes, bars, x_label="carbon of a year [kgCO2e]", title=title)
        told = "; ".join(
            f"{name} {sum(part.value for part in bar.values()):.0f} kg"
            for name, bar in bars.items()
        )
        return plots.show(figure, alt=f"{title}. Middles: {told}.")

    def _ipython_display_(self) -> None:
        show_with_sliders(
            self.picture,
            country=("Dropdown", self.country, COUNTRIES),
            lifetime_y=("FloatSlider", self.lifetime_y, (1.0, 10.0, 0.5)),
            utilisation=("FloatSlider", self.utilisation, (0.0, 1.0, 0.05)),
        )


@dataclass(frozen=True, repr=False)
class PaybackExplorer:
    """What a new board has saved over the years, less its making, by either source of the grid.

    Both boards draw from the same grid and are equally busy, so only the making is left as a band.

    Parameters
    ----------
    old, new
        Names in `boards.BOARDS`.
    country
        Code of three letters.
    utilisation
        Of both, from 0 to 1.
    basis
        ``equal hours``, or ``equal work`` where a new board stands for as many old ones as its data
        sheet says.
    """

    old: str = "V100"
    new: str = "A100-PCIe"
    country: str = "DEU"
    utilisation: float = 0.75
    basis: str = BASES[0]

    def lines(
        self, old: str, new: str, *, country: str, utilisation: float, basis: str
    ) -> dict[str, list[tuple[float, Result]]]:
        """Return what is saved less what was made over the years [kg], by source of the grid.

        `old`, `new`, `country`, `utilisation` and `basis` are those of the sliders.
        """
        saved_w = _saved_w(old, new, utilisation=utilisation, basis=basis)
        least, most = comparing.making_pair_kg(boards.BOARDS[new])
        latest_y = replacement.payback_y(most, saved_w, g_per_kwh=tables.grid_ends(country)[0])
        years = np.linspace(0, min(LONGEST_Y, 2 * latest_y), 41).tolist()
        found = {}
        for source in tables.grid_sources(country):
            if source.basis == "location":
                yearly_kg = saved_w / 1000 * boards.H_PER_Y * source.g_per_kwh / 1000
                found[f"{source.name} {source.year}"] = [
                    (year, _between(year * yearly_kg - most, year * yearly_kg - least))
                    for year in years
                ]
        return found

    @mpl.rc_context(plots.STYLE)
    def picture(
        self, old: str, new: str, *, country: str, utilisation: float, basis: str
    ) -> plots.Picture:
        """Return the bands; the title says when they cross zero.

        `old`, `new`, `country`, `utilisation` and `basis` are those of the sliders.
        """
        lines = self.lines(old, new, country=country, utilisation=utilisation, basis=basis)
        saved_w = _saved_w(old, new, utilisation=utilisation, basis=basis)
        made, grids = comparing.making_pair_kg(boards.BOARDS[new]), tables.grid_ends(country)
        early, late = (
            replacement.payback_y(kg, saved_w, g_per_kwh=grid)
            for kg, grid in zip(made, reversed(grids), strict=True)
        )
        when = f"pays back after {early:.2g} to {late:.2g} years"
        when = when if saved_w > 0 else "never pays back"
        title = f"{country}, {utilisation:.0%} busy, {basis}: {new} for {old} {when}"
        figure, axes = plots.new_figure(wide=True)
        axes.axhline(0, color="black", linewidth=0.6)
        plots.learning_curve(
            axes, lines, x_label="time [years]", y_label="saved less made [kgCO2e]", title=title
        )
        return plots.show(figure, alt=f"{title}. Bands that start below 0 with the making.")

    def _ipython_display_(self) -> None:
        names = tuple(boards.BOARDS)
        show_with_sliders(
            self.picture,
            old=("Dropdown", self.old, names),
            new=("Dropdown", self.new, names),
            country=("Dropdown", self.country, COUNTRIES),
            utilisation=("FloatSlider", self.utilisation, (0.0, 1.0, 0.05)),
            basis=("Dropdown", self.basis, BASES),
        )


def _saved_w(old: str, new: str, *, utilisation: float, basis: str) -> float:
    kept, bought = boards.BOARDS[old], boards.BOARDS[new]
    work = bought.fp32_tflops / kept.fp32_tflops if basis == BASES[1] else 1.0
    return work * kept.power_w(utilisation) - bought.power_w(utilisation)


def _between(low: float, high: float) -> Result:
    return Result((low + high) / 2, low, high, n=1, kind="modelled")
