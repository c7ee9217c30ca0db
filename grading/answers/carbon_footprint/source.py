# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Carbon: what a computation costs before and while it runs
#
# **Time** about 2 hours. **Hardware** any laptop with 2 cores; no GPU, no network. Where there is a
# GPU, your own run uses it. **Data** handwritten digits for your own run; everything else is
# published numbers that come with the lab, each with its source.
#
# A computation emits carbon while it runs, and a share of what making its hardware emitted. You
# build both calculators, reproduce published results to their last digit, measure a run of your
# own, and find out where the sources disagree, by how much, and which decisions survive that.

# %% [markdown]
# ## Goals
#
# After this notebook you can
#
# - turn kilowatt-hours into grams, and say by whose numbers,
# - price a die, a server and an accelerator with two published models, and explain their
#   difference,
# - give the carbon of a unit of work, reserved hardware included,
# - say when new hardware pays back, as a range, and when nobody can say,
# - split the footprint of a large model, and write a memo that does not claim more than is known.

# %% [markdown]
# ## Parameters
#
# Every result below follows from these values. Change one and run everything again, or run it from
# a terminal: `lab run carbon_footprint -p country SWE -p utilisation 0.3 -o sweden.ipynb`.

# %% tags=["parameters"]
country = "DEU"  # code of three letters: where your own run and the boards stand
pue = 1.2  # energy of the building over that of its computers, 1 or more
utilisation = 0.75  # share of a board's power range that is in use, from 0 to 1
lifetime_y = 4.0  # years over which making a board is spread
epochs = 30  # passes over the digits in your own training run
draws = 4000  # random draws of the utilisation in section 6
device = "auto"  # of your own run: auto, cpu or cuda
seed = 0  # start of every random choice

# %% [markdown]
# ## Background
#
# Carbon means grams of CO2-equivalents: other gases count by how much they warm in 100 years.
# **Operational** is what electricity emits, **embodied** what making the hardware did. Both come
# from models with published constants. No constant is measured here but the energy of your own run,
# and that is often modelled too: each output says of which kind its numbers are. A range is two
# ends between which nobody knows better; its middle is no estimate.

# %%
import math

import numpy as np

from course_utils import data, energy, plots, records, stats
from labs.engine.notebook import best, show_check, show_prediction
from labs.seminar.carbon_footprint import (
    bloom,
    boards,
    comparing,
    explorers,
    pictures,
    ranges,
    server,
    tables,
    workload,
)

# %% [markdown]
# ## 1. Electricity
#
# **Intent.** Energy times intensity is the easiest formula of this lab, and already its answer
# depends on whom you ask. **By hand.** A job draws 10 kWh in a building with a PUE of 1.5: for each
# kilowatt-hour of the computers, half another goes into cooling. At 300 g/kWh the job emits
# 10 x 1.5 x 300 = 4500 g.
#
# **Predict.** Two sources state the intensity of the Swedish grid. By which factor do they differ?

# %%
guessed_grid_ratio = None  # higher source over lower source, for Sweden

# %%
for source in tables.grid_sources("SWE"):
    print(f"{source.name}, {source.year}: {source.g_per_kwh:.1f} g/kWh ({source.basis})")

# %% [markdown]
# ### Exercise 4.1: grams with their source (4 points, 10 minutes)
#
# Write `operational_g(it_kwh, pue, sources)`. A source is a dictionary with `name`, `year`,
# `g_per_kwh` and `basis`. Return two ends, lowest and highest, each a pair of grams and a label.
# About 5 lines.
#
# - The building draws the energy of the computers times the PUE.
# - Only sources with the basis `location` count; a contract (`market`) changes no grid.
# - The label is name and year with a space between them, such as `Map 2024`.
# - A PUE below 1 or a list in which nothing counts raises a `ValueError`.


# %%
# Exercise 4.1
def operational_g(it_kwh, pue, sources):
    """Return ((grams, label), (grams, label)): the lowest and the highest source that counts."""
    ### BEGIN SOLUTION
    if pue < 1:
        raise ValueError(f"pue is {pue}, but a building draws what its computers draw at least")
    found = [
        (it_kwh * pue * source["g_per_kwh"], f"{source['name']} {source['year']}")
        for source in sources
        if source["basis"] == "location"
    ]
    return min(found), max(found)
    ### END SOLUTION


# %%
show_check("4.1")

# %% [markdown]
# **The real thing.** The same kilowatt-hour in eight countries, by two sources: Electricity Maps
# for 2024, as the replacement model of section 4 uses it, and Our World in Data for 2023. Year,
# imports and what counts as emission (combustion alone, or the whole life of a power station)
# may differ, so both can be right.

# %%
operational_g = best("4.1", operational_g)
kwh_bars = {}
for place in ("SWE", "NOR", "FRA", "GBR", "USA", "DEU", "TWN", "POL"):
    rows = [source.row() for source in tables.grid_sources(place)]
    (least, least_label), (most, most_label) = operational_g(1.0, 1.0, rows)
    kwh_bars[place] = (least, most)
    print(f"{place}: {least:5.1f} g ({least_label}) to {most:5.1f} g ({most_label})")

# %%
widest = max(kwh_bars, key=lambda place: kwh_bars[place][1] / kwh_bars[place][0])
factor = kwh_bars[widest][1] / kwh_bars[widest][0]
figure, axes = plots.new_figure(data="Electricity Maps 2024, Our World in Data 2023", wide=True)
title = f"Two sources for one grid differ by a factor of up to {factor:.1f} ({widest})"
x_label = "intensity [gCO2e/kWh]"
drawn = pictures.range_bars(axes, kwh_bars, x_label=x_label, title=title)
plots.show(figure, alt=f"{title}. Bars from the lower to the higher source of eight countries.")

# %% [markdown]
# Your guess beside what the two sources say. Where a bar is short, one number is enough; where it
# is long, a single number without its source hides a choice.

# %%
grid_ratio = ranges.point(kwh_bars["SWE"][1] / kwh_bars["SWE"][0])
show_prediction("grid_ratio", grid_ratio, guess=guessed_grid_ratio)

# %% [markdown]
# **Reflect.** Where is the disagreement large in grams, and where as a factor? Suppose a cloud
# states that its Swedish region is at 23 g/kWh and its Polish one at 0, by certificates. Which of
# the two numbers would you use to decide where a job runs, and why does the standard of section 5
# refuse the second?

# %% [markdown]
# ## 2. A die
#
# **Intent.** A fab needs energy, gases and materials for each square centimetre of a wafer, and
# pays for the dies that fail. ACT puts that into one line: (CI x EPA + GPA + MPA) / Y. **By hand.**
# At 2 kWh/cm2 in a grid of 500 g/kWh, with 300 g of gases and 500 g of materials, 0.9 cm2 cost
# 0.9 x (1000 + 300 + 500) = 1620 g before and 1800 g after a yield of 0.9.
#
# **Predict.** Does a square centimetre get cheaper or dearer from 28 to 3 nm, and by which factor?

# %%
guessed_node_ratio = None  # carbon of 1 cm2 in 3 nm over that in 28 nm

# %% [markdown]
# ### Exercise 4.2: a die with its packages (5 points, 15 minutes)
#
# Write `logic_g`, which returns grams. `process` is a row of `tables.PROCESSES` with
# `epa_kwh_per_cm2`, `gpa95_g_per_cm2` and `gpa99_g_per_cm2`; `abatement` is 95, 97 or 99, the
# percentage of the gases that is destroyed. About 5 lines.
#
# - A square centimetre costs the fab's energy times its grid, its gases, and 500 g of materials.
# - With an abatement of 97 the gases are the mean of those with 95 and 99.
# - The die pays for the scrap: its area, in cm2, is divided by the yield.
# - Each package adds 150 g, whatever the yield.


# %%
# Exercise 4.2
def logic_g(area_mm2, process, *, fab_g_per_kwh, abatement, fab_yield, packages):
    """Return the carbon of a die and its packages [g]."""
    ### BEGIN SOLUTION
    gases = {95: process["gpa95_g_per_cm2"], 99: process["gpa99_g_per_cm2"]}
    gases[97] = (gases[95] + gases[99]) / 2
    per_cm2 = fab_g_per_kwh * process["epa_kwh_per_cm2"] + gases[abatement] + 500
    return area_mm2 / 100 * per_cm2 / fab_yield + packages * 150
    ### END SOLUTION


# %%
show_check("4.2")

# %% [markdown]
# **The real thing.** A square centimetre of good die in every process of ACT, split into its
# causes; the yield of 0.875 is ACT's default, the fab stands in Taiwan. The interval is the grid of
# the fab: ACT holds 583 g/kWh for 2022 and 642 for 2023.

# %%
logic_g = best("4.2", logic_g)
fab = {"abatement": 97, "fab_yield": tables.FAB_YIELD, "packages": 0}
taiwan = (tables.FAB_G_PER_KWH, tables.FAB_G_PER_KWH_2023)
node_bars, cpa_g = {}, {}
for node, process in tables.PROCESSES.items():
    cpa_g[node], dirtier = (logic_g(100, process, fab_g_per_kwh=grid, **fab) for grid in taiwan)
    clean = logic_g(100, process, fab_g_per_kwh=0, **fab)
    materials = tables.MATERIALS_G_PER_CM2 / tables.FAB_YIELD
    node_bars[f"{node} nm"] = {
        "materials": ranges.result((materials, materials)),
        "gases": ranges.result((clean - materials, clean - materials)),
        "energy": ranges.result((cpa_g[node] - clean, dirtier - clean)),
    }

# %%
figure, axes = plots.new_figure(data="ACT 2.0", wide=True)
title = f"A square centimetre in 3 nm costs {cpa_g[3] / cpa_g[28]:.1f} times one in 28 nm"
label = "carbon of good die [gCO2e/cm2]"
drawn = plots.stacked_breakdown(axes, node_bars, x_label=label, title=title)
plots.show(figure, alt=f"{title}. Bars of materials, gases and energy; energy grows most.")

# %% [markdown]
# Energy grows most, by more steps and harder light; the interval at its end is a single year's
# change of the Taiwanese grid in ACT's own files.

# %%
show_prediction("node_ratio", ranges.point(cpa_g[3] / cpa_g[28]), guess=guessed_node_ratio)

# %% [markdown]
# **Reflect.** Which part would a fab on wind power remove, and which would stay? A square
# centimetre gets dearer, yet holds many more transistors: what would you have to know to say
# whether a transistor got cheaper?

# %% [markdown]
# ## 3. A server
#
# **Intent.** A server is a bill of materials. Memory and flash are priced by capacity, in grams a
# gigabyte. **A find.** ACT's README gives E = CPS x capacity for memory; its code divides that by a
# yield of 0.875. Both are published, under the same name.
#
# **Predict.** The server has 2 processors, 12 memories of 32 GB (with error correction 36) and 31
# TB of flash. Which share of its carbon is flash?

# %%
guessed_flash_share = None  # from 0 to 1

# %% [markdown]
# ### Exercise 4.3: a bill of materials (5 points, 15 minutes)
#
# Write `bill_g(parts, memory_yield=True)`. A part is a dictionary with `kind`, `count`, `packages`
# (of one such part) and `yield`; logic has `area_cm2` and `g_per_cm2`; memory, which is DRAM or
# flash, has `capacity_gb` and `g_per_gb`. Return a dictionary. 8 to 12 lines.
#
# - Every part is there `count` times, and so are its packages, at 150 g each.
# - Logic costs area times grams, memory capacity times grams, both divided by the yield.
# - With `memory_yield=False` memory is not divided by its yield; logic still is.
# - The answer holds the grams of each kind, without packages, and under `packages` those of all.


# %%
# Exercise 4.3
def bill_g(parts, memory_yield=True):
    """Return {kind: grams, ..., "packages": grams}."""
    ### BEGIN SOLUTION
    grams = {"packages": 0.0}
    for part in parts:
        if "area_cm2" in part:
            one = part["area_cm2"] * part["g_per_cm2"] / part["yield"]
        else:
            one = part["capacity_gb"] * part["g_per_gb"]
            if memory_yield:
                one /= part["yield"]
        grams[part["kind"]] = grams.get(part["kind"], 0) + part["count"] * one
        grams["packages"] += part["count"] * part["packages"] * 150
    return grams
    ### END SOLUTION


# %%
show_check("4.3")

# %% [markdown]
# **The real thing.** The Dell PowerEdge R740, for which Dell published a life-cycle assessment. ACT
# comes with its bill of materials, and running ACT on it gave 1 523 137.7 g. Old processes stand in
# for the real ones there (30 nm flash, 50 nm DRAM), so the same bill with newer ones is a fourth
# answer.

# %%
bill_g = best("4.3", bill_g)
newer = server.parts(flash="nand_tlc_1z", dram="ddr4_10")
bills = {
    "ACT, code": bill_g(server.parts()),
    "ACT, README": bill_g(server.parts(), memory_yield=False),
    "ACT, newer memory": bill_g(newer),
}
r740_kg = {name: sum(bill.values()) / 1000 for name, bill in bills.items()}
r740_kg["Dell"] = sum(server.DELL_KG.values())
flash_share = bills["ACT, code"]["flash"] / sum(bills["ACT, code"].values())
print(f"published {server.ACT_TOTAL_G:,.1f} g, here {1000 * r740_kg['ACT, code']:,.1f} g")
print({name: round(kg) for name, kg in r740_kg.items()})

# %%
dell = {"flash": ("main SSD", "second SSD"), "DRAM": ("DRAM",), "logic": ("CPU",)}
answers = {"Dell": {kind: sum(map(server.DELL_KG.get, names)) for kind, names in dell.items()}}
for name, bill in bills.items():
    answers[name] = {kind: grams / 1000 for kind, grams in bill.items()}
bars = {
    name: {kind: ranges.result((kg, kg)) for kind, kg in parts.items()}
    for name, parts in answers.items()
}
spread = max(r740_kg.values()) / min(r740_kg.values())
figure, axes = plots.new_figure(data="Dell's assessment and ACT 2.0", wide=True)
title = f"Four answers from published numbers lie a factor of {spread:.0f} apart"
drawn = plots.stacked_breakdown(axes, bars, x_label="carbon of making [kgCO2e]", title=title)
plots.show(figure, alt=f"{title}. Stacked bars by kind; flash is the largest part of each.")

# %% [markdown]
# All four bars hold the flash, memory and processors of the same server; its boards, supplies and
# chassis are in none. What changes is a formula, the age of a process, or the whole method: Dell
# had its parts assessed, ACT computes from public papers.

# %%
show_prediction("flash_share", ranges.point(flash_share), guess=guessed_flash_share)

# %% [markdown]
# **Reflect.** How much does the yield of memory alone change, in percent of the total? How many
# times ACT's is Dell's flash? You are asked for the footprint of this server: which number do you
# give, and what do you write beside it?

# %% [markdown]
# ## 4. A board, by another model
#
# **Intent.** The replacement model of the Hasso Plattner Institute prices accelerators, and its
# yield is no constant: defects fall on the wafer at random, 0.1 a square centimetre, so a large die
# fails more often. **By hand.** A die of 10 cm2 is good with probability exp(-1) = 0.37; at 1 kg a
# square centimetre, each good one costs 10 / 0.37 = 27 kg.
#
# **Predict.** By which factor does this model's die of an A100 exceed ACT's?

# %%
guessed_die_ratio = None  # replacement model over ACT, for the die of an A100

# %% [markdown]
# ### Exercise 4.4: dies that fail (5 points, 15 minutes)
#
# Write `board_kg(die, memory, dies=1)`, which returns kilograms of the dies and of the memory.
# `die` has `area_cm2` (of all dies), `epa_kwh_per_cm2` and `gpa_kg_per_cm2`; `memory` has `gb`,
# `kg_per_gb` and `stacks`. About 6 lines.
#
# - A square centimetre costs 0.486 kg for each kWh of the fab, its gases, and 0.5 kg of materials.
# - The yield of a die is exp(-0.1 A), A its area in cm2, and the good dies pay for all.
# - Several dies share the area equally and are tested one by one, so the yield is that of one of
#   them.
# - A board has its memory only if every stack is good: divide by 0.95 for each of them.


# %%
# Exercise 4.4
def board_kg(die, memory, dies=1):
    """Return (kilograms of the dies, kilograms of the memory)."""
    ### BEGIN SOLUTION
    per_cm2 = 0.486 * die["epa_kwh_per_cm2"] + die["gpa_kg_per_cm2"] + 0.5
    die_yield = math.exp(-0.1 * die["area_cm2"] / dies)
    die_kg = die["area_cm2"] * per_cm2 / die_yield
    return die_kg, memory["gb"] * memory["kg_per_gb"] / 0.95 ** memory["stacks"]
    ### END SOLUTION


# %%
show_check("4.4")

# %% [markdown]
# **The real thing.** Seven boards against what the model's own code gave. Where the table at hand
# does not hold the board as it was computed, its memory was solved for, and the row says so: there
# the agreement proves nothing.

# %%
board_kg = best("4.4", board_kg)
for name, board in boards.BOARDS.items():
    total = sum(board_kg(board.die_row(), board.memory_row()))
    note = "solved" if " kg" in boards.SOLVED.get(name, "") else ""
    print(f"{name:10} here {total:6.1f} kg, published {board.published_kg:6.1f} kg  {note}")

# %% [markdown]
# **A find.** The code corrects the yield of boards with two dies, but looks for the name
# `B200_HGX`; the row of its table is called `B200`, so the published number treats two dies as one
# of 16 cm2, larger than any fab can expose. Your function takes the number of dies.

# %%
b200 = boards.BOARDS["B200"]
as_published = sum(board_kg(b200.die_row(), b200.memory_row()))
corrected = sum(board_kg(b200.die_row(), b200.memory_row(), dies=b200.dies))
print(f"B200 as published {as_published:.1f} kg, with two dies {corrected:.1f} kg: ", end="")
print(f"a name costs {as_published - corrected:.1f} kg")

# %% [markdown]
# **Where two models differ.** Both price the same 826 mm2 in 7 nm. Exchange one input of the
# replacement model at a time for ACT's. The differences go in both directions, so that models can
# agree for wrong reasons.

# %%
a100 = boards.BOARDS["A100-PCIe"]
exchanged = comparing.exchanged_kg(a100)
bars = {name: {"die": ranges.result((kg, kg))} for name, kg in exchanged.items()}
die_ratio = exchanged["replacement model"] / exchanged["ACT"]
figure, axes = plots.new_figure(data="A100, 826 mm2, 7 nm", wide=True)
inputs = [name for name in exchanged if name.startswith("with")]
moved = {name: abs(math.log(exchanged[name] / exchanged["replacement model"])) for name in inputs}
largest = max(moved, key=moved.get).removeprefix("with ACT's ")
title = f"The models differ by a factor of {die_ratio:.2f}, most of all by the {largest}"
drawn = plots.stacked_breakdown(axes, bars, x_label="carbon of the die [kgCO2e]", title=title)
plots.show(figure, alt=f"{title}. Bars of the die with one input exchanged at a time.")

# %%
show_prediction("die_ratio", ranges.point(die_ratio), guess=guessed_die_ratio)

# %% [markdown]
# **Reflect.** Of each input that was exchanged: is it a fact that somebody could look up, or a
# choice? Which yield does a fab have, and who would tell you? From here on the carbon of a board is
# a range: either model's die, with the replacement model's memory before and after scrap.

# %% [markdown]
# ## 5. A unit of work
#
# **Intent.** The Software Carbon Intensity (ISO/IEC 21031) divides electricity and making by
# what the work was for: (O + M) per R. Reserved hardware counts although it waits, and so does the
# electricity that it draws. **By hand.** A machine of 1000 kg lives 4 years; an hour of it carries
# 1,000,000 g / (4 x 8760) = 28.5 g.
#
# **Predict.** You train a small network here. How many milligrams of carbon is that?

# %%
guessed_training_mg = None  # milligrams of your own training run

# %% [markdown]
# ### Exercise 4.5: the rate of a reservation (5 points, 15 minutes)
#
# Write `sci_g`, which returns grams for each functional unit. `machine` has `busy_w` and `idle_w`
# (of all of it), `embodied_kg`, `lifetime_y` and `units`; `use` has `used_h` of `reserved_h`, and
# how many `units` were reserved. About 8 lines.
#
# - Reserved hours that are not used draw the idle power, and they count.
# - Making counts by the reserved hours over those of the lifetime; a year has 8,760.
# - Of both, the share of the units that were reserved counts.
# - More hours used than reserved raise a `ValueError`.


# %%
# Exercise 4.5
def sci_g(machine, use, *, g_per_kwh, functional_units):
    """Return grams for each functional unit."""
    ### BEGIN SOLUTION
    waiting_h = use["reserved_h"] - use["used_h"]
    if waiting_h < 0:
        raise ValueError(f"{use['used_h']} h used, but only {use['reserved_h']} h reserved")
    energy_kwh = (use["used_h"] * machine["busy_w"] + waiting_h * machine["idle_w"]) / 1000
    life_h = machine["lifetime_y"] * 8760
    made_g = machine["embodied_kg"] * 1000 * use["reserved_h"] / life_h
    share = use["units"] / machine["units"]
    return share * (energy_kwh * g_per_kwh + made_g) / functional_units
    ### END SOLUTION


# %%
show_check("4.5")

# %% [markdown]
# **Measure.** Your own run: a network with one hidden layer learns handwritten digits, over and
# over until the meter has six repeats. What the meter reads depends on your machine; it says
# whether the energy is measured or modelled from processor time, how much the repeats differ, and
# how far the source itself may be off.

# %% tags=["nbval-ignore-output"]
digits = {split: data.load("digits", split=split) for split in ("train", "test")}
here = workload.choose_device(device)
trained = workload.train(digits["train"], epochs=epochs, device=here, seed=seed)
right, n = workload.top1(trained.model, digits["test"], device=here)
print("test digits right:", stats.proportion_interval(right, n).result().describe("top1"))
again = {"epochs": epochs, "device": here, "seed": seed}
training_energy = energy.energy_per_call(
    lambda: workload.train(digits["train"], **again), device=here
)
training_energy

# %% tags=["nbval-ignore-output"]
image = np.ascontiguousarray(digits["test"].x[:1])
one = workload.predictor(trained.model, image, device=here)
prediction_energy = energy.energy_per_call(one, device=here)
prediction_energy

# %% [markdown]
# Now grams. The energy has its interval, the grid two sources, and of your machine the lab knows
# nothing: 150 to 350 kg and 3 to 6 years are assumed, and so is that it draws 2 to 10 W when idle.
# The function `ranges.corners` tries every combination of ends.

# %% tags=["nbval-ignore-output"]
sci_g = best("4.5", sci_g)
own_j = training_energy.result()
machine_ranges = workload.assumed_machine(own_j, trained.duration_s)
used_h = trained.duration_s / 3600
own_sources = [source.row() for source in tables.grid_sources(country)]
grid_g_per_kwh = tuple(grams for grams, _ in operational_g(1.0, pue, own_sources))


def own_training_g(*, g_per_kwh, waiting=0.0, **machine):
    """Return grams of the training run when the machine waits for a multiple of its time."""
    use = {"used_h": used_h, "reserved_h": used_h * (1 + waiting), "units": 1}
    return sci_g({**machine, "units": 1}, use, g_per_kwh=g_per_kwh, functional_units=1)


own_g = ranges.corners(own_training_g, g_per_kwh=grid_g_per_kwh, **machine_ranges)
own_mg = ranges.result((1000 * own_g[0], 1000 * own_g[1]), kind="assumed")
show_prediction("training_mg", own_mg, guess=guessed_training_mg)

# %% [markdown]
# **One input at a time.** Which of the ranges makes the answer wide? Each bar opens one range and
# keeps the others at their middles. The last one lets the machine wait for nine times as long as it
# works, which is no doubt about a number but a way to work.

# %% tags=["nbval-ignore-output"]
inputs = {"g_per_kwh": grid_g_per_kwh, **machine_ranges}
middles = {name: ranges.result(pair).value for name, pair in inputs.items()}
opened = {"all ranges": tuple(1000 * g for g in own_g)}
words = dict(zip(inputs, ("grid", "power", "idle power", "making", "lifetime"), strict=True))
for name, pair in inputs.items():
    alone = {each: (value, value) for each, value in middles.items()} | {name: pair}
    opened[words[name]] = tuple(1000 * g for g in ranges.corners(own_training_g, **alone))
opened["waiting"] = tuple(1000 * own_training_g(waiting=w, **middles) for w in (0, 9))
doubts = {name: high / low for name, (low, high) in opened.items() if name in words.values()}
figure, axes = plots.new_figure(data=f"own run, {country}", wide=True)
title = f"Of the doubts, that about the {max(doubts, key=doubts.get)} widens the answer most"
drawn = pictures.range_bars(axes, opened, x_label="training run [mgCO2e]", title=title)
plots.show(figure, alt=f"{title}. One bar for each input that is left open, and one for all.")

# %% [markdown]
# **Reflect.** What would halve your range: a power meter, a better grid number, or the maker's data
# sheet? What would halve the grams? A shared machine learns all night and waits all day: on whose
# account do the waiting hours belong?

# %% [markdown]
# ## 6. When does new hardware pay back?
#
# **Intent.** New hardware costs its making on the first day and saves electricity from then on.
# **By hand.** 436.8 kg are made; 1000 W less for a year of 8736 hours at 100 g/kWh save 873.6 kg:
# half a year. (The model's year has 52 weeks, a day less than the calendar's.)
#
# **Predict.** A V100 gives way to an A100 for equal hours of work, 75 % busy, in Sweden. After how
# many years has that paid back?

# %%
guessed_sweden_years = None  # years

# %% [markdown]
# ### Exercise 4.6: break-even as a range (6 points, 20 minutes)
#
# Write `break_even_y(embodied_kg, old_w, new_w, g_per_kwh, work=1.0)`. The first four are ranges,
# pairs (low, high); `work` is how many old machines one new machine stands for. Return the earliest
# and the latest year. 5 to 10 lines.
#
# - A year has 8,736 hours, and each watt that is saved saves its energy times the grid.
# - What is saved is `work` times the power of the old less that of the new hardware.
# - The earliest year takes of each range the end that helps the new hardware, the latest the end
#   that hurts it.
# - Where nothing is saved the year is infinite, `math.inf`.


# %%
# Exercise 4.6
def break_even_y(embodied_kg, old_w, new_w, g_per_kwh, work=1.0):
    """Return (earliest, latest) in years; either may be infinite."""

    ### BEGIN SOLUTION
    def years(kg, saved_w, grid):
        return kg * 1e6 / (saved_w * 8736 * grid) if saved_w > 0 else math.inf

    earliest = years(embodied_kg[0], work * old_w[1] - new_w[0], g_per_kwh[1])
    latest = years(embodied_kg[1], work * old_w[0] - new_w[1], g_per_kwh[0])
    return earliest, latest
    ### END SOLUTION


# %%
show_check("4.6")

# %% [markdown]
# **The real thing.** First the published numbers, without any range: V100 to A100, 75 % busy, with
# the grid of 2024 and the model's own boards. Equal work counts that one new board does what
# several old ones did; that factor was solved for from the Swedish number. Boards alone are
# counted, without servers and cooling: a PUE would shorten every time.

# %%
break_even_y = best("4.6", break_even_y)
v100 = boards.BOARDS["V100"]
old_w, new_w = (board.power_w(boards.PUBLISHED_UTILISATION) for board in (v100, a100))
a100_kg = sum(board_kg(a100.die_row(), a100.memory_row()))
published_years = {}
for place, want in boards.PUBLISHED_EQUAL_HOURS_Y.items():
    grid = tables.MAPS_G_PER_KWH[place]
    known = [(x, x) for x in (a100_kg, old_w, new_w, grid)]
    published_years[place], _ = break_even_y(*known)
    same_work, _ = break_even_y(*known, work=boards.WORK_RATIO)
    print(f"{place}: here {published_years[place]:.2f} years, published {want}", end="")
    print(f"; equal work {same_work:.3f}, {boards.PUBLISHED_EQUAL_WORK_Y.get(place, 'none')}")

# %%
sweden = ranges.point(published_years["SWE"])
show_prediction("sweden_years", sweden, guess=guessed_sweden_years)

# %% [markdown]
# Now as ranges. Making the board lies between the ends of section 4, the grid between both
# sources, and the utilisation between 0.5 and 0.9. But both boards run the same jobs: they are
# busy or idle together. Taking the ends of their powers apart asks what happens if the old one is
# busy and the new one idle.

# %%
making_kg = comparing.making_pair_kg(a100)
busy = (0.5, 0.9)
payback_bars, apart_bars = {}, {}
for place in ("POL", "DEU", "USA", "FRA", "SWE"):
    grids = tables.grid_ends(place)
    each = [
        break_even_y(making_kg, (v100.power_w(u),) * 2, (a100.power_w(u),) * 2, grids) for u in busy
    ]
    payback_bars[place] = (min(low for low, _ in each), max(high for _, high in each))
    powers = [tuple(board.power_w(u) for u in busy) for board in (v100, a100)]
    apart_bars[place] = break_even_y(making_kg, *powers, grids)
    low, high = payback_bars[place]
    early, late = apart_bars[place]
    print(f"{place}: together {low:.2f} to {high:.2f} years, ", end="")
    print(f"apart {early:.2f} to {late:.2f}")

# %%
surely = [place for place, (_, high) in payback_bars.items() if high < 3]
figure, axes = plots.new_figure(data="V100 to A100-PCIe, equal hours", wide=True)
title = f"Whichever sources are right, it pays back within 3 years in {', '.join(surely)}"
x_label = "break-even [years]; grey: 3 to 6 years of life, assumed"
drawn = pictures.range_bars(axes, payback_bars, x_label=x_label, title=title, mark=(3, 6))
plots.show(figure, alt=f"{title}. Bars of break-even by country beside a band of lifetimes.")

# %% [markdown]
# **Draws instead of corners.** A corner is rare if inputs are independent. Draw the utilisation
# at random, once for both boards and once for each on its own, and look at what is saved. This
# assumes that every value between the ends is equally likely, which no source says.

# %%
rng = np.random.default_rng(seed)
drawn_busy = ranges.draw({"old": busy, "new": busy}, draws=draws, rng=rng)
saved_together = [v100.power_w(u) - a100.power_w(u) for u in drawn_busy["old"]]
saved_apart = [
    v100.power_w(old) - a100.power_w(new)
    for old, new in zip(drawn_busy["old"], drawn_busy["new"], strict=True)
]
never = {
    name: stats.proportion_interval(sum(w <= 0 for w in saved), draws).result()
    for name, saved in (("together", saved_together), ("apart", saved_apart))
}
for name, share in never.items():
    print(f"utilisation drawn {name}: nothing saved in {share.describe('share')} of the draws")

# %%
figure, axes = plots.new_figure(data=f"{draws} draws", wide=True)
samples = {"drawn together": saved_together, "drawn apart": saved_apart}
title = f"Forgetting that both are busy together makes {never['apart'].value:.0%} of the draws fail"
drawn = plots.distribution(axes, samples, x_label="power saved [W]", title=title)
plots.show(figure, alt=f"{title}. Two cumulative curves of the saved power; one reaches below 0.")

# %% [markdown]
# **Try it.** Other boards, other countries, equal hours or equal work: where there are sliders,
# move them. Each source of the grid has its own band; its width is the making of the board.

# %%
explorers.PaybackExplorer(country=country, utilisation=utilisation)

# %%
explorers.YearExplorer(country=country, lifetime_y=lifetime_y, utilisation=utilisation)

# %% [markdown]
# **Equal hours or equal work?** An H100 is faster than a V100 by more than it draws more. Whether
# it replaces one board that is as busy as before, or as many as its data sheet is worth, decides
# all.

# %%
h100 = boards.BOARDS["H100"]
watts = [(board.power_w(utilisation),) * 2 for board in (v100, h100)]
h100_kg = comparing.making_pair_kg(h100)
for work in (1.0, h100.fp32_tflops / v100.fp32_tflops):
    low, high = break_even_y(h100_kg, *watts, tables.grid_ends(country), work)
    print(f"one H100 for {work:.1f} V100 in {country}: break-even {low:.2f} to {high:.2f} years")

# %% [markdown]
# **Reflect.** Which of the two happens in a data centre that has work for every board it can get?
# And what does the old board do after it was replaced? The published break-even times above lie
# between days and years: name the two inputs that do most of that.

# %% [markdown]
# ## 7. The life of a model
#
# **Intent.** BLOOM was trained on 384 accelerators in France, and its authors published where its
# carbon came from. **By hand.** An accelerator of 150 kg, an eighth of a server of 2500 kg, 6 years
# of which 85 % are used: (150 + 312.5) kg / (6 x 8760 x 0.85) h is 10.4 g an hour, and the training
# took 1,082,990 such hours.
#
# **Predict.** After how many requests had serving emitted as much as the whole training?

# %%
guessed_requests = None  # a number of requests

# %% [markdown]
# ### Exercise 4.7: training and serving (5 points, 15 minutes)
#
# `training_split_t(run, machine, g_per_kwh)` returns a dictionary with tonnes of `dynamic`, `idle`
# and `embodied`. `run` has `dynamic_kwh`, `idle_kwh`, `gpu_h`; `machine` has `server_kg`, `gpu_kg`,
# `gpus` of a server, `lifetime_y` and `utilisation`. About 7 lines.
#
# - Electricity is energy times the grid, in tonnes; idle energy counts.
# - A GPU hour carries its GPU and its part of the server, spread over the hours of the lifetime in
#   which the machine is used.
#
# `requests_to_match(training_g, request_g)` says when serving has caught up:
#
# - The answer is the smallest whole number of requests that emit at least as much.


# %%
# Exercise 4.7
def training_split_t(run, machine, g_per_kwh):
    """Return {"dynamic": tonnes, "idle": tonnes, "embodied": tonnes}."""
    ### BEGIN SOLUTION
    used_h = machine["lifetime_y"] * 8760 * machine["utilisation"]
    kg_per_h = (machine["gpu_kg"] + machine["server_kg"] / machine["gpus"]) / used_h
    return {
        "dynamic": run["dynamic_kwh"] * g_per_kwh / 1e6,
        "idle": run["idle_kwh"] * g_per_kwh / 1e6,
        "embodied": run["gpu_h"] * kg_per_h / 1000,
    }
    ### END SOLUTION


def requests_to_match(training_g, request_g):
    """Return a whole number of requests."""
    ### BEGIN SOLUTION
    return math.ceil(training_g / request_g)
    ### END SOLUTION


# %%
show_check("4.7")

# %% [markdown]
# **The real thing.** The split against the published one, and what it would have been elsewhere:
# the energy stays, the grid changes, and with it the share of making.

# %%
training_split_t = best("4.7", training_split_t)
requests_to_match = best("4.7", requests_to_match)
split = training_split_t(bloom.RUN, bloom.MACHINE, bloom.G_PER_KWH)
bloom_t = sum(split.values())
for cause, tonnes in split.items():
    print(f"{cause}: here {tonnes:.1f} t, published {bloom.PUBLISHED_T[cause]} t")
print(f"all: here {bloom_t:.1f} t, published {bloom.PUBLISHED_TOTAL_T} t; ", end="")
print(f"making {split['embodied'] / bloom_t:.0%}, published {bloom.PUBLISHED_EMBODIED_SHARE:.0%}")

# %%
places = {"France, as published": (bloom.G_PER_KWH,) * 2}
places |= {place: tables.grid_ends(place) for place in ("SWE", "FRA", "DEU", "POL")}
bars = {}
for place, grids in places.items():
    ends = [training_split_t(bloom.RUN, bloom.MACHINE, g) for g in grids]
    bars[place] = {c: ranges.result((ends[0][c], ends[1][c])) for c in split}
shares = [
    split["embodied"]
    / (split["embodied"] + bars[place]["dynamic"].value + bars[place]["idle"].value)
    for place in ("SWE", "POL")
]
figure, axes = plots.new_figure(data="Luccioni and others, 2023", wide=True)
title = f"Making would be {shares[0]:.0%} of BLOOM in Sweden and {shares[1]:.0%} in Poland"
drawn = plots.stacked_breakdown(axes, bars, x_label="training BLOOM [tCO2e]", title=title)
plots.show(figure, alt=f"{title}. Stacked bars of three causes by country.")

# %% [markdown]
# **Serving.** For 18 days a copy of BLOOM in a cloud in the United States answered 230,768 requests
# with 914 kWh, idle time included. The paper also gives a mean of 558 requests an hour. Multiply it
# out: the two counts do not agree, so the energy of a request is a range even here.

# %%
counted = bloom.SERVING_REQUESTS, bloom.SERVING_REQUESTS_PER_H * bloom.SERVING_H
request_g = ranges.corners(
    lambda requests, grid: bloom.SERVING_KWH * grid / requests,
    requests=counted,
    grid=tables.grid_ends("USA"),
)
matching = [requests_to_match(1e6 * bloom_t, g) for g in reversed(request_g)]
served_g = [bloom.SERVING_KWH * grid for grid in reversed(tables.grid_ends("USA"))]
years = [1e6 * bloom_t / grams * bloom.SERVING_H / 8760 for grams in served_g]
print(
    f"{counted[0]:,} or {counted[1]:,.0f} requests; {request_g[0]:.2f} to {request_g[1]:.2f} g each"
)
print(f"as much as training: after {matching[0]:,} to {matching[1]:,} requests, ", end="")
print(f"at that rate {years[0]:.1f} to {years[1]:.1f} years")

# %%
matched = ranges.result((float(matching[0]), float(matching[1])))
show_prediction("requests", matched, guess=guessed_requests)

# %% [markdown]
# **Your own model.** After how many predictions of section 5 did your network emit as much as its
# training? Both ran on one machine, on one grid, under one meter: whatever is wrong with these is
# wrong in both and cancels. What is left is the spread of the repeats, so that this ratio is far
# surer than the grams.

# %% tags=["nbval-ignore-output"]
train_j, predict_j = training_energy.repeatability, prediction_energy.repeatability
own_matching = (
    float(requests_to_match(train_j.low, predict_j.high)),
    float(requests_to_match(train_j.high, predict_j.low)),
)
print(f"as much as training: after {own_matching[0]:,.0f} to {own_matching[1]:,.0f} predictions")

# %% [markdown]
# **Reflect.** The published total counts neither failed runs nor smaller models before the last
# one. At ten times the requests the machines would wait less: how would the grams of a request
# change? What share of the training does a request carry if the model is served for one year only?

# %% [markdown]
# ## 8. Decide
#
# ### Exercise 4.8: a memo to the head of computing (5 points, 15 minutes)
#
# Your university runs eight V100 in your `country`, half of the hours busy. Somebody offers eight
# A100. Recommend: replace now, later, or never. Give break-even as a range with its sources, say
# which input decides, one thing that no model here counts, and what you would measure first. Say
# for which utilisation or use of the old boards you would change your mind. About 150 words.

# %%
halves = [board.power_w(0.5) for board in (v100, a100)]
memo_years = break_even_y(making_kg, *[(w, w) for w in halves], tables.grid_ends(country))
print(f"{country}, half busy: {halves[0]:.1f} W now, {halves[1]:.1f} W then, ", end="")
print(f"{halves[0] - halves[1]:.1f} W saved; ", end="")
print(f"break-even after {memo_years[0]:.2f} to {memo_years[1]:.2f} years, equal hours")
print(f"making one board: {making_kg[0]:.1f} to {making_kg[1]:.1f} kg")
print("grid: {:.0f} to {:.0f} g/kWh".format(*tables.grid_ends(country)))

# %% [markdown]
# #### Exercise 4.8
#
# ### BEGIN SOLUTION
# I would replace later, not now. Half busy, an A100 has paid back after 0.34 to 0.56 years at equal
# hours: 30.5 to 43.8 kg of making, with ACT's die or the replacement model's, against a grid of 334
# to 381 g/kWh, Electricity Maps 2024 and Our World in Data 2023. No pair of sources moves that
# beyond a year here; the saving decides, 27.0 W a board, the difference of 166.0 W and 139.0 W, and
# that comes from a line between data-sheet powers, not from a meter. In Sweden it would be years.
# No model here counts servers, cooling, or what happens to the old boards: if they go on running
# somewhere, nothing is saved, and if the new ones simply get more work, neither. First I would
# measure the power of both boards under our own jobs for a week. If that confirms a saving above 15
# W and the old boards are really switched off, I would replace at once; idle boards I would just
# switch off.
# ### END SOLUTION

# %% [markdown]
# ## 9. Hand over the results
#
# The results of this run, for its `country`, `utilisation` and `lifetime_y`. One call shows them
# and hands them to whoever runs the notebook, so that runs with other parameters can be compared.

# %% tags=["nbval-ignore-output"]
powers = [(board.power_w(utilisation),) * 2 for board in (v100, a100)]
own_years = break_even_y(making_kg, *powers, tables.grid_ends(country))
running = explorers.running_pair_kg(a100, country, utilisation=utilisation)
share_of_making = ranges.corners(
    lambda made, run: made / lifetime_y / (made / lifetime_y + run), made=making_kg, run=running
)
records.show_results(
    data="digits",
    own_training_mg=own_mg,
    own_training_j=own_j,
    own_prediction_mj=prediction_energy.result_mj(),
    r740_kg=ranges.result((min(r740_kg.values()), max(r740_kg.values()))),
    a100_making_kg=ranges.result(making_kg),
    a100_year_kg=ranges.result(running),
    share_of_making=ranges.result(share_of_making),
    break_even_years=ranges.result(own_years),
    bloom_training_kg=records.Result(1000 * bloom_t, 1000 * bloom_t, 1000 * bloom_t, 1, "modelled"),
    requests_to_match_training=matched,
    own_predictions_to_match=ranges.result(own_matching),
)

# %% [markdown]
# ## Submit
#
# Choose *Run, Restart Kernel and Run All Cells*: each check should say that its open cases pass,
# and no cell should show an error. Save the notebook, then run this in a terminal in the course
# folder: `lab submit carbon_footprint`. It says for every exercise whether your answer is found,
# and makes `carbon_footprint.zip`, the file to hand in. If you worked in Colab, download the
# notebook first and give its path and link: `lab submit carbon_footprint PATH --url LINK`.
