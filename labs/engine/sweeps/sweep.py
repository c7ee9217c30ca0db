"""What a sweep does, step by step.

First a few runs, spread over the settings, whose cost forecasts that of the rest; then the rest;
then, if a setting is to be selected, that one again with fresh seeds; then tables and report. Each
step can be cut short: the same order goes on with what is not over. Nothing is printed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labs.engine.errors import UsageError
from labs.engine.sweeps import selection, table, work
from labs.engine.sweeps.design import check_results, run_id
from labs.engine.sweeps.executors import Executor
from labs.engine.sweeps.folder import SweepFolder
from labs.engine.sweeps.forecast import Forecast, forecast, spent, spread
from labs.engine.sweeps.identity import Origin
from labs.engine.sweeps.order import SMALLEST, Order, to_do
from labs.engine.sweeps.progress import Progress
from labs.engine.sweeps.settings import SEED, Setting
from labs.engine.sweeps.studies import default_figures


@dataclass(frozen=True)
class Outcome:
    """What came of a sweep, beside its runs.

    Parameters
    ----------
    forecast
        What was forecast for the runs after the first; None if there were none.
    left
        How many runs were left to do on purpose.
    is_stopped
        Whether it was interrupted.
    selected, confirmed
        The selected setting, and what fresh seeds say of it.
    note
        Why nothing could be selected.
    """

    forecast: Forecast | None = None
    left: int = 0
    is_stopped: bool = False
    selected: selection.Selection | None = None
    confirmed: selection.Confirmation | None = None
    note: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What there is to say of the selection."""
        found = (self.selected, self.confirmed)
        return (*(each.describe() for each in found if each), *([self.note] if self.note else []))

    @property
    def marked(self) -> dict[str, Setting]:
        """The selected setting below the word that it has earned."""
        if not self.selected:
            return {}
        word = "best" if self.confirmed and self.confirmed.is_best else "selected"
        return {word: dict(self.selected.setting)}


def carry_out(
    folder: SweepFolder, order: Order, *, executor: Executor, progress: Progress
) -> Outcome:
    """Do what is not over, and return what came of it.

    Parameters
    ----------
    folder
        Claimed, with its runs asked for.
    order
        What to do.
    executor
        Carries the runs out.
    progress
        Hears of them.

    Raises
    ------
    UsageError
        If runs hand over no result of a name that was asked for.
    RunError
        If runs cannot be carried out at all; those that are over stay.
    """
    crew = _Crew(folder, order, executor, progress)
    waiting = to_do(folder, retry=order.retry)
    first = crew.first(waiting)
    crew.do(first)
    crew.check_results()
    rest = [each for each in waiting if each not in first]
    made = crew.forecast(len(rest))
    if order.is_forecast:
        return Outcome(forecast=made, left=len(rest))
    if made:
        progress.tell(made.describe())
    crew.do(rest)
    if not order.select:
        return Outcome(forecast=made)
    return replace(crew.select(order.select), forecast=made)


def write(folder: SweepFolder, order: Order, *, outcome: Outcome) -> list[Path]:
    """Write the tables and the report of a folder, and return their files, the report first.

    Parameters
    ----------
    folder
        Claimed.
    order
        What was to be done.
    outcome
        What came of it.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    from labs.engine.sweeps import report  # noqa: PLC0415 - matplotlib, once all is done

    rows = table.read_rows(folder)
    files = table.write_tables(folder, rows)
    lab, study = order.design.plan.lab, order.design.study
    figures = study.figures if study else default_figures(table.summarise(rows), order.results)
    page = report.write_report(
        folder,
        figures=figures,
        study=study,
        labels=lab.results if lab else {},
        choice=report.Choice(outcome.sentences, outcome.marked),
        costs=spent(_over(folder), order.grid) if order.grid else {},
    )
    return [page, *files]


@dataclass(frozen=True)
class _Crew:
    """A sweep at work: its folder, what carries out its runs, and who hears of them."""

    folder: SweepFolder
    order: Order
    executor: Executor
    progress: Progress

    def first(self, run_ids: Sequence[str]) -> list[str]:
        """Return the runs to forecast the others by; none if enough are over already."""
        enough = max(2, self.executor.slots)  # of one there is no range
        is_known = len(self._ok()) >= enough
        return [] if is_known and not self.order.is_forecast else spread(run_ids, enough)

    def do(self, run_ids: Sequence[str]) -> None:
        """Carry out some runs of the folder that are not over."""
        work.carry_out(
            self.folder,
            self.order.design.plan,
            executor=self.executor,
            options=work.Options(self.order.retry, self.order.timeout_s, only=run_ids),
            watch=self.progress.watch,
            ended=self.progress.ended,
        )

    def check_results(self) -> None:
        """Refuse names of results that the first runs lack, if all of them have the same ones."""
        had = [set(each["results"]) for each in self._ok()]
        known = list(dict.fromkeys(name for each in self._ok() for name in each["results"]))
        if had and all(each == had[0] for each in had):  # else others may have what these lack
            asked = [*self.order.results, *self.order.select[:1]]
            check_results(asked, known, source=self.folder.target)

    def forecast(self, left: int) -> Forecast | None:
        """Return what runs will take, by those that ended well; None if none did."""
        seen, grid = self._ok(), self.order.grid
        if not (seen and left and grid):
            return None
        return forecast(seen, left, slots=self.executor.slots, grid=grid)

    def select(self, asked: tuple[str, str]) -> Outcome:
        """Select a setting, run it and the next best with fresh seeds, and return what they say."""
        result, way = asked
        plan, asking = self.order.design.plan, self.folder.asking
        origin = Origin(**asking.origins[asking.origin])
        rows = table.read_rows(self.folder)
        outcome = Outcome()
        try:
            chosen = selection.select(table.summarise(rows), result, largest=way != SMALLEST)
            runs = selection.fresh_runs(
                chosen,
                rows,
                count=max(selection.FRESH_COUNT, self.order.design.seeds),
                own_seed=plan.parameters.get(SEED),
                run_id=lambda setting: run_id(plan, setting, origin=origin),
                origin=origin.name,
            )
            outcome = Outcome(selected=chosen)
            self.folder.ask(runs)
            waiting = to_do(self.folder, retry=self.order.retry, purpose="fresh")
            self.progress.expect(len(waiting))
            self.do(waiting)
            fresh = table.summarise(table.read_rows(self.folder), purpose="fresh")
            return replace(outcome, confirmed=selection.confirm(chosen, fresh))
        except UsageError as err:  # the sweep itself is done, and is to be shown
            return replace(outcome, note=f"{result}: {err}")

    def _ok(self) -> list[dict[str, Any]]:
        """Return the records of the runs that ended well."""
        return [each for each in _over(self.folder) if each["status"] == "ok"]


def _over(folder: SweepFolder) -> list[dict[str, Any]]:
    """Return the records of all runs that are over."""
    records = (folder.record(each) for each in folder.current)
    return [each for each in records if each]
