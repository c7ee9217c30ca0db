"""How late a submission is and what that costs: the late rule as pure arithmetic.

A day late ends at the hour of the deadline on the clock of the course's time zone, so the night in
which the clocks change makes no one late. When something was handed in is known from Moodle's
worksheet alone: without it lateness is unknown (None), and what is unknown costs nothing. Nothing
here reads a file; `grading.rules.extensions` moves deadlines, `grading.rules.late_ledger` keeps
free days.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction

from grading.rules.totals import exact, rounded


@dataclass(frozen=True)
class LateRule:
    """The table ``[late]`` of course.toml. The default rule costs nothing.

    Parameters
    ----------
    grace_minutes
        Minutes after the deadline that are still in time.
    percent_per_day
        Share of the points reached that a day late costs [%].
    per_started_day
        Whether a started day counts as a whole one; else it counts by the minute.
    cap_percent
        The most that lateness costs [%], as long as it is not later than `last_day`.
    last_day
        Later than so many days nothing counts; None: there is no such day.
    free_days
        Late days over the whole term that cost a person nothing.
    """

    grace_minutes: float = 0.0
    percent_per_day: float = 0.0
    per_started_day: bool = True
    cap_percent: float = 100.0
    last_day: float | None = None
    free_days: float = 0.0


@dataclass(frozen=True)
class Lateness:
    """How late something is, and what that costs.

    Parameters
    ----------
    days
        Days late; None if unknown.
    free_days
        How many of them came from the free days of the term.
    charged_days
        How many of them cost something.
    percent
        Share of the points reached that is deducted [%], 0 to 100.
    sentence
        All of this in a sentence for the student.
    """

    days: float | None
    free_days: float
    charged_days: float
    percent: float
    sentence: str

    @property
    def factor(self) -> float:
        """Share of the points reached that counts, 0 to 1."""
        return float(1 - exact(self.percent) / 100)

    def points(self, reached: float) -> float:
        """Return the points that count of those reached, to 2 digits.

        Examples
        --------
        >>> penalty(2, LateRule(percent_per_day=10)).points(8.5)
        6.8
        """
        counted = exact(reached) * (100 - exact(self.percent)) / 100
        return float(rounded(counted, Fraction(1, 100)))


def localised(naive: datetime, zone: tzinfo, *, is_later: bool = False) -> datetime:
    """Return a time of the clock on the wall with its time zone.

    Parameters
    ----------
    naive
        Date and time without a zone.
    zone
        The course's time zone.
    is_later
        Which of two is meant in the hour that the clock repeats in autumn: deadlines take the
        later one, submissions the earlier one, both in favour of the student.
    """
    return naive.replace(tzinfo=zone, fold=int(is_later))


def does_exist(moment: datetime) -> bool:
    """Say whether the clock of a time zone ever shows this; one hour in spring is left out.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> does_exist(datetime(2027, 3, 28, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")))
    False
    """
    there_and_back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return there_and_back.replace(tzinfo=None) == moment.replace(tzinfo=None)


def late_days(
    submitted: datetime | None, deadline: datetime | None, *, rule: LateRule
) -> float | None:
    """Return how many days late something is; None if either time is unknown.

    Parameters
    ----------
    submitted, deadline
        Times with time zones; the deadline as extended. Days end at the deadline's hour in the
        deadline's own zone.
    rule
        Its grace moves the deadline; it also says whether started days count whole.

    Examples
    --------
    >>> deadline = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    >>> late_days(deadline + timedelta(minutes=10), deadline, rule=LateRule(grace_minutes=15))
    0.0
    >>> late_days(deadline + timedelta(minutes=16), deadline, rule=LateRule(grace_minutes=15))
    1.0
    """
    if submitted is None or deadline is None:
        return None
    grace = timedelta(minutes=rule.grace_minutes)
    end = (deadline.astimezone(UTC) + grace).astimezone(deadline.tzinfo)
    late_s = _seconds(end, submitted)
    if late_s <= 0:
        return 0.0
    days = max(0, math.floor(late_s / 86_400) - 1)  # a change of the clock is less than a day
    while _seconds(_days_after(end, days + 1), submitted) > 0:
        days += 1
    if rule.per_started_day:
        return float(days + 1)
    begun = _days_after(end, days)
    return days + _seconds(begun, submitted) / _seconds(begun, _days_after(end, days + 1))


def penalty(days: float | None, rule: LateRule, *, free_days_left: float = 0.0) -> Lateness:
    """Return what so many late days cost.

    Parameters
    ----------
    days
        From `late_days`.
    rule
        The course's rule.
    free_days_left
        What is left of the free days of the term (`grading.rules.late_ledger`).

    Examples
    --------
    >>> late = penalty(3, LateRule(percent_per_day=10, free_days=5), free_days_left=1)
    >>> (late.charged_days, late.percent, late.factor)
    (2.0, 20.0, 0.8)
    >>> late.sentence
    'Handed in 3 days late, 1 of it free: 20 % of the points are deducted.'
    """
    if days is None:
        text = "When this was handed in is not known here, so lateness costs nothing."
        return Lateness(None, 0.0, 0.0, 0.0, text)
    if days <= 0:
        return Lateness(0.0, 0.0, 0.0, 0.0, "Handed in on time.")
    if is_too_late(days, rule):
        text = f"Handed in {shown_days(days)} late: later than {rule.last_day:g} counts nothing."
        return Lateness(float(days), 0.0, float(days), 100.0, text)
    free = free_days_spent(days, rule, free_days_left=free_days_left)
    charged = float(exact(days) - exact(free))
    percent = float(
        min(exact(rule.cap_percent), exact(charged) * exact(rule.percent_per_day), Fraction(100))
    )
    return Lateness(float(days), free, charged, percent, _sentence(days, free, percent=percent))


def is_too_late(days: float, rule: LateRule) -> bool:
    """Say whether something so late counts nothing, whatever free days are left."""
    return rule.last_day is not None and days > rule.last_day


def free_days_spent(days: float, rule: LateRule, *, free_days_left: float) -> float:
    """Return how many free days a submission uses up: none where they cannot help.

    Parameters
    ----------
    days
        Days late.
    rule
        The course's rule.
    free_days_left
        What is left before this submission.
    """
    if days <= 0 or is_too_late(days, rule) or rule.percent_per_day == 0:
        return 0.0
    return float(max(0.0, min(days, free_days_left)))


def shown_days(days: float) -> str:
    """Return a number of days as a person reads it.

    Examples
    --------
    >>> [shown_days(1.0), shown_days(2.0), shown_days(0.51234)]
    ['1 day', '2 days', '0.512 days']
    """
    return f"{days:.3g} day{'' if days == 1 else 's'}"


def _sentence(days: float, free: float, *, percent: float) -> str:
    spent = f", {'all' if free == days else f'{free:.3g}'} of it free" if free else ""
    cost = f"{percent:.3g} % of the points are deducted" if percent else "nothing is deducted"
    return f"Handed in {shown_days(days)} late{spent}: {cost}."


def _days_after(moment: datetime, days: int) -> datetime:
    """Return the same hour some days later; of two in the hours of a change, the later one."""
    if days == 0:
        return moment
    there = moment + timedelta(days=days)
    return max(there.replace(fold=0), there.replace(fold=1), key=lambda each: each.astimezone(UTC))


def _seconds(start: datetime, end: datetime) -> float:
    """Return the time that passes between two moments [s].

    Python subtracts two times of one zone as the wall clock shows them, which is an hour off on
    two nights of the year.
    """
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds()
