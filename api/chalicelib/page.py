"""The dashboard's HTML: everything that can be said when a run commits. It reads without JavaScript.

What is only known when somebody asks (whether a newer run came to nothing, when the next is due, which date the page
is turned back to) is left open in marks that `chalicelib.live` fills in.
"""

import datetime as dt
import functools
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from string import Template

from chalicelib.assets import Assets
from chalicelib.encoding import Table
from chalicelib.figures import RECENT, last_reported, seven_day_mean
from chalicelib.formatting import NOT_REPORTED, count, date, moment, number, percent, text
from chalicelib.histories import Revision
from chalicelib.marks import AND_AS_OF, AS_OF_VALUE, FRESHNESS, NOTICE, QUERY_AS_OF, RUNS
from chalicelib.sparkline import sparkline
from chalicelib.tabulating import Tables
from shared.dataset import Dataset, Measure
from shared.runs import Run

REVISIONS_LISTED = 40

_PERIODS = {
    "daily": ("Last 7 days", "short", "Day"),
    "weekly": ("Last 8 weeks", "day", "Week to"),
    "monthly": ("Last 6 months", "month", "Month"),
}
_PLOTLY_STYLE = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"
"""plotly.js adds a style sheet for its maps unless there is an element of this id; the policy would refuse it."""

_API = ("data", "daily", "weekly", "monthly", "runs", "changes", "changes.atom", "health", "openapi.json")


def render_page(run: Run, tables: Tables, changes: Sequence[Revision], *, dataset: Dataset, assets: Assets) -> str:
    """The page after a run, with the marks still open."""
    body = _template("page_body.html").substitute(
        measure_switches="\n      ".join(_switch(n, measure) for n, measure in enumerate(dataset.measures)),
        first_date=tables.data.dates[0],
        last_date=tables.data.dates[-1],
        course_summary=_course_summary(tables, dataset),
        and_as_of=AND_AS_OF,
        recent="\n".join(_recent(name, table, dataset) for name, table in tables.increments().items()),
        null_note=_null_note(tables, dataset),
        revisions=_revisions(run, changes, dataset),
        runs=RUNS,
    )
    latest = tables.data.dates[-1]
    return frame(
        dataset,
        assets,
        run_id=run.run_id,
        latest_heading=date(latest, style="long"),
        stats="\n".join(_stat(n, measure, tables) for n, measure in enumerate(dataset.measures)),
        body=body,
    )


def frame(dataset: Dataset, assets: Assets, *, run_id: str, latest_heading: str, stats: str, body: str) -> str:
    """The page around what there is to show."""
    return _template("page.html").substitute(
        title=text(dataset.title),
        description=text(f"{dataset.title}: the latest numbers, their course, and which past days were revised."),
        icon=assets.name("icon.svg"),
        style=assets.name("page.css"),
        plotly_style=_PLOTLY_STYLE,
        theme_script=assets.name("theme.js"),
        script=assets.name("page.js"),
        plotly=assets.name("plotly-basic.min.js"),
        run_id=run_id,
        query_as_of=QUERY_AS_OF,
        as_of_value=AS_OF_VALUE,
        notice=NOTICE,
        latest_heading=latest_heading,
        stats=stats,
        freshness=FRESHNESS,
        body=body,
        credits="".join(f"<li>{text(credit)}</li>" for credit in dataset.credits),
        api_links=", ".join(f'<a href="{path}">/{path}</a>' for path in _API) + ".",
    )


def render_empty_page(dataset: Dataset, assets: Assets) -> str:
    """The page before the first commit."""
    body = f'<section aria-labelledby="runs"><h2 id="runs">Runs</h2>{RUNS}</section>'
    stats = "<p>The first run has not been committed yet. Until then there is nothing to show.</p>"
    return frame(dataset, assets, run_id="", latest_heading="No data yet", stats=stats, body=body)


# --- the latest numbers ----------------------------------------------------------------------------------------


def _stat(n: int, measure: Measure, tables: Tables) -> str:
    day = last_reported(tables.data, measure.name)
    if day is None:
        return _card(n, measure, number(None), "<p>Never reported.</p>", "")
    at = tables.data.dates.index(day)
    total, new = tables.data.values[measure.name][at], tables.daily.values[measure.name][at]
    means = seven_day_mean(tables.daily.dates, tables.daily.values[measure.name])
    lines = [f'<p class="new">{number(new, sign=True)} <span>new on {date(day, style="short")}</span></p>']
    lines.append(_week_line(tables.daily.dates, means, at))
    if at < len(tables.data.dates) - 1:
        lines.append(f'<p class="stopped">Not reported after {date(day)}.</p>')
    return _card(n, measure, number(total), "".join(lines), sparkline(means[: at + 1][-56:]))


def _card(n: int, measure: Measure, total: str, lines: str, line: str) -> str:
    label = f'<h3><span class="key"></span>{text(measure.label)}</h3>'
    return f'<div class="stat m{n % 6}">{label}<p class="total">{total}</p>{lines}{line}</div>'


def _week_line(dates: Sequence[str], means: Sequence[float | None], at: int) -> str:
    """The mean of the last seven days and its change on the seven before."""
    mean = means[at]
    if mean is None:
        return ""
    before = _mean_a_week_before(dates, means, at)
    change = "" if not before else f", {_arrow(mean - before)} {percent(mean / before - 1)} on the week"
    return f'<p class="week">7-day mean {number(mean)}{change}</p>'


def _mean_a_week_before(dates: Sequence[str], means: Sequence[float | None], at: int) -> float | None:
    day = (dt.date.fromisoformat(dates[at]) - dt.timedelta(days=7)).isoformat()
    return next((mean for there, mean in zip(dates, means, strict=True) if there == day), None)


def _arrow(change: float) -> str:
    return '<span aria-hidden="true">' + ("▲" if change > 0 else "▼" if change < 0 else "=") + "</span>"


def _switch(n: int, measure: Measure) -> str:
    box = f'<input type="checkbox" name="measure" value="{text(measure.name)}" data-index="{n}" checked>'
    return f'<label class="m{n % 6}">{box}<span>{text(measure.label)}</span></label>'


# --- the course and the recent past ----------------------------------------------------------------------------


def _course_summary(tables: Tables, dataset: Dataset) -> str:
    """What the main chart shows, in words."""
    dates = tables.data.dates
    sentences = [f"{count(len(dates), 'date')} from {date(dates[0])} to {date(dates[-1])}."]
    for measure in dataset.measures:
        means = seven_day_mean(tables.daily.dates, tables.daily.values[measure.name])
        known = [(mean, n) for n, mean in enumerate(means) if mean is not None]
        if known:
            sentences.append(_peak(measure, known, dates))
    return " ".join(sentences)


def _peak(measure: Measure, known: Sequence[tuple[float, int]], dates: Sequence[str]) -> str:
    """Where the 7-day mean of a measure was highest, and where it ends."""
    peak, n = max(known, key=lambda pair: pair[0])
    last, at = known[-1]
    said = f"{text(measure.label)}: the 7-day mean of new ones"
    if n == at:
        return f"{said} is the highest ever at the end, {number(last)} a day."
    return f"{said} was highest on {date(dates[n])}, {number(peak)} a day, and ends at {number(last)}."


def _recent(name: str, table: Table, dataset: Dataset) -> str:
    title, style, first = _PERIODS[name]
    shown = table.last(RECENT[name])
    head = "".join(f'<th scope="col">{text(measure.label)}</th>' for measure in dataset.measures)
    rows = "".join(_recent_row(shown, n, style, dataset) for n in reversed(range(len(shown.dates))))
    still_open = " The last one is not complete yet." if shown.is_open(shown.dates[-1]) else ""
    return f"""<article aria-labelledby="recent-{name}">
  <h3 id="recent-{name}">{title}</h3>
  <figure class="chart small" aria-labelledby="summary-{name}">
    <div class="plot" data-plot="{name}" role="img" aria-labelledby="recent-{name} summary-{name}"></div>
    <figcaption id="summary-{name}">{_recent_summary(shown, dataset)}{still_open}</figcaption>
  </figure>
  <div class="scroll" tabindex="0" role="region" aria-labelledby="recent-{name}">
  <table><caption class="unseen">{title}: new in each</caption>
  <thead><tr><th scope="col">{first}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>
  <p class="actions"><a href="{name}?format=csv&amp;from={shown.dates[0]}&amp;to={shown.dates[-1]}{AND_AS_OF}"
   download>Download as CSV</a></p>
</article>"""


def _recent_row(table: Table, n: int, style: str, dataset: Dataset) -> str:
    label = date(table.dates[n], style=style)
    if table.is_open(table.dates[n]):
        label += ' <span class="open">so far</span>'
    cells = "".join(f"<td>{number(table.values[name][n])}</td>" for name in dataset.measure_names)
    return f'<tr><th scope="row">{label}</th>{cells}</tr>'


def _recent_summary(table: Table, dataset: Dataset) -> str:
    """The sum of what is shown, in words."""
    sums = []
    for measure in dataset.measures:
        known = [value for value in table.values[measure.name] if value is not None]
        sums.append(f"{number(sum(known)) if known else NOT_REPORTED} {text(measure.label.lower())}")
    return f"In all {', '.join(sums)}."


def _null_note(tables: Tables, dataset: Dataset) -> str:
    gone = [measure for measure in dataset.measures if tables.data.values[measure.name][-1] is None]
    shown = [table.last(RECENT[name]) for name, table in tables.increments().items()]
    blank = any(value is None for table in shown for column in table.values.values() for value in column)
    notes = [f"{NOT_REPORTED} means not reported: it is not zero."] if blank else []
    for measure in gone:
        last = last_reported(tables.data, measure.name)
        notes.append(f"{text(measure.label)} were last reported for {date(last)}." if last else "")
    return f'<p class="note">{" ".join(notes)}</p>' if notes else ""


# --- the revisions ---------------------------------------------------------------------------------------------


def _revisions(run: Run, changes: Sequence[Revision], dataset: Dataset) -> str:
    if not changes:
        return f"<p>{_last_run(run)} No run has revised a past date yet.</p>"
    labels = {measure.name: measure.label for measure in dataset.measures}
    columns = 6 if dataset.has_series else 5
    rows = "".join(
        f'<tbody><tr class="group"><th colspan="{columns}" scope="rowgroup">Run of {date(run_id[:10])}</th></tr>'
        + "".join(_revision_row(change, labels, dataset) for change in group)
        + "</tbody>"
        for run_id, group in groupby(changes[:REVISIONS_LISTED], key=lambda change: change.run_id)
    )
    more = (
        f'<p class="quiet">The newest {REVISIONS_LISTED} of {len(changes):,} revisions; all of them are in'
        ' <a href="changes">the change sets</a>.</p>'
        if len(changes) > REVISIONS_LISTED
        else ""
    )
    series = '<th scope="col" class="words">Series</th>' if dataset.has_series else ""
    return f"""<p>{_last_run(run)}</p>
  <figure class="chart revisions" aria-labelledby="revisions-summary">
    <div class="plot" data-plot="revisions" role="img" aria-labelledby="revised revisions-summary"></div>
    <figcaption id="revisions-summary">{_revisions_summary(changes)} A row is a run, a mark a value that was
    published before and that the run changed: it points up or down, and its size says how much.</figcaption>
  </figure>
  <details open><summary>The revisions as a table</summary>
  <div class="scroll tall" tabindex="0" role="region" aria-label="Revisions">
  <table><caption class="unseen">Values that were published before and changed later, newest run first</caption>
  <thead><tr><th scope="col">Date</th>{series}
  <th scope="col" class="words">Measure</th>
  <th scope="col">Before</th><th scope="col">After</th><th scope="col">Difference</th></tr></thead>
  {rows}</table></div>{more}</details>"""


def _last_run(run: Run) -> str:
    link = f'<a href="runs/{run.run_id}/changes">change set</a>'
    return (
        f"The last change came with the run of {moment(run.run_id)}: {count(run.added, 'date')} added,"
        f" {run.changed:,} changed, {run.removed:,} removed ({link})."
    )


def _revisions_summary(changes: Sequence[Revision]) -> str:
    runs = len({change.run_id for change in changes})
    return f"{count(len(changes), 'value')} of past dates changed in {count(runs, 'run')}."


def _revision_row(change: Revision, labels: dict[str, str], dataset: Dataset) -> str:
    series = f'<td class="words">{text(change.series)}</td>' if dataset.has_series else ""
    after = "removed" if change.removed else number(change.new)
    return (
        f'<tr><th scope="row"><a href="data/{change.date}{QUERY_AS_OF}">{date(change.date)}</a></th>{series}'
        f'<td class="words">{text(labels[change.measure])}</td>'
        f"<td>{number(change.old)}</td><td>{after}</td>"
        f"<td>{number(change.difference, sign=True)}</td></tr>"
    )


@functools.cache
def _template(name: str) -> Template:
    return Template((Path(__file__).parent / name).read_text())
