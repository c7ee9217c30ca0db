"""Pictures of a network on a chip: stages against each other, layers, and the arena over time.

Each draws into an `Axes` and returns what it drew; nothing is compiled, run or measured here.
Instructions are exact counts of an emulator. Cycles are an estimate without wait states, always an
interval, and stand beside what others published for boards, where wait states count.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from course_utils import plots, units
from labs.mcu_compression.integer.layers import Convolution, Layer, Linear
from labs.mcu_compression.integer.memory_plan import MemoryPlan
from labs.mcu_compression.integer.network import IntegerNetwork, macs_of
from labs.shared.published import Published

KINDS = ("convolution", "depthwise", "pointwise", "linear", "other")
MILLION = 1e6
BAR, BELOW = 0.5, 0.38  # height of a bar, and how far under its middle the cycles stand
SHORT = 12  # letters of a tensor's name in the map


def kind_of(layer: Layer) -> str:
    """Return the kind of a layer, one of `KINDS`."""
    if isinstance(layer, Convolution):
        if layer.is_depthwise:
            return "depthwise"
        return "pointwise" if layer.is_pointwise else "convolution"
    return "linear" if isinstance(layer, Linear) else "other"


def by_kind(network: IntegerNetwork, instructions: Mapping[str, int]) -> dict[str, int]:
    """Return the instructions of each kind of layer that there is, in the order of `KINDS`.

    Parameters
    ----------
    network
        Whose layers they are.
    instructions
        Of each layer, in order, as `bench.Deployed.profile_by_layer` returns them.
    """
    found = dict.fromkeys(KINDS, 0)
    for layer, count in zip(network.layers, instructions.values(), strict=True):
        found[kind_of(layer)] += count
    return {kind: count for kind, count in found.items() if count}


@mpl.rc_context(plots.STYLE)
def stage_ladder(
    axes: Axes,
    stages: Mapping[str, Mapping[str, int]],
    *,
    cycles: Mapping[str, tuple[int, int] | None],
    published: Sequence[Published] = (),
    title: str,
) -> plots.Rows:
    """Draw the instructions of each stage, stacked by kind of layer, with cycles as intervals.

    Parameters
    ----------
    axes
        Of a wide figure.
    stages
        Stage -> kind of layer -> instructions for one clip.
    cycles
        Stage -> estimated cycles, fewest and most, of the same core; None where there is no table.
    published
        Measurements by others on boards with that core, drawn hollow: cycles with wait states.
    title
        The sentence that the figure proves.

    Returns
    -------
    list
        ``name, instructions, cycles`` of each stage, ``name, cycles`` of what was published.
    """
    rows: plots.Rows = []
    for place, (name, parts) in enumerate(stages.items()):
        _stack(axes, place, parts)
        total, span = sum(parts.values()), cycles.get(name)
        _write(axes, f"{total:,}", (total / MILLION, place))
        _draw_cycles(axes, span, place=place + BELOW)
        rows.append({"name": name, "instructions": total, "cycles": span})
    for place, each in enumerate(published, len(stages)):
        look: dict[str, Any] = {"color": plots.COLORS[1], "mfc": "white", "linestyle": ""}
        axes.plot([each.cycles / MILLION], [place], marker="D", **look)
        _write(axes, f"{each.cycles / MILLION:.1f} M", (each.cycles / MILLION, place))
        rows.append({"name": f"{each.stack}, on a board", "cycles": (each.cycles,) * 2})
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.5)
    longest = max(sum(parts.values()) for parts in stages.values())
    axes.set_xlim(
        0,
        max([1.2 * longest, *(1.05 * row["cycles"][1] for row in rows if row["cycles"])]) / MILLION,
    )
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("instructions (bars) and cycles (intervals, diamonds) of a clip [million]")
    _legend(axes, stages, has_published=bool(published))
    axes.set_title(title, loc="left", weight="bold")
    return rows


def stage_ladder_alt(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what `stage_ladder` drew, from the rows that it returned."""
    told = []
    for row in rows:
        if "instructions" not in row:
            told.append(f"{row['name']} {row['cycles'][0] / MILLION:.1f} M cycles")
            continue
        low, high = row["cycles"] or (0, 0)
        span = f", {low / MILLION:.1f} to {high / MILLION:.1f} M cycles estimated" if high else ""
        told.append(f"{row['name']} {row['instructions']:,} instructions{span}")
    return f"Bars of instructions by stage, emulated without wait states: {'; '.join(told)}."


@mpl.rc_context(plots.STYLE)
def layer_profile(
    axes: Axes, network: IntegerNetwork, *, instructions: Mapping[str, int], title: str
) -> plots.Rows:
    """Draw the instructions of each layer, with its MACs and the instructions for one MAC beside.

    Parameters
    ----------
    axes
        Of a wide figure.
    network
        Whose layers they are.
    instructions
        Layer -> instructions for one clip, in order.
    title
        The sentence that the figure proves.

    Returns
    -------
    list
        ``layer, kind, instructions, macs, per_mac`` of each layer; the last is None without MACs.
    """
    rows: plots.Rows = []
    for layer, (name, count) in zip(network.layers, instructions.items(), strict=True):
        macs, kind = macs_of(layer, network.tensors[layer.output]), kind_of(layer)
        axes.barh(len(rows), count / MILLION, 0.7, **_face(kind))
        per_mac = count / macs if macs else None
        rows.append(
            {
                "layer": name,
                "kind": kind,
                "instructions": count,
                "macs": macs,
                "per_mac": per_mac,
            }
        )
    axes.set_yticks(range(len(rows)), [row["layer"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("instructions of a clip [million]")
    beside = axes.twinx()
    beside.set_ylim(axes.get_ylim())
    beside.set_yticks(range(len(rows)), [_told(row) for row in rows])
    beside.tick_params(labelsize=7, length=0)
    beside.set_ylabel("MACs, and instructions for each", size=7)
    beside.grid(visible=False)
    axes.set_title(title, loc="left", weight="bold")
    return rows


def layer_profile_alt(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what `layer_profile` drew, from the rows that it returned."""
    told = "; ".join(f"{r['layer']} {r['instructions']:,}, {_told(r)}" for r in rows)
    return f"Bars of instructions by layer: {told}."


@mpl.rc_context(plots.STYLE)
def memory_map(axes: Axes, network: IntegerNetwork, *, plan: MemoryPlan, title: str) -> plots.Rows:
    """Draw which tensor lies where in the arena while which layer runs.

    A tensor begins with the layer that writes it and ends with the last that reads it. A layer that
    writes over what it reads has both in its column, one after the other. Colours are those of the
    kind of layer that writes. Input and output of the network have arrays of their own and are not
    in the arena.

    Parameters
    ----------
    axes
        Of a wide figure.
    network
        Whose tensors they are, after the passes of its stage.
    plan
        Offsets, from `integer.memory_plan.plan_memory`.
    title
        The sentence that the figure proves.

    Returns
    -------
    list
        ``tensor, offset_bytes, size_bytes, first, last`` of each: layers by position.
    """
    rows: plots.Rows = []
    overwritten = {
        number for number, layer in enumerate(network.layers) if _is_in_place(layer, plan)
    }
    for tensor, offset in plan.offsets.items():
        first, last = _life(network, tensor)
        start = first + (0.5 if first in overwritten else 0.0)
        end = last + (0.5 if last in overwritten else 1.0)
        size = network.tensors[tensor].elements
        look = _face(kind_of(network.layers[first]))
        axes.bar((start + end) / 2, size, end - start, offset, **look)
        name = network.tensors[tensor].name
        if size > 0.1 * plan.arena_bytes:
            _name_tensor(axes, name, ((start + end) / 2, offset + size / 2))
        row = {"tensor": name, "offset_bytes": offset, "size_bytes": size}
        rows.append(row | {"first": first, "last": last})
    if plan.scratch_bytes:
        _draw_scratch(axes, plan, layers=len(network.layers))
    axes.axhline(plan.arena_bytes, color="black", linestyle="--", linewidth=0.8)
    axes.set_xticks(
        [number + 0.5 for number in range(len(network.layers))],
        [layer.name for layer in network.layers],
        rotation=30,
        ha="right",
        rotation_mode="anchor",
    )
    axes.set(xlim=(0, len(network.layers)), ylim=(0, 1.1 * plan.arena_bytes))
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("place in the arena [B]")
    axes.set_xlabel("layer that runs")
    axes.set_title(title, loc="left", weight="bold")
    return rows


def memory_map_alt(rows: Sequence[Mapping[str, Any]], plan: MemoryPlan) -> str:
    """Return in words what `memory_map` drew, from the rows that it returned."""
    told = "; ".join(
        f"{row['tensor']} from {row['offset_bytes']:,} to "
        f"{row['offset_bytes'] + row['size_bytes']:,} B"
        for row in rows
    )
    return f"An arena of {plan.arena_bytes:,} B while the layers run one after the other: {told}."


def _stack(axes: Axes, place: int, parts: Mapping[str, int]) -> None:
    start = 0.0
    for kind, count in parts.items():
        axes.barh(place, count / MILLION, BAR, start, **_face(kind))
        start += count / MILLION


def _draw_cycles(axes: Axes, span: tuple[int, int] | None, *, place: float) -> None:
    if span is None:
        return
    low, high = (x / MILLION for x in span)
    axes.errorbar([(low + high) / 2], [place], xerr=(high - low) / 2, fmt="none", ecolor="black")


def _write(axes: Axes, text: str, at: tuple[float, float]) -> None:
    axes.annotate(text, at, (5, 0), textcoords="offset points", va="center", size=7)


def _legend(axes: Axes, stages: Mapping[str, Mapping[str, int]], *, has_published: bool) -> None:
    there = {kind for parts in stages.values() for kind in parts}
    handles: list[Any] = [Patch(label=kind, **_face(kind)) for kind in KINDS if kind in there]
    handles.append(axes.errorbar([], [], xerr=[], fmt="none", ecolor="black", label="cycles"))
    if has_published:
        look: dict[str, Any] = {
            "color": plots.COLORS[1],
            "mfc": "white",
            "linestyle": "",
            "marker": "D",
        }
        handles += axes.plot([], [], label="published", **look)
    axes.legend(handles=handles, **plots.OUTSIDE)


def _face(kind: str) -> dict[str, Any]:
    return plots.FACES[KINDS.index(kind)]


def _told(row: Mapping[str, Any]) -> str:
    if not row["macs"]:
        return "no MACs"
    return f"{row['macs']:,} MACs, {units.format_number(row['per_mac'])} each"


def _life(network: IntegerNetwork, tensor: int) -> tuple[int, int]:
    """Return the layers that write a tensor first and touch it last, by position."""
    writes = [n for n, layer in enumerate(network.layers) if layer.output == tensor]
    reads = [n for n, layer in enumerate(network.layers) if tensor in layer.inputs]
    return min(writes), max(writes + reads)


def _is_in_place(layer: Layer, plan: MemoryPlan) -> bool:
    """Whether a layer writes where it reads."""
    place = plan.offsets.get(layer.output)
    return place is not None and place == plan.offsets.get(layer.inputs[0])


def _name_tensor(axes: Axes, name: str, at: tuple[float, float]) -> None:
    text = name if len(name) <= SHORT else f"{name[: SHORT - 1]}."
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
    axes.text(*at, text, size=6, rotation=90, ha="center", va="center", bbox=box)


def _draw_scratch(axes: Axes, plan: MemoryPlan, *, layers: int) -> None:
    bottom, text = plan.activation_bytes, f"scratch, {plan.scratch_bytes:,} B"
    axes.bar(layers / 2, plan.scratch_bytes, layers, bottom, fc="0.9", ec="0.35", lw=0.6)
    axes.text(layers - 0.1, plan.arena_bytes, text, size=6, ha="right", va="bottom")
