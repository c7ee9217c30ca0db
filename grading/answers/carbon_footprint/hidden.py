"""The hidden checks of the lab on carbon: the same sentences, other inputs."""

import math
from typing import Any

import numpy as np

from labs.engine.checks import check, raises
from labs.engine.student import Student
from labs.seminar.carbon_footprint.checks.electricity import judge_ends, judge_number
from labs.seminar.carbon_footprint.checks.life import judge_range, judge_split
from labs.seminar.carbon_footprint.checks.making import judge_board, judge_kinds


def _sources(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Return sources in any order with intensities that are all different."""
    grams = rng.permutation(np.linspace(20, 900, count) + rng.uniform(0, 5)).tolist()
    return [
        {
            "name": f"Source {chr(65 + int(rng.integers(26)))}{number}",
            "year": int(rng.integers(2015, 2026)),
            "g_per_kwh": grams[number],
            "basis": "location",
        }
        for number in range(count)
    ]


def _ends(it_kwh: float, pue: float, sources: list[dict[str, Any]]) -> list[tuple[float, str]]:
    rows = sorted(
        (it_kwh * pue * each["g_per_kwh"], f"{each['name']} {each['year']}") for each in sources
    )
    return [rows[0], rows[-1]]


@check("4.1", sentence="The building draws the energy of the computers times the PUE.")
def other_buildings(student: Student, rng: np.random.Generator) -> None:
    for pue in (1.0, float(rng.uniform(1.02, 1.8)), float(rng.uniform(2.1, 3.0))):
        sources, it_kwh = _sources(rng, 3), float(rng.uniform(1, 1000))
        low, high = _ends(it_kwh, pue, sources)
        judge_ends(student.operational_g(it_kwh, pue, sources), low, high=high)


@check("4.1", sentence="The label is name and year with a space between them, such as `Map 2024`.")
def more_sources(student: Student, rng: np.random.Generator) -> None:
    for count in (1, 2, 6):
        sources = _sources(rng, count)
        low, high = _ends(5.0, 1.1, sources)
        judge_ends(student.operational_g(5.0, 1.1, sources), low, high=high)


@check(
    "4.1",
    sentence="Only sources with the basis `location` count; a contract (`market`) changes no grid.",
)
def contracts(student: Student, rng: np.random.Generator) -> None:
    sources = _sources(rng, 3)
    contract = {"name": "Contract", "year": 2024, "basis": "market"}
    for grams in (0.0, float(rng.uniform(1000, 2000))):
        low, high = _ends(7.0, 1.3, sources)
        offered = [{**contract, "g_per_kwh": grams}, *sources]
        judge_ends(student.operational_g(7.0, 1.3, offered), low, high=high)


@check("4.1", sentence="A PUE below 1 or a list in which nothing counts raises a `ValueError`.")
def impossible_buildings(student: Student, rng: np.random.Generator) -> None:
    for pue in (0.0, float(rng.uniform(0.1, 0.9)), 0.999):
        with raises("ValueError"):
            student.operational_g(1.0, pue, _sources(rng, 2))
    with raises("ValueError"):
        student.operational_g(1.0, 1.2, [])


def _process(rng: np.random.Generator) -> dict[str, float]:
    gpa99 = float(rng.uniform(100, 300))
    return {
        "epa_kwh_per_cm2": float(rng.uniform(0.8, 4)),
        "gpa95_g_per_cm2": gpa99 + float(rng.uniform(50, 250)),
        "gpa99_g_per_cm2": gpa99,
    }


def _logic(area_mm2: float, process: dict[str, float], fab: dict[str, Any]) -> float:
    share = {95: 1.0, 97: 0.5, 99: 0.0}[fab["abatement"]]
    gases = share * process["gpa95_g_per_cm2"] + (1 - share) * process["gpa99_g_per_cm2"]
    per_cm2 = fab["fab_g_per_kwh"] * process["epa_kwh_per_cm2"] + gases + 500
    return area_mm2 * per_cm2 / (100 * fab["fab_yield"]) + 150 * fab["packages"]


def _fab(rng: np.random.Generator, **fixed: Any) -> dict[str, Any]:
    return {
        "fab_g_per_kwh": float(rng.uniform(10, 900)),
        "abatement": int(rng.choice([95, 97, 99])),
        "fab_yield": float(rng.uniform(0.4, 0.95)),
        "packages": int(rng.integers(1, 20)),
    } | fixed


@check(
    "4.2",
    sentence="A square centimetre costs the fab's energy times its grid, its gases, and 500 g of "
    "materials.",
)
def other_processes(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        process, fab, area_mm2 = _process(rng), _fab(rng), float(rng.uniform(20, 900))
        got = student.logic_g(area_mm2, process, **fab)
        judge_number(got, _logic(area_mm2, process, fab), what=f"a die of {area_mm2:.0f} mm2")


@check("4.2", sentence="With an abatement of 97 the gases are the mean of those with 95 and 99.")
def all_abatements(student: Student, rng: np.random.Generator) -> None:
    for abatement in (95, 97, 99):
        process, fab = _process(rng), _fab(rng, abatement=abatement)
        got = student.logic_g(100.0, process, **fab)
        judge_number(got, _logic(100.0, process, fab), what=f"an abatement of {abatement}")


@check(
    "4.2",
    sentence="The die pays for the scrap: its area, in cm2, is divided by the yield.",
)
def poor_yields(student: Student, rng: np.random.Generator) -> None:
    process = _process(rng)
    for fab_yield in (0.1, 0.5, 1.0):
        fab = _fab(rng, fab_yield=fab_yield, packages=0)
        got = student.logic_g(600.0, process, **fab)
        judge_number(got, _logic(600.0, process, fab), what=f"a yield of {fab_yield}")


@check("4.2", sentence="Each package adds 150 g, whatever the yield.")
def packages_alone(student: Student, rng: np.random.Generator) -> None:
    for packages in (0, 1, 13):
        fab = _fab(rng, packages=packages)
        got = student.logic_g(0.0, _process(rng), **fab)
        judge_number(got, 150.0 * packages, what=f"{packages} packages without a die")


def _parts(rng: np.random.Generator, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    parts = []
    for kind in kinds:
        size = (
            {"area_cm2": float(rng.uniform(1, 9)), "g_per_cm2": float(rng.uniform(800, 3000))}
            if kind == "logic"
            else {
                "capacity_gb": float(rng.uniform(4, 4000)),
                "g_per_gb": float(rng.uniform(5, 600)),
            }
        )
        parts.append(
            {
                "name": f"part {len(parts)}",
                "kind": kind,
                "count": int(rng.integers(2, 9)),
                "packages": int(rng.integers(2, 20)),
                "yield": float(rng.uniform(0.5, 0.95)),
                **size,
            }
        )
    return parts


def _bill(parts: list[dict[str, Any]], memory_yield: bool) -> dict[str, float]:
    want = dict.fromkeys([part["kind"] for part in parts], 0.0)
    want["packages"] = sum(150.0 * part["count"] * part["packages"] for part in parts)
    for part in parts:
        if part["kind"] == "logic":
            made = part["area_cm2"] * part["g_per_cm2"] / part["yield"]
        else:
            made = part["capacity_gb"] * part["g_per_gb"]
            made /= part["yield"] if memory_yield else 1
        want[part["kind"]] += part["count"] * made
    return want


@check("4.3", sentence="Every part is there `count` times, and so are its packages, at 150 g each.")
def several_of_a_kind(student: Student, rng: np.random.Generator) -> None:
    parts = _parts(rng, ("DRAM", "logic", "flash", "DRAM", "logic", "flash"))
    judge_kinds(student.bill_g(parts), _bill(parts, True))


@check(
    "4.3",
    sentence="Logic costs area times grams, memory capacity times grams, both divided by the "
    "yield.",
)
def one_kind_only(student: Student, rng: np.random.Generator) -> None:
    for kinds in (("logic",), ("flash", "flash")):
        parts = _parts(rng, kinds)
        judge_kinds(student.bill_g(parts), _bill(parts, True))


@check(
    "4.3",
    sentence="With `memory_yield=False` memory is not divided by its yield; logic still is.",
)
def without_the_yield_of_memory(student: Student, rng: np.random.Generator) -> None:
    parts = _parts(rng, ("logic", "DRAM", "flash", "logic"))
    judge_kinds(student.bill_g(parts, memory_yield=False), _bill(parts, False))


@check(
    "4.3",
    sentence="The answer holds the grams of each kind, without packages, and under `packages` "
    "those of all.",
)
def packages_stand_alone(student: Student, rng: np.random.Generator) -> None:
    parts = [{**part, "packages": 1, "count": 1} for part in _parts(rng, ("logic", "DRAM"))]
    judge_kinds(student.bill_g(parts), _bill(parts, True))


def _die(rng: np.random.Generator) -> dict[str, float]:
    return {
        "area_cm2": float(rng.uniform(1, 16)),
        "epa_kwh_per_cm2": float(rng.uniform(0.9, 3)),
        "gpa_kg_per_cm2": float(rng.uniform(0.1, 0.4)),
    }


def _memory(rng: np.random.Generator, stacks: int) -> dict[str, float]:
    return {
        "gb": float(rng.uniform(8, 200)),
        "kg_per_gb": float(rng.uniform(0.2, 0.4)),
        "stacks": stacks,
    }


def _judge(student: Student, rng: np.random.Generator, *, dies: int, stacks: int) -> None:
    die, memory = _die(rng), _memory(rng, stacks)
    per_cm2 = 0.486 * die["epa_kwh_per_cm2"] + die["gpa_kg_per_cm2"] + 0.5
    die_kg = die["area_cm2"] * per_cm2 * math.exp(0.1 * die["area_cm2"] / dies)
    memory_kg = memory["gb"] * memory["kg_per_gb"] * 0.95**-stacks
    judge_board(student.board_kg(die, memory, dies), die_kg, memory_kg=memory_kg)


@check(
    "4.4",
    sentence="A square centimetre costs 0.486 kg for each kWh of the fab, its gases, and 0.5 kg of "
    "materials.",
)
def other_dies(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        _judge(student, rng, dies=1, stacks=1)


@check(
    "4.4",
    sentence="Several dies share the area equally and are tested one by one, so the yield is that "
    "of one of them.",
)
def more_dies(student: Student, rng: np.random.Generator) -> None:
    for dies in (2, 3, 4):
        _judge(student, rng, dies=dies, stacks=2)


@check(
    "4.4",
    sentence="A board has its memory only if every stack is good: divide by 0.95 for each of them.",
)
def more_stacks(student: Student, rng: np.random.Generator) -> None:
    for stacks in (1, 5, 12):
        _judge(student, rng, dies=1, stacks=stacks)


def _machine(rng: np.random.Generator, units: int) -> dict[str, float]:
    idle_w = float(rng.uniform(20, 200))
    return {
        "busy_w": idle_w + float(rng.uniform(50, 800)),
        "idle_w": idle_w,
        "embodied_kg": float(rng.uniform(200, 3000)),
        "lifetime_y": float(rng.uniform(2, 8)),
        "units": units,
    }


def _judge_sci(
    student: Student,
    machine: dict[str, float],
    use: dict[str, float],
    *,
    g_per_kwh: float,
    per: float,
) -> None:
    kwh = (
        machine["busy_w"] * use["used_h"] + machine["idle_w"] * (use["reserved_h"] - use["used_h"])
    ) / 1000
    made_g = 1000 * machine["embodied_kg"] * use["reserved_h"] / (8760 * machine["lifetime_y"])
    want = (kwh * g_per_kwh + made_g) * use["units"] / machine["units"] / per
    got = student.sci_g(machine, use, g_per_kwh=g_per_kwh, functional_units=per)
    what = f"{use['used_h']:.3g} of {use['reserved_h']:.3g} h, {use['units']} of {machine['units']}"
    judge_number(got, want, what=f"{what} units")


@check("4.5", sentence="Of both, the share of the units that were reserved counts.")
def part_of_a_machine(student: Student, rng: np.random.Generator) -> None:
    for reserved in (1, 3, 8):
        machine, hours = _machine(rng, 8), sorted(rng.uniform(1, 500, 2).tolist())
        use = {"used_h": hours[0], "reserved_h": hours[1], "units": reserved}
        grid, per = float(rng.uniform(20, 900)), float(rng.uniform(2, 1e5))
        _judge_sci(student, machine, use, g_per_kwh=grid, per=per)


@check("4.5", sentence="Reserved hours that are not used draw the idle power, and they count.")
def electricity_alone(student: Student, rng: np.random.Generator) -> None:
    machine = {**_machine(rng, 2), "embodied_kg": 0.0}
    for used_h in (0.0, 3.0, 24.0):
        use = {"used_h": used_h, "reserved_h": 24.0, "units": 1}
        _judge_sci(student, machine, use, g_per_kwh=250.0, per=3.0)


@check(
    "4.5",
    sentence="Making counts by the reserved hours over those of the lifetime; a year has 8,760.",
)
def making_alone(student: Student, rng: np.random.Generator) -> None:
    for _ in range(2):
        hours = sorted(rng.uniform(1, 500, 2).tolist())
        use = {"used_h": hours[0], "reserved_h": hours[1], "units": 1}
        _judge_sci(student, _machine(rng, 4), use, g_per_kwh=0.0, per=2.0)


@check("4.5", sentence="More hours used than reserved raise a `ValueError`.")
def used_for_longer(student: Student, rng: np.random.Generator) -> None:
    reserved_h = float(rng.uniform(2, 9))
    for longer_h in (0.25, 0.9, 5.0):
        use = {"used_h": reserved_h + longer_h, "reserved_h": reserved_h, "units": 1}
        with raises("ValueError"):
            student.sci_g(_machine(rng, 1), use, g_per_kwh=100.0, functional_units=1.0)


def _years(kg: float, saved_w: float, grid: float) -> float:
    return kg / (saved_w * 8.736e-3 * grid / 1000) / 1000 if saved_w > 0 else math.inf


def _judge_years(
    student: Student, ends: list[tuple[float, float]], *, work: float, what: str
) -> None:
    made, old, new, grid = ends
    want = (
        _years(made[0], work * old[1] - new[0], grid[1]),
        _years(made[1], work * old[0] - new[1], grid[0]),
    )
    judge_range(student.break_even_y(made, old, new, grid, work), want, what=what)


def _pair(rng: np.random.Generator, low: float, high: float) -> tuple[float, float]:
    first, second = sorted(rng.uniform(low, high, 2).tolist())
    return first, second


@check(
    "4.6",
    sentence="The earliest year takes of each range the end that helps the new hardware, the "
    "latest the end that hurts it.",
)
def other_ranges(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        ends = [_pair(rng, 20, 90), _pair(rng, 400, 700), _pair(rng, 100, 300), _pair(rng, 20, 800)]
        _judge_years(student, ends, work=1.0, what="ranges")


@check(
    "4.6",
    sentence="What is saved is `work` times the power of the old less that of the new hardware.",
)
def several_old_ones(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        ends = [_pair(rng, 20, 90), _pair(rng, 200, 300), _pair(rng, 150, 350), _pair(rng, 20, 800)]
        _judge_years(student, ends, work=float(rng.uniform(1.8, 7)), what="several old ones")


@check("4.6", sentence="Where nothing is saved the year is infinite, `math.inf`.")
def hardly_anything_saved(student: Student, rng: np.random.Generator) -> None:
    for saved_w in (0.5, 0.0, -0.5, -200.0):
        old_w = float(rng.integers(250, 400))
        ends = [(30.0, 30.0), (old_w, old_w), (old_w - saved_w, old_w - saved_w), (300.0, 300.0)]
        _judge_years(student, ends, work=1.0, what=f"{saved_w} W saved")


@check(
    "4.6",
    sentence="A year has 8,736 hours, and each watt that is saved saves its energy times the grid.",
)
def other_points(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        values = rng.uniform((20, 400, 100, 20), (90, 700, 300, 800)).tolist()
        _judge_years(student, [(x, x) for x in values], work=1.0, what="all inputs known")


@check("4.7", sentence="Electricity is energy times the grid, in tonnes; idle energy counts.")
def other_runs(student: Student, rng: np.random.Generator) -> None:
    for idle_kwh in (0.0, float(rng.uniform(1e3, 1e5))):
        _judge_split(student, rng, idle_kwh=idle_kwh)


def _judge_split(student: Student, rng: np.random.Generator, *, idle_kwh: float) -> None:
    run = {
        "dynamic_kwh": float(rng.uniform(1e3, 1e6)),
        "idle_kwh": idle_kwh,
        "gpu_h": float(rng.uniform(1e3, 1e6)),
    }
    machine = {
        "server_kg": float(rng.uniform(1000, 4000)),
        "gpu_kg": float(rng.uniform(30, 300)),
        "gpus": int(rng.choice([2, 4, 8, 16])),
        "lifetime_y": float(rng.uniform(3, 8)),
        "utilisation": float(rng.uniform(0.2, 0.9)),
    }
    grid = float(rng.uniform(20, 900))
    hours = 8760 * machine["lifetime_y"] * machine["utilisation"]
    made = run["gpu_h"] * (machine["gpu_kg"] + machine["server_kg"] / machine["gpus"]) / hours
    want = {
        "dynamic": run["dynamic_kwh"] * grid * 1e-6,
        "idle": idle_kwh * grid * 1e-6,
        "embodied": made * 1e-3,
    }
    judge_split(student.training_split_t(run, machine, grid), want)


@check(
    "4.7",
    sentence="A GPU hour carries its GPU and its part of the server, spread over the hours of the "
    "lifetime in which the machine is used.",
)
def other_machines(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        _judge_split(student, rng, idle_kwh=100.0)


@check(
    "4.7",
    sentence="The answer is the smallest whole number of requests that emit at least as much.",
)
def whole_requests(student: Student, rng: np.random.Generator) -> None:
    request = int(rng.integers(3, 50))
    for number in (1, int(rng.integers(2, 1000))):
        exact = student.requests_to_match(float(request * number), float(request))
        judge_number(exact, float(number), what=f"{number} requests that match exactly")
        more = student.requests_to_match(request * number + 0.5, float(request))
        judge_number(more, float(number + 1), what=f"half a gram more than {number} requests")
