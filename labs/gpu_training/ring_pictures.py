"""The pictures of the ring exercise; each draws into an `Axes` and computes nothing."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.plots import Rows
from labs.gpu_training.cost_model import Model, Samples, residuals
from labs.gpu_training.routing import Message


@mpl.rc_context(plots.STYLE)
def traffic(axes: Axes, messages: Sequence[Message], *, ranks: int) -> Rows:
    """Draw who sent how many bytes to whom, a number in each box.

    Rows: ``sender, receiver, bytes, messages`` of each pair that talked.

    Parameters
    ----------
    axes
        Of a narrow figure.
    messages
        All that were sent.
    ranks
        Number of ranks.
    """
    sent = np.zeros((ranks, ranks), dtype=int)
    count = np.zeros((ranks, ranks), dtype=int)
    for message in messages:
        sent[message.sender, message.receiver] += message.payload_bytes
        count[message.sender, message.receiver] += 1
    axes.imshow(sent, cmap="Blues", vmin=0, vmax=max(2 * sent.max(), 1))  # so that text stays dark
    rows: Rows = []
    for sender, receiver in np.argwhere(count).tolist():
        number, total = int(count[sender, receiver]), int(sent[sender, receiver])
        axes.text(
            receiver, sender, f"{number} sent,\n{total} B", ha="center", va="center", fontsize=6
        )
        rows.append({"sender": sender, "receiver": receiver, "bytes": total, "messages": number})
    axes.set_xticks(range(ranks))
    axes.set_yticks(range(ranks))
    axes.grid(visible=False)
    axes.set(xlabel="receiving rank", ylabel="sending rank")
    axes.set_title("Your messages, and their bytes together", loc="left", weight="bold")
    return rows


@mpl.rc_context(plots.STYLE)
def times_and_errors(
    axes: Axes, models: dict[str, Model], *, samples: dict[str, Samples], title: str
) -> Rows:
    """Draw times over sizes with each model's line, and the relative errors beside them.

    Rows: ``name`` and what `cost_model.residuals` gives, of each point.

    Parameters
    ----------
    axes
        Of a wide figure, which gets a second pair of axes.
    models
        Name -> measured model.
    samples
        Name -> what it was fitted on.
    title
        What the figure proves.
    """
    figure = axes.figure
    grid = figure.add_gridspec(1, 2)
    axes.set_subplotspec(grid[0])
    beside = figure.add_subplot(grid[1])
    rows: Rows = []
    for (name, model), look in zip(models.items(), plots.LOOKS, strict=False):
        found = residuals(model, samples[name])
        sizes = [row["size_bytes"] for row in found]
        measured = [row["measured_s"] for row in found]
        arms = np.transpose([(m.value - m.low, m.high - m.value) for m in measured])
        point = {"color": look["color"], "marker": look["marker"]}
        axes.errorbar(sizes, [m.value for m in measured], arms, ls="", label=name, **point)
        axes.plot(
            sizes,
            [row["predicted_s"].value for row in found],
            color=look["color"],
            ls=look["linestyle"],
        )
        beside.plot(sizes, [100 * row["relative_error"] for row in found], ls=":", **point)
        rows += [{"name": name, **row} for row in found]
    axes.set(xscale="log", yscale="log", xlabel="size [B] (log)", ylabel="time [s] (log)")
    beside.axhline(0, color=plots.GREY, linewidth=0.7)
    beside.set(xscale="log", xlabel="size [B] (log)", ylabel="error of the model [%]")
    beside.tick_params(which="both", labelsize=7)
    axes.set_title(title, loc="left", weight="bold")
    axes.legend()
    return rows
