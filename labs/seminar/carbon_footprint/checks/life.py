"""The open checks of exercises 4.6 and 4.7: break-even as a range, and the life of a model."""

import math
from typing import Any

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.carbon_footprint import bloom
from labs.seminar.carbon_footprint.checks.electricity import judge_number

H_PER_Y = 8736
CAUSES = ("dynamic", "idle", "embodied")
RUN = {"dynamic_kwh": 1000.0, "idle_kwh": 500.0, "gpu_h": 7446.0}
MACHINE = {
    "server_kg": 2400.0,
    "gpu_kg": 100.0,
    "gpus": 8,
    "lifetime_y": 5.0,
    "utilisation": 0.85,
}


def judge_range(got: object, want: tuple[float, float], *, what: str) -> None:
    """Assert that an answer is the earliest and the latest time."""
    assert isinstance(got, tuple | list | np.ndarray), f"{what}: return earliest and latest"
    assert len(got) == 2, f"{what}: return earliest and latest, you have {len(got)} numbers"
    for name, have, due in zip(("earliest", "latest"), got, want, strict=True):
        judge_number(have, due, what=f"{what}: the {name} year")


def judge_split(got: object, want: dict[str, float]) -> None:
    """Assert that an answer is tonnes by cause."""
    assert isinstance(got, dict), f"return a dictionary, tonnes by cause; you have {got!r:.40}"
    assert set(got) == set(want), f"the causes should be {sorted(want)}, you have {sorted(got)}"
    for cause, due in want.items():
        judge_number(got[cause], due, what=f"tonnes of {cause}")


@check(
    "4.6",
    sentence="A year has 8,736 hours, and each watt that is saved saves its energy times the grid.",
)
def without_doubt(student: Student, rng: np.random.Generator) -> None:
    """Know everything: 1000 W saved at 100 g/kWh are 873.6 kg a year."""
    got = student.break_even_y((436.8, 436.8), (1500.0, 1500.0), (500.0, 500.0), (100.0, 100.0))
    evidence.table([{"made [kg]": 436.8, "saved a year [kg]": 873.6, "due [y]": 0.5, "yours": got}])
    judge_range(got, (0.5, 0.5), what="all inputs known")


@check(
    "4.6",
    sentence="The earliest year takes of each range the end that helps the new hardware, the "
    "latest the end that hurts it.",
)
def unsure_of_all(student: Student, rng: np.random.Generator) -> None:
    """Know ranges: the picture shows the corners between which the answer lies."""
    made, old, new, grid = (436.8, 873.6), (1500.0, 2000.0), (500.0, 1000.0), (100.0, 200.0)
    got = student.break_even_y(made, old, new, grid)
    want = (436.8 / (1.5 * H_PER_Y * 0.2), 873.6 / (0.5 * H_PER_Y * 0.1))
    figure, axes = plots.new_figure()
    for name, kg, saved_w, g, look in (
        ("best corner", made[0], 1500, 200, "-"),
        ("worst corner", made[1], 500, 100, "--"),
    ):
        years = np.array([0.0, 2.5])
        axes.plot(years, saved_w / 1000 * H_PER_Y * g / 1000 * years - kg, look, label=name)
    axes.axhline(0, color="black", linewidth=0.6)
    title = "Break-even is where a line crosses 0"
    axes.set(xlabel="time [years]", ylabel="saved less made [kgCO2e]", title=title)
    axes.legend()
    evidence.picture(figure, alt="Two lines that cross zero early and late: the ends of the range.")
    judge_range(got, want, what="ranges")


@check(
    "4.6",
    sentence="Where nothing is saved the year is infinite, `math.inf`.",
)
def perhaps_never(student: Student, rng: np.random.Generator) -> None:
    """Let the new hardware draw more at worst."""
    got = student.break_even_y((436.8, 436.8), (900.0, 1500.0), (500.0, 1000.0), (100.0, 100.0))
    judge_range(got, (0.5, math.inf), what="new hardware that may draw more")


@check("4.7", sentence="Electricity is energy times the grid, in tonnes; idle energy counts.")
def tonnes_of_electricity(student: Student, rng: np.random.Generator) -> None:
    """Take 1000 kWh of work and 500 kWh of waiting at 100 g/kWh."""
    got = student.training_split_t(RUN, MACHINE, 100.0)
    want = {"dynamic": 0.1, "idle": 0.05, "embodied": 7446 * 400 / (5 * 8760 * 0.85) / 1000}
    evidence.table([{"cause": cause, "due [t]": want[cause]} for cause in CAUSES])
    evidence.table([{"yours": got}])
    judge_split(got, want)


@check(
    "4.7",
    sentence="A GPU hour carries its GPU and its part of the server, spread over the hours of the "
    "lifetime in which the machine is used.",
)
def published_split(student: Student, rng: np.random.Generator) -> None:
    """Take BLOOM: 24.7, 14.6 and 11.2 t were published."""
    got: Any = student.training_split_t(dict(bloom.RUN), dict(bloom.MACHINE), bloom.G_PER_KWH)
    evidence.table([{"published [t]": dict(bloom.PUBLISHED_T), "yours": got}])
    made = 1_082_990 * (150 + 2500 / 8) / (6 * 8760 * 0.85) / 1000
    judge_split(got, {"dynamic": 24.692172, "idle": 14.628822, "embodied": made})


@check(
    "4.7",
    sentence="The answer is the smallest whole number of requests that emit at least as much.",
)
def requests_of_a_small_model(student: Student, rng: np.random.Generator) -> None:
    """Match 10 g with requests of 4 g: two are too few."""
    got = student.requests_to_match(10.0, 4.0)
    judge_number(got, 3.0, what="requests of 4 g that match 10 g")
