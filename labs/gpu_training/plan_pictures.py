"""Draws plans: the memory of a rank by strategy, with what is sent and the modelled time."""

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.records import Result
from course_utils.units import format_number
from labs.gpu_training.words import decimal_size, unit_for

if TYPE_CHECKING:
    from labs.gpu_training.plan_explorer import Plan

MEMORIES_GB = (16, 40, 80)  # of a T4, an A100 and an H100, as sold
GB = 1e9
ROOM = 0.1  # share of the longest bar that the name of a limit needs


def label(plan: "Plan") -> str:
    """Return what a job is called in a picture.

    Parameters
    ----------
    plan
        Of the job.
    """
    tensor = f" x {plan.job.tensor}" if plan.job.tensor > 1 else ""
    return plan.job.strategy.replace("_", " + ") + tensor


def fits(plan: "Plan") -> str:
    """Return the smallest of `MEMORIES_GB` that holds a plan.

    Parameters
    ----------
    plan
        Of the job.
    """
    enough = [each for each in MEMORIES_GB if plan.memory_bytes <= each * GB]
    return f"fits {enough[0]} GB" if enough else f"needs more than {MEMORIES_GB[-1]} GB"


def finding(plans: Sequence["Plan"]) -> str:
    """Return the sentence that the picture of these plans proves.

    Parameters
    ----------
    plans
        Drawn together.
    """
    least = min(plans, key=lambda each: each.memory_bytes)
    return f"{label(least)} holds least, {decimal_size(least.memory_bytes)}"


def memory(axes: Axes, plans: Sequence["Plan"], *, title: str) -> plots.Rows:
    """Draw a bar of memory a plan, in GB or MB, with the memories of GPUs as lines.

    Parameters
    ----------
    axes, plans
        Where, and what; the rows drawn are those of `plots.stacked_breakdown`.
    title
        The sentence above.
    """
    top = max(each.memory_bytes for each in plans)
    unit, unit_bytes = unit_for(top)
    bars = {
        f"{label(each)}\n{_said(each)}": {
            part: _scaled(r, 1 / unit_bytes) for part, r in each.parts.items()
        }
        for each in plans
    }
    with mpl.rc_context(plots.STYLE):
        x_label = f"memory of a rank, counted; gathered modelled [{unit}]"
        rows = plots.stacked_breakdown(axes, bars, x_label=x_label, title=title)
        axes.tick_params(axis="y", labelsize=6)
        axes.set_ylim(bottom=len(plans) - 0.4)  # so that names of limits stand below the bars
        _mark_limits(axes, top / GB)
    return rows


def _mark_limits(axes: Axes, top_gb: float) -> None:
    """Draw a line at each memory of a GPU in reach, named where it has room up to the next."""
    limits = [limit for limit in MEMORIES_GB if limit <= 1.3 * top_gb]
    for limit, after in itertools.pairwise([*limits, math.inf]):
        axes.axvline(limit, color="black", linestyle="--", linewidth=0.8)
        if after - limit > ROOM * top_gb:
            axes.annotate(f"{limit} GB", (limit, 0), (2, 2), size=6, **_AT_FOOT)


def _scaled(result: Result, factor: float) -> Result:
    value, low, high = (factor * x for x in (result.value, result.low, result.high))
    return Result(value, low, high, n=result.n, kind=result.kind)


_AT_FOOT: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}


def _said(plan: "Plan") -> str:
    return (
        f"{fits(plan)}, sends {decimal_size(plan.sent_bytes, digits=2)} a step\n"
        f"step {_range(plan.step_ms)} ms\n"
        f"{_range(plan.gpu_hours)} GPU h for 1e9 tokens\n"
        f"computes {_percents(plan.efficiency)}"
    )


def told(plans: Sequence["Plan"]) -> str:
    """Return all numbers of the plans in words, each with how it was come by.

    Parameters
    ----------
    plans
        Drawn together.
    """
    return " ".join(_told(each) for each in plans)


def _told(plan: "Plan") -> str:
    held, sent = decimal_size(plan.memory_bytes), format_number(plan.sent_bytes)
    return (
        f"{label(plan)} {fits(plan)}: it holds {held} (counted; gathered modelled), sends {sent} B "
        f"a step (counted); modelled on assumed machines: a step {_range(plan.step_ms)} ms, "
        f"{_range(plan.tokens_per_s)} tokens/s, {_range(plan.gpu_hours)} GPU hours for a billion "
        f"tokens, computing {_percents(plan.efficiency)} of the time."
    )


def _percents(share: Result) -> str:
    low, high = (format_number(100 * x, digits=2) for x in (share.low, share.high))
    return f"{low}% to {high}%"


def _range(result: Result) -> str:
    return f"{format_number(result.low)} to {format_number(result.high)}"
