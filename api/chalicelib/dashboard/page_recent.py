"""The course in words, and the last days, weeks and months as chart and table."""

from collections.abc import Sequence

from chalicelib.dashboard.figures import RECENT
from chalicelib.dashboard.formatting import NOT_REPORTED, count, date, number, text
from chalicelib.dashboard.placeholders import AND_AS_OF
from chalicelib.tabulation.statistics import Statistics
from chalicelib.tabulation.table_text import Table
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Measure

_PERIODS = {
    "daily": ("Last 7 days", "short", "Day"),
    "weekly": ("Last 8 weeks", "day", "Week to"),
    "monthly": ("Last 6 months", "month", "Month"),
}


def course_summary(tables: Tables, its: Statistics, dataset: Dataset) -> str:
    """What the main chart shows, in words."""
    dates = tables.data.dates
    sentences = [f"{count(len(dates), 'date')} from {date(dates[0])} to {date(dates[-1])}."]
    for measure in dataset.measures:
        known = [(mean, n) for n, mean in enumerate(its.means.get(measure.name, ())) if mean is not None]
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


def recent_article(name: str, table: Table, dataset: Dataset, *, query: str = "") -> str:
    title, style, first = _PERIODS[name]
    shown = table.last(RECENT[name])
    head = "".join(f'<th scope="col">{text(measure.label)}</th>' for measure in dataset.measures)
    rows = "".join(_recent_row(shown, n, style, dataset) for n in reversed(range(len(shown.dates))))
    still_open = " The last one is not complete yet." if _is_open(shown) else ""
    return f"""<article aria-labelledby="recent-{name}">
  <h3 id="recent-{name}">{title}</h3>
  <figure class="chart small" aria-labelledby="summary-{name}">
    <div class="plot" data-plot="{name}" role="img" aria-labelledby="recent-{name} summary-{name}"></div>
    <figcaption id="summary-{name}">{_recent_summary(shown, dataset)}{still_open}</figcaption>
  </figure>
  <div class="scroll" tabindex="0" role="region" aria-labelledby="recent-{name}">
  <table><caption class="unseen">{title}: new in each</caption>
  <thead><tr><th scope="col">{first}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>
  <p class="actions"><a href="{name}?format=csv&amp;from={shown.dates[0]}&amp;to={shown.dates[-1]}{query}{AND_AS_OF}"
   download>Download as CSV</a></p>
</article>"""


def _is_open(table: Table) -> bool:
    """Whether the last row stands for less than it will."""
    return not (table.complete or [True])[-1]


def _recent_row(table: Table, n: int, style: str, dataset: Dataset) -> str:
    label = date(table.dates[n], style=style)
    if n == len(table.dates) - 1 and _is_open(table):
        label += ' <span class="open">so far</span>'
    cells = "".join(f"<td>{number(table.values[name][n])}</td>" for name in dataset.measure_names)
    return f'<tr><th scope="row">{label}</th>{cells}</tr>'


def _recent_summary(table: Table, dataset: Dataset) -> str:
    """The sum of what is shown, in words."""
    told = []
    for measure in dataset.measures:
        known = [value for value in table.values[measure.name] if value is not None]
        label = text(measure.label.lower())
        told.append(f"{number(sum(known))} {label}" if known else f"{label} not reported")
    return f"In all {', '.join(told)}."


def null_note(tables: Tables, its: Statistics, dataset: Dataset) -> str:
    gone = [measure for measure in dataset.measures if tables.data.values[measure.name][-1] is None]
    shown = [table.last(RECENT[name]) for name, table in tables.increments().items()]
    blank = any(value is None for table in shown for column in table.values.values() for value in column)
    notes = [f"{NOT_REPORTED} means not reported: it is not zero."] if blank else []
    for measure in gone:
        last = its.last_reported[measure.name]
        notes.append(f"{text(measure.label)} were last reported for {date(last)}." if last else "")
    return f'<p class="note">{" ".join(notes)}</p>' if notes else ""
