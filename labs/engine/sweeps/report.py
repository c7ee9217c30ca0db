"""The report on a sweep: one page with its figures, its settings, what failed and where from.

It is a page of `labs.engine.pages`: one file that needs no network and no script, and that shows
whatever stands in a notebook, a parameter or an error as text. It says what is missing as plainly
as what is there, so it can be written at any time. Nothing is run here.
"""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils import units
from course_utils.errors import MeasurementError
from course_utils.records import Result, write_atomically
from labs.engine.errors import RunError
from labs.engine.pages import Markup, block, cell, element, join, line, page, plural, table, tag
from labs.engine.sweeps import facts
from labs.engine.sweeps.folder import LOG, NOTEBOOK, RUNS, SweepFolder
from labs.engine.sweeps.layout import DEFAULT, described, shown, varying
from labs.engine.sweeps.settings import SEED, Setting
from labs.engine.sweeps.studies import Figure, Study
from labs.engine.sweeps.table import Row, Summary, read_rows, summarise

REPORT = "report.html"
MOST_SETTINGS = 200  # rows of a table; the others are in the tables beside the page
MOST_REASONS, MOST_EXAMPLES = 20, 3
USUAL_RESULTS = 4  # that come first if nobody said which matter
_MAX_SAID = 1_000


@dataclass(frozen=True)
class Choice:
    """A setting that was selected, and what is known of it.

    Parameters
    ----------
    sentences
        That say it.
    marked
        Word -> a setting that gets this word in the figures and in the table.
    """

    sentences: tuple[str, ...] = ()
    marked: Mapping[str, Setting] = field(default_factory=dict)


def write_report(
    folder: SweepFolder,
    *,
    figures: Sequence[Figure] = (),
    study: Study | None = None,
    labels: Mapping[str, str] | None = None,
    choice: Choice | None = None,
    costs: Mapping[str, Result] | None = None,
) -> Path:
    """Write the report into the folder of a sweep, whole or not at all, and return its path.

    Parameters
    ----------
    folder
        Its runs of the present origin are reported, whether they are over or not.
    figures
        To draw, in order.
    study
        Gives title and sentence.
    labels
        Name of a result -> the sentence that says what it is.
    choice
        The selected setting.
    costs
        Name of a result -> what all runs took of it, such as ``energy_j``.

    Raises
    ------
    RunError
        If the folder cannot be written.
    """
    rows = read_rows(folder)
    records = [record for run_id in folder.current if (record := folder.record(run_id))]
    summaries, choice = summarise(rows), choice or Choice()
    results = _chosen(folder, summaries, figures)
    title = study.title if study else folder.target
    planned = f"The study as planned: {study.sentence}" if study else ""
    text = page(
        f"Sweep: {title}",
        element("p", f"Sweep of {line(folder.target)}", class_="kicker"),
        element("h1", line(title)),
        *([element("p", line(planned, characters=_MAX_SAID))] if study else []),
        _counts(rows),
        *_selected(choice),
        *_figures(figures, summaries, choice, data=facts.data_of(records)),
        *_settings(summaries, results, choice),
        *_fresh(summarise(rows, purpose="fresh"), results),
        *_meanings(summaries, labels or {}),
        *_failed(rows),
        *_left_out(folder),
        *_asked(folder, rows),
        *_provenance(folder, records, costs or {}),
        is_wide=len(results) + len(varying([each.setting for each in summaries])) > 6,
    )
    return _saved(folder.path / REPORT, text)


def _saved(path: Path, text: str) -> Path:
    try:
        return write_atomically(path, text)
    except OSError as err:
        raise RunError(
            f"cannot write {path}: {err.strerror or err}; no finished run is lost; free some space "
            "and give the same command again"
        ) from err


def _chosen(
    folder: SweepFolder, summaries: Sequence[Summary], figures: Sequence[Figure]
) -> list[str]:
    """Return the results that come first: those asked for, those drawn, or the first few."""
    known = dict.fromkeys(name for each in summaries for name in each.results)
    drawn = [name for figure in figures for name in (figure.y, figure.x)]
    for names in (folder.asking.results, drawn, list(known)[:USUAL_RESULTS]):
        if found := [name for name in dict.fromkeys(names) if name in known]:
            return found
    return []


def _counts(rows: Sequence[Row]) -> Markup:
    """Return how many runs there are in each state."""
    asked = [row for row in rows if row.purpose == "asked"]
    words = {"ok": "ended well", "failed": "failed", "open": "not over"}
    shades = {"ok": "good", "failed": "bad", "open": "wait"}
    states = [row.state if row.state in words else "open" for row in asked]
    parts = [
        join(" ", tag(f"{states.count(state):,} {word}", shade=shades[state]))
        for state, word in words.items()
        if state in states
    ]
    fresh = len(rows) - len(asked)
    more = f", and {plural(fresh, 'run')} with fresh seeds" if fresh else ""
    return element(
        "p", plural(len(asked), "run"), ":" if parts else "", *parts, more, class_="total"
    )


def _selected(choice: Choice) -> Iterable[Markup]:
    if choice.sentences:
        yield element("h2", "Selected setting")
        for text in choice.sentences:
            yield element("p", line(text, characters=_MAX_SAID), class_="theirs")


def _figures(
    figures: Sequence[Figure], summaries: Sequence[Summary], choice: Choice, *, data: str
) -> Iterable[Markup]:
    if not figures:
        return
    from labs.engine.sweeps.figures import draw  # noqa: PLC0415 - matplotlib, only if one is drawn

    yield element("h2", "Figures" if figures[1:] else "Figure")
    for figure in figures:
        try:
            drawing = draw(figure, summaries, marked=choice.marked, data=data)
        except MeasurementError as err:
            yield element(
                "p", f"{line(figure.title or figure.y)}: not drawn, {err}.", class_="soft"
            )
            continue
        image = base64.b64encode(drawing.svg()).decode("ascii")
        width, height = (f"{120 * side:.0f}" for side in drawing.canvas.get_size_inches())
        source = f"data:image/svg+xml;base64,{image}"
        picture = element("img", src=source, alt=drawing.alt, width=width, height=height)
        scrolled = element("div", picture, class_="scroll")  # on a phone, else it is too small
        yield element("figure", scrolled, element("figcaption", drawing.caption))


def _settings(
    summaries: Sequence[Summary], results: Sequence[str], choice: Choice
) -> Iterable[Markup]:
    """Return the table of settings, and one of all results that is folded."""
    if not summaries:
        return
    known = list(dict.fromkeys(name for each in summaries for name in each.results))
    yield element("h2", "Settings")
    caption = (
        "Mean over seeds with Student's t interval of 95 %; of a single run, its own interval"
        if any(each.over_seeds for each in summaries)
        else "Each setting has a single run, with its own interval"
    )
    if len(summaries) > MOST_SETTINGS:
        caption += f". The first {MOST_SETTINGS} of {len(summaries):,}; summary.csv has all"
    yield _table(summaries, results, choice, caption=caption)
    if rest := [name for name in known if name not in results]:
        inner = _table(summaries, rest, choice, caption="The same for the other results")
        yield element("details", element("summary", plural(len(rest), "more result")), inner)


def _fresh(summaries: Sequence[Summary], results: Sequence[str]) -> Iterable[Markup]:
    if summaries:
        yield element("h3", "Fresh seeds")
        caption = "Runs with seeds that took no part in the selection; not in the table above"
        yield _table(summaries, results, Choice(), caption=caption)


def _table(
    summaries: Sequence[Summary], results: Sequence[str], choice: Choice, *, caption: str
) -> Markup:
    names = list(dict.fromkeys(name for each in summaries for name in each.setting))
    has_open = any(each.failed or each.open for each in summaries)
    header = [
        *(names or ["Setting"]),
        *(_head(name, summaries) for name in results),
        "#n",
        *(["#failed", "#not over"] if has_open else []),
    ]
    lines = []
    for each in summaries[:MOST_SETTINGS]:
        words = [word for word, it in choice.marked.items() if dict(it) == dict(each.setting)]
        values = [shown(each.setting.get(name, DEFAULT)) for name in names] or ["all defaults"]
        tags = [join(" ", tag(line(word), shade="some")) for word in words]
        counts = [len(each.rows), *([each.failed, each.open] if has_open else [])]
        lines.append(
            [
                cell(line(values[0]), *tags, is_head=True),
                *(cell(line(value)) for value in values[1:]),
                *(_value(each.results.get(name), runs=len(each.rows)) for name in results),
                *(cell(f"{count:,}", is_number=True) for count in counts),
            ]
        )
    return table(header, lines, caption=caption)


def _head(name: str, summaries: Sequence[Summary]) -> Markup:
    """Return a result's name, below it its unit, and its kind if it was not measured."""
    kinds = {each.results[name].kind for each in summaries if name in each.results}
    unit = units.unit_of(name)
    words = [*([f"[{unit}]"] if unit else []), *sorted(kinds - {"measured"})]
    return join(line(name), element("br"), element("small", ", ".join(words)))


def _value(result: Result | None, *, runs: int) -> Markup:
    if result is None:
        return cell("none", is_number=True)
    value, interval = _written(result)
    n = f"n = {result.n}" if runs > 1 and result.n != runs else ""
    small = " ".join(filter(None, (interval, n)))
    return cell(value, *([element("small", small)] if small else []), is_number=True)


def _written(result: Result) -> tuple[str, str]:
    """Return a result's value with three digits, more if its interval is narrow, and the interval.

    Examples
    --------
    >>> _written(Result(0.912345, 0.91224, 0.91244, n=3, kind="measured"))
    ('0.91234', '[0.91224, 0.91244]')
    >>> _written(Result(0.0155, -0.11, 0.141, n=2, kind="measured"))
    ('0.0155', '[-0.1100, 0.1410]')
    >>> _written(Result(22604, 22604, 22604, n=1, kind="counted"))
    ('22,604', '')
    """
    width = result.high - result.low
    if width == 0:
        return units.format_number(result.value, digits=4), ""
    form = ".4g"
    if abs(result.value) < 1e12 and 1e-7 < width < 1e12:
        by_width = 1 - math.floor(math.log10(width))
        by_value = 2 - math.floor(math.log10(abs(result.value))) if result.value else by_width
        form = f",.{max(0, by_width, min(by_value, by_width + 2))}f"
    return f"{result.value:{form}}", f"[{result.low:{form}}, {result.high:{form}}]"


def _meanings(summaries: Sequence[Summary], labels: Mapping[str, str]) -> Iterable[Markup]:
    names = dict.fromkeys(name for each in summaries for name in each.results)
    items = [
        part
        for name in names
        if name in labels
        for part in (
            element("dt", element("code", name)),
            element("dd", line(labels[name], characters=_MAX_SAID)),
        )
    ]
    if items:
        summary = element("summary", "What the results are")
        yield element("details", summary, element("dl", *items))


def _failed(rows: Sequence[Row]) -> Iterable[Markup]:
    """Return the failed runs, those with the same reason together."""
    reasons: dict[str, list[Row]] = {}
    for row in rows:
        if row.state == "failed":
            reasons.setdefault(row.error, []).append(row)
    if not reasons:
        return
    yield element("h2", "Failed runs")
    lines = []
    for reason, failed in list(reasons.items())[:MOST_REASONS]:
        places = [
            element("li", _said(row), ": ", element("code", f"{RUNS}/{row.run_id}/"))
            for row in failed[:MOST_EXAMPLES]
        ]
        more = len(failed) - len(places)
        places += [element("li", f"and {plural(more, 'run')} more")] if more else []
        lines.append(
            [
                cell(
                    element("span", line(reason, characters=_MAX_SAID), class_="theirs"),
                    is_head=True,
                ),
                cell(f"{len(failed):,}", is_number=True),
                cell(element("ul", *places)),
            ]
        )
    caption = f"Why, and where: in each folder {LOG} says more, {NOTEBOOK} shows how far it came"
    if more := len(reasons) - len(lines):
        caption += f". {plural(more, 'more reason')} in results.csv"
    yield table(("Reason", "#Runs", "Where"), lines, caption=caption)


def _said(row: Row) -> str:
    """Return setting and seed of a run."""
    values = dict(row.setting) | ({} if row.seed is None else {SEED: row.seed})
    return line(described(values, list(values))) or "all defaults"


def _left_out(folder: SweepFolder) -> Iterable[Markup]:
    if said := facts.earlier_runs(folder):
        yield element("h2", "Runs of earlier code or versions")
        yield element("p", "They are kept in the folder, and not mixed with those above.")
        yield element("ul", *(element("li", line(text, characters=_MAX_SAID)) for text in said))


def _asked(folder: SweepFolder, rows: Sequence[Row]) -> Iterable[Markup]:
    """Return how this was asked for, and how to go on."""
    asking = folder.asking
    yield element("h2", "How it was made")
    if asking.command:
        yield block(asking.command, characters=4_000, lines=40)
    if any(row.state not in ("ok", "failed") for row in rows):
        then = "The same line again goes on with what is not over"
    else:
        then = "Nothing is left to do; the same line again finds every run finished"
    retry = "; with --retry it tries failed runs again" if _has_failed(rows) else ""
    yield element("p", f"{then}{retry}. It writes this page anew.")


def _has_failed(rows: Iterable[Row]) -> bool:
    return any(row.state == "failed" for row in rows)


def _provenance(
    folder: SweepFolder, records: Sequence[facts.Record], costs: Mapping[str, Result]
) -> Iterable[Markup]:
    asking = folder.asking
    found = {
        "Study": [asking.study],
        "Preset": [asking.preset],
        **facts.facts_of(asking, records),
        "Energy and carbon": facts.costs_of(costs),
    }
    items = []
    for name, lines in found.items():
        if any(lines):
            items.append(element("dt", name))
            texts = [element("div", line(text, characters=_MAX_SAID)) for text in lines]
            items.append(element("dd", *texts))
    yield element("dl", *items)
