"""How many rounds a federation takes to a target, by epochs, batch and how samples are dealt.

The shape of table 2 of McMahan and others (2017) in small. As there, each cell has the learning
rate of a few that is fastest, here for the first seed; unlike there, several seeds show the spread.
How rounds are counted is the student's: `rounds_to` is an argument. What is sent is counted by
`labs.federated_learning.loop`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from course_utils import plots
from course_utils.records import Result, counted
from labs.federated_learning import partitions
from labs.federated_learning.local import Local, is_dense
from labs.federated_learning.loop import Setting, run
from labs.federated_learning.tasks import Task

Positions = NDArray[np.int64]
RoundsTo = Callable[[Sequence[float], float], float | None]
Deal = Callable[[int], list[Positions]]
RATES = (0.1, 0.3, 1.0)
A_ROUND = 10  # clients
TESTED = 500  # test samples, where the network is slow


@dataclass(frozen=True)
class Cell:
    """Rounds to the target of one way to train.

    Parameters
    ----------
    local
        Epochs, batch and the learning rate that was fastest.
    rounds
        One a seed; None where the target was not reached.
    most
        Rounds after which a run was given up.
    """

    local: Local
    rounds: tuple[float | None, ...]
    most: int

    @property
    def middle(self) -> float:
        """Median over the seeds, infinite where most of them did not get there."""
        return float(np.median([np.inf if each is None else each for each in self.rounds]))

    def __str__(self) -> str:
        values = [np.inf if each is None else each for each in self.rounds]
        low, middle, high = (
            f"{each:.1f}" if np.isfinite(each) else f"over {self.most}"
            for each in (min(values), self.middle, max(values))
        )
        return f"{middle} [{low}, {high}]"


def ways(task: Task, partition: str, *, clients: int, alpha: float) -> dict[str, Deal]:
    """Return the columns of the table: evenly dealt and unequal, or who owns the samples.

    Parameters
    ----------
    task
        Whose samples are dealt.
    partition
        The unequal one; ``dirichlet`` in its place if it is ``iid``.
    clients, alpha
        Of samples without owners.
    """

    def way(name: str) -> Deal:
        return lambda seed: partitions.deal(task, name, clients=clients, alpha=alpha, seed=seed)

    if task.owners is not None:
        return {"speakers": way(partition)}
    return {name: way(name) for name in ("iid", "dirichlet" if partition == "iid" else partition)}


def cell(
    task: Task, deal: Deal, *, local: Local, setting: Setting, rounds_to: RoundsTo, seeds: int
) -> Cell:
    """Return the rounds to a target with the learning rate that is fastest for the first seed.

    Parameters
    ----------
    task
        Data and network.
    deal
        Returns the clients' samples for a seed.
    local
        Epochs and batch.
    setting
        The most rounds, the first seed, and the target; ten clients take part in a round.
    rounds_to
        ``rounds_to(accuracies, target)``.
    seeds
        Runs, each with other clients, first weights and orders.
    """
    target = setting.target or 1.0

    def rounds(rate: float, seed: int) -> float | None:
        parts = deal(seed)
        share = min(1.0, A_ROUND / len(parts))
        trained = replace(local, learning_rate=rate)
        own = replace(setting, fraction=share, local=trained, seed=seed)
        return rounds_to(run(task, parts, setting=own).accuracy, target)

    rates = RATES if is_dense(task.network, task.network.initial(0)) else RATES[:1]
    first = {rate: rounds(rate, setting.seed) for rate in rates}

    def order(rate: float) -> float:
        found = first[rate]
        return np.inf if found is None else found

    best = min(rates, key=order)
    others = [rounds(best, setting.seed + each) for each in range(1, seeds)]
    return Cell(replace(local, learning_rate=best), (first[best], *others), setting.rounds)


def table(
    task: Task,
    columns: Mapping[str, Deal],
    *,
    rows: Sequence[Local],
    setting: Setting,
    rounds_to: RoundsTo,
    seeds: int = 3,
) -> dict[tuple[int, str], Cell]:
    """Return all cells by row, from 0, and column.

    Parameters
    ----------
    task
        Data and network; networks with convolutions are tested on some of the test samples.
    columns
        From `ways`.
    rows
        Epochs and batch of each.
    setting
        The most rounds, the first seed, and the target.
    rounds_to
        ``rounds_to(accuracies, target)``.
    seeds
        Runs a cell.
    """
    if not is_dense(task.network, task.network.initial(0)):
        some = np.random.default_rng(setting.seed).permutation(len(task.y_test))[:TESTED]
        task = replace(task, x_test=task.x_test[some], y_test=task.y_test[some])
    return {
        (number, name): cell(
            task, deal, local=local, setting=setting, rounds_to=rounds_to, seeds=seeds
        )
        for number, local in enumerate(rows)
        for name, deal in columns.items()
    }


def factor(slow: Cell, fast: Cell) -> float | None:
    """Return how many times the rounds of one way another way takes, None where either is open.

    Parameters
    ----------
    slow, fast
        Two cells of a column.
    """
    if not np.isfinite([slow.middle, fast.middle]).all() or fast.middle == 0:
        return None
    return slow.middle / fast.middle


def factor_or_bound(slow: Cell, fastest: Cell) -> Result:
    """Return `factor` as a result: counted, or assumed where it is a lower bound.

    A way that was given up is assumed to need no more rounds than it had; where the fastest was
    given up as well, no more than is known of every way, that it is not faster.

    Parameters
    ----------
    slow
        A cell.
    fastest
        The cell with the fewest rounds of all in its column, `slow` among them.
    """
    times = factor(slow, fastest)
    if times is not None:
        return counted(times)
    if fastest.middle == 0:  # reached before the first round, by any way
        return counted(1.0)
    bound = slow.most / fastest.middle if np.isfinite(fastest.middle) else 1.0
    return Result(bound, bound, bound, n=1, kind="assumed")


def as_rows(cells: Mapping[tuple[int, str], Cell]) -> list[dict[str, Any]]:
    """Return a table to show: a row a way to train, its factor against the first row.

    Parameters
    ----------
    cells
        From `table`.
    """
    rows: dict[int, dict[str, Any]] = {}
    for (number, name), each in cells.items():
        local = each.local
        row = rows.setdefault(number, {"epochs": local.epochs, "batch": local.batch or "all"})
        times = factor(cells[0, name], each)
        row[f"{name}: rounds"] = str(each)
        row[f"{name}: factor"] = "unknown" if times is None else f"{times:.1f}"
        row[f"{name}: rate"] = local.learning_rate
    return list(rows.values())


@mpl.rc_context(plots.STYLE)
def draw(axes: Axes, cells: Mapping[tuple[int, str], Cell], *, title: str) -> list[dict[str, Any]]:
    """Draw medians as bars, each seed as a point on a line, and return what was drawn.

    Parameters
    ----------
    axes
        Where.
    cells
        From `table`.
    title
        Of the figure.
    """
    columns = list(dict.fromkeys(name for _, name in cells))
    width = 0.8 / len(columns)
    drawn: list[dict[str, Any]] = []
    for place, column in enumerate(columns):
        own = {number: cell for (number, name), cell in cells.items() if name == column}
        x = [number + width * (place + 0.5) - 0.4 for number in own]
        heights = [min(each.middle, each.most) for each in own.values()]
        hatch = ("", "//")[place % 2]
        face = mpl.colors.to_rgba(plots.COLORS[place], 0.6)
        axes.bar(x, heights, width, color=face, hatch=hatch, label=column, ec="black", lw=0.5)
        for at, each in zip(x, own.values(), strict=True):
            got = [each.most if value is None else value for value in each.rounds]
            axes.plot([at] * len(got), sorted(got), "k.-", markersize=5, linewidth=0.8)
        drawn += [
            {"column": column, "row": number, "rounds": height}
            for number, height in zip(own, heights, strict=True)
        ]
    rows = {number: cell.local for (number, _), cell in cells.items()}
    axes.set_xticks(
        list(rows),
        [f"epochs {each.epochs},\nbatch {each.batch or 'all'}" for each in rows.values()],
    )
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("to the target [rounds]")
    axes.set_title(title, loc="left", weight="bold")
    axes.legend()
    return drawn
