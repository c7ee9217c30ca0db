"""The setting that a result is best at, and fresh seeds to see whether it is as good as it looked.

The best of many means is too good on average: some of what made it the best was luck. So it is
called selected, and nothing more. It and the next best are run again with seeds that had no part in
the selection: those means are not flattered, and only if they differ, as far as the data can show,
is the selected one called best. Nothing is run here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_utils.records import Result
from course_utils.units import format_number
from labs.engine.catalog import did_you_mean
from labs.engine.errors import UsageError
from labs.engine.sweeps.folder import Run
from labs.engine.sweeps.pairs import LEVEL, Pairs, Verdict, fewest_pairs, judge, pair
from labs.engine.sweeps.settings import SEED
from labs.engine.sweeps.table import Row, Summary

# Seeds of sweeps count up from the notebook's own. These begin far from them, so that a sweep with
# more seeds does not reach them later.
FRESH_SEED = 1_000_000
FRESH_COUNT = fewest_pairs()  # seeds with which a difference can be shown at all
# How the labs name what they score on test data.
_TEST_SCORE = re.compile(r"(?:^|_)(?:top\d+|accuracy|f1)(?:_|$)")
_VALIDATION = re.compile(r"(?:^|_)valid")


@dataclass(frozen=True)
class Selection:
    """The setting with the best mean of a result, and the next best.

    Parameters
    ----------
    result
        Its name.
    largest
        Whether the largest mean is the best, else the smallest.
    setting, mean
        The selected setting and what it was selected by: flattered by the selection.
    next_setting, next_mean
        The next best.
    runs
        How many runs each mean is over.
    settings
        How many it was selected from.
    left_out
        How many were not, because fewer of their runs have the result.
    varying
        Names of the parameters in which the settings differ.
    """

    result: str
    largest: bool
    setting: Mapping[str, Any]
    mean: Result
    next_setting: Mapping[str, Any]
    next_mean: Result
    runs: int
    settings: int
    left_out: int
    varying: tuple[str, ...]

    @property
    def is_by_test_score(self) -> bool:
        """Whether the name of the result is that of a score on test data."""
        return bool(_TEST_SCORE.search(self.result)) and not _VALIDATION.search(self.result)

    @property
    def label(self) -> str:
        """The selected setting as text, without what all settings have in common."""
        return self._label(self.setting)

    @property
    def next_label(self) -> str:
        """The next best setting as text."""
        return self._label(self.next_setting)

    def describe(self) -> str:
        """Return in three sentences what was selected, by what, and what that does not say."""
        by = "by its test score" if self.is_by_test_score else "by"
        extreme = "largest" if self.largest else "smallest"
        bias = "high" if self.largest else "low"
        left_out = (
            f" {self.left_out} more took no part: fewer of their runs have it."
            if self.left_out
            else ""
        )
        mean, next_mean = (
            _told(each, self.result, self.runs) for each in (self.mean, self.next_mean)
        )
        return (
            f"Selected {by} {self.result}: {self.label}, with {mean}, the {extreme} of "
            f"{self.settings} settings; next is {self.next_label} with {next_mean}.{left_out} The "
            f"{extreme} of {self.settings} is too {bias} on average: only runs with fresh seeds "
            "say how good this setting is."
        )

    def _label(self, setting: Mapping[str, Any]) -> str:
        return ", ".join(f"{name}={setting[name]}" for name in self.varying if name in setting)


@dataclass(frozen=True)
class Confirmation:
    """What fresh seeds say of a selected setting.

    Parameters
    ----------
    selection
        What was selected.
    fresh
        Mean over the fresh seeds; nothing was selected by it.
    runs
        How many fresh runs it is over.
    pairs
        The next best and the selected setting with the same fresh seeds; None if there are none.
    p_value
        Probability of such a difference by luck alone.
    verdict
        On the selected setting against the next best.
    """

    selection: Selection
    fresh: Result
    runs: int
    pairs: Pairs | None
    p_value: float
    verdict: Verdict

    @property
    def shrinkage(self) -> float:
        """How much worse the fresh mean is than the one that the setting was selected by."""
        worse = self.selection.mean.value - self.fresh.value
        return worse if self.selection.largest else -worse

    @property
    def is_best(self) -> bool:
        """Whether the selected setting was shown to be better than the next best."""
        return self.verdict == ("larger" if self.selection.largest else "smaller")

    def describe(self) -> str:
        """Return what was found, and whether the selected setting may be called best."""
        name, label = self.selection.result, self.selection.label
        change = format_number(abs(self.shrinkage))
        moved = (
            f"{change} {'worse' if self.shrinkage > 0 else 'better'} than"
            if change != "0"
            else "as"
        )
        return (
            f"With fresh seeds {label} has {name} {_told(self.fresh, name, self.runs)}, {moved} "
            f"when it was selected. {self._against_next()}"
        )

    def _against_next(self) -> str:
        other = self.selection.next_label
        if self.pairs is None:
            return f"It is not called best: {other} has no run with the same fresh seeds."
        interval, n = self.pairs.interval, self.pairs.n
        span = ""
        if interval is not None:
            span = f" [{format_number(interval.low)}, {format_number(interval.high)}]"
        found = (
            f"its {self.selection.result} less that of {other} is "
            f"{format_number(self.pairs.difference)}{span} over the same {n} "
            f"seed{'s' * (n != 1)}, p = {format_number(self.p_value)}"
        )
        if self.is_best:
            rest = self.selection.settings - 2
            others = f"; {rest} with worse means not run again" if rest else ""
            return f"It is called best: {found}{others}."
        if self.verdict == "too few seeds":
            needed = f"{FRESH_COUNT} fresh seeds are the fewest that can show a difference"
            return f"It is not called best: {found}; {needed}."
        if self.verdict == "no difference shown":
            return (
                f"It is not called best: {found}, which is above {LEVEL}; more seeds may show it."
            )
        return f"It is not best: {found}."


def select(summaries: Sequence[Summary], result: str, *, largest: bool) -> Selection:
    """Return the setting with the best mean of a result; of equal means the first.

    Only settings with as many finished runs as any other take part: a mean over fewer is moved
    further by luck. Where one seed decides, so does its luck.

    Parameters
    ----------
    summaries
        A sweep's settings, of runs that were asked for and not of fresh ones.
    result
        Name of the result.
    largest
        Whether the largest mean is the best, else the smallest.

    Raises
    ------
    UsageError
        If no setting has such a result, fewer than two can be compared, or all means are equal.
    """
    having = [each for each in summaries if result in each.results]
    if not having:
        known = list(dict.fromkeys(name for each in summaries for name in each.results))
        listed = f"; there are {', '.join(known)}" if known else "; no run has ended well yet"
        raise UsageError(f"no run has a result {result!r}{did_you_mean(result, known)}{listed}")
    most = max(_finished(each, result) for each in having)
    full = [each for each in having if _finished(each, result) == most]
    if len(full) < 2:
        raise UsageError(
            f"{result} of 1 setting among {len(summaries)} is complete: nothing to select from; "
            "sweep two settings at least, and retry runs that failed"
        )
    sign = -1 if largest else 1
    best, following, *_ = sorted(full, key=lambda each: sign * each.results[result].value)
    means = {each.results[result].value for each in full}
    if len(means) == 1:
        value = format_number(means.pop())
        raise UsageError(
            f"all {len(full)} settings have {result} {value}: nothing to select; choose another "
            "result"
        )
    return Selection(
        result=result,
        largest=largest,
        setting=best.setting,
        mean=best.results[result],
        next_setting=following.setting,
        next_mean=following.results[result],
        runs=most,
        settings=len(full),
        left_out=len(summaries) - len(full),
        varying=_varying([each.setting for each in full]),
    )


def fresh_runs(
    selection: Selection,
    rows: Sequence[Row],
    *,
    count: int,
    own_seed: int | None,
    run_id: Callable[[Mapping[str, Any]], str],
    origin: str,
) -> list[Run]:
    """Return runs of the selected setting and the next best with seeds that nothing else used.

    They are the same ones whenever they are asked for, so that a stopped sweep goes on with them.

    Parameters
    ----------
    selection
        What was selected.
    rows
        All runs of the sweep.
    count
        Fresh seeds, >= 1; with fewer than 6 no difference can be shown.
    own_seed
        The notebook's own seed, which runs have used if the sweep set none; None if the notebook
        has no parameter seed.
    run_id
        Name of the run with these parameters, of which those that are not given keep their value.
    origin
        Name of the present origin.

    Raises
    ------
    UsageError
        If the notebook has no seed, or the count is below 1.
    """
    if own_seed is None:
        raise UsageError(
            f"the notebook has no parameter {SEED}, so no fresh seeds can be tried; add one, or "
            "leave out the selection"
        )
    if count < 1:
        raise UsageError(f"{count} fresh seeds; give 1 or more, {FRESH_COUNT} to show a difference")
    used = [row.seed for row in rows if row.purpose == "asked" and row.seed is not None]
    first = max(FRESH_SEED, *(seed + 1 for seed in [own_seed, *used]))
    return [
        Run(run_id(parameters), parameters, origin, purpose="fresh")
        for seed in range(first, first + count)
        for parameters in (
            {**selection.setting, SEED: seed},
            {**selection.next_setting, SEED: seed},
        )
    ]


def confirm(selection: Selection, fresh: Sequence[Summary]) -> Confirmation:
    """Return what runs with fresh seeds say of a selected setting.

    Parameters
    ----------
    selection
        What was selected.
    fresh
        Settings of the sweep, of fresh runs alone; those of other settings have no part.

    Raises
    ------
    UsageError
        If no fresh run of the selected setting has the result.
    """
    name = selection.result
    selected, following = (
        next((each for each in fresh if each.setting == setting and name in each.results), None)
        for setting in (selection.setting, selection.next_setting)
    )
    if selected is None:
        raise UsageError(
            f"no fresh run of {selection.label} has ended with {name}; go on with the sweep, or "
            "retry what failed"
        )
    pairs = pair(_by_seed(following, name), _by_seed(selected, name)) if following else None
    verdict, p_value = judge([pairs])[0] if pairs else ("too few seeds", 1.0)
    return Confirmation(
        selection=selection,
        fresh=selected.results[name],
        runs=_finished(selected, name),
        pairs=pairs,
        p_value=p_value,
        verdict=verdict,
    )


def _finished(summary: Summary, result: str) -> int:
    return sum(result in row.results for row in summary.rows)


def _by_seed(summary: Summary, result: str) -> dict[Any, float]:
    return {row.seed: row.results[result].value for row in summary.rows if result in row.results}


def _varying(settings: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the parameters in which settings differ."""
    names = dict.fromkeys(name for setting in settings for name in setting)
    return tuple(
        name for name in names if any(each.get(name) != settings[0].get(name) for each in settings)
    )


def _told(result: Result, name: str, runs: int) -> str:
    """Return a result with the number of its runs."""
    return f"{result.describe(name)} {f'over {runs} seeds' if runs > 1 else 'in one run'}"
