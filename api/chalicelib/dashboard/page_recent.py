"""The course in words, and the last days, weeks and months as chart and table."""

from collections.abc import Iterator, Sequence

from chalicelib.dashboard.formatting import NOT_REPORTED, count, date, number, text
from chalicelib.dashboard.periods import CHOICES, WORDS, days_in, own_table, recent_from
from chalicelib.dashboard.placeholders import AND_AS_OF
from chalicelib.tabulation.spans import By
from chalicelib.tabulation.statistics import Statistics
from chalicelib.tabulation.table_text import Table
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Kind, Measure
from shared.exact import Number


def course_summary(tables: Tables, its: Statistics, dataset: Dataset) -> str:
    """What the main chart shows, in words."""
    dates, by = tables.data.dates, own_table(dataset.period)
    what = {"daily": "date", "weekly": "week", "monthly": "month"}[by]
    sentences = [f"{count(len(dates), what)} from {date(dates[0])} to {date(dates[-1])}."]
    for measure in dataset.measures:
        if measure.name in its.means:
            sentences += _mean_peak(measure, its.means[measure.name], dates)
        elif measure.adds_up:
            sentences += _peak(measure, tables.increments()[by], by)
        else:
            sentences += _range(measure, tables.data)
    return " ".join(sentences)


def _mean_peak(measure: Measure, means: Sequence[float | None], dates: Sequence[str]) -> Iterator[str]:
    """Where the 7-day mean of a measure was highest, and where it ends."""
    known = [(mean, n) for n, mean in enumerate(means) if mean is not None]
    if not known:
        return
    peak, n = max(known, key=lambda pair: pair[0])
    last, at = known[-1]
    mean = f"{text(measure.label)}: the 7-day mean" + (" of new ones" if measure.cumulative else "")
    if n == at:
        yield f"{mean} is the highest ever at the end, {number(last)} a day."
    else:
        yield f"{mean} was highest on {date(dates[n])}, {number(peak)} a day, and ends at {number(last)}."


def _peak(measure: Measure, table: Table, by: By) -> Iterator[str]:
    """The highest week or month among those whose number stands for exactly one, and the last."""
    columns = zip(table.values[measure.name], (table.whole or {})[measure.name], strict=True)
    known = [(value, n) for n, (value, whole) in enumerate(columns) if value is not None and whole]
    if not known:
        return
    peak, n = max(known, key=lambda pair: pair[0])
    last, at = known[-1]
    label = text(measure.label)
    if n == at:
        yield f"{label}: the last {WORDS[by].noun} is the highest ever, {number(last)}."
    else:
        when = f"{WORDS[by].per} {date(table.dates[n], style='month' if by == 'monthly' else 'medium')}"
        yield f"{label}: highest {when}, {number(peak)}; in the last {WORDS[by].noun} {number(last)}."


def _range(measure: Measure, data: Table) -> Iterator[str]:
    """The highest and the lowest value of a level or a rate, and the last."""
    known = [(value, n) for n, value in enumerate(data.values[measure.name]) if value is not None]
    if not known:
        return
    (most, high), (least, low) = max(known, key=lambda pair: pair[0]), min(known, key=lambda pair: pair[0])
    highest = f"highest on {date(data.dates[high])}, {number(most)}"
    lowest = f"lowest on {date(data.dates[low])}, {number(least)}"
    yield f"{text(measure.label)}: {highest}, {lowest}; last {number(known[-1][0])}{_unit(measure)}."


def recent_article(by: By, table: Table, dataset: Dataset, *, newest: str, query: str = "") -> str:
    """`newest` is the newest date that is published."""
    words = WORDS[by]
    shown = table.since(recent_from(table.dates[-1], by))
    head = "".join(f'<th scope="col">{text(measure.label)}</th>' for measure in dataset.measures)
    rows = "".join(_recent_row(shown, n, by, dataset, newest=newest) for n in reversed(range(len(shown.dates))))
    still_open = " The last one is not complete yet." if shown.dates[-1] > newest else ""
    caption = "new in each" if all(m.cumulative for m in dataset.measures) else f"by {words.noun}"
    return f"""<article aria-labelledby="recent-{by}">
  <h3 id="recent-{by}">{words.title}</h3>
  <figure class="chart small" aria-labelledby="summary-{by}">
    <div class="plot" data-plot="{by}" role="img" aria-labelledby="recent-{by} summary-{by}"></div>
    <figcaption id="summary-{by}">{_recent_summary(shown, by, dataset)}{still_open}</figcaption>
  </figure>
  <div class="scroll" tabindex="0" role="region" aria-labelledby="recent-{by}">
  <table><caption class="unseen">{words.title}: {caption}</caption>
  <thead><tr><th scope="col">{words.row_heading}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>
  <p class="actions"><a href="{by}?format=csv&amp;from={shown.dates[0]}&amp;to={shown.dates[-1]}{query}{AND_AS_OF}"
   download>Download as CSV</a></p>
</article>"""


def _recent_row(table: Table, n: int, by: By, dataset: Dataset, *, newest: str) -> str:
    label = date(table.dates[n], style=WORDS[by].date_style)
    still_open = table.dates[n] > newest
    if still_open:
        label += ' <span class="open">so far</span>'
    days = [(table.days or {})[m.name][n] or 0 for m in dataset.measures]
    usual = max(days) if still_open else 0
    cells = "".join(_cell(table, n, m, usual=usual) for m in dataset.measures)
    return f'<tr><th scope="row">{label}</th>{cells}</tr>'


def _cell(table: Table, n: int, measure: Measure, *, usual: int) -> str:
    """A number with the days that it stands for, where they are not those that the row says."""
    days = (table.days or {})[measure.name][n]
    known = (table.whole or {})[measure.name][n] or not days or days == usual or not measure.adds_up
    note = "" if known else f' <span class="open">{count(days or 0, "day")}</span>'
    return f"<td>{number(table.values[measure.name][n])}{note}</td>"


def _recent_summary(table: Table, by: By, dataset: Dataset) -> str:
    """The sum of what is shown, or how far it moved, in words."""
    sums, moves = [], []
    expected = sum(days_in(label, by) for label in table.dates)
    for measure in dataset.measures:
        known = [n for n, value in enumerate(table.values[measure.name]) if value is not None]
        label = text(measure.label)
        if not known:
            sums.append(f"{label} not reported")
        elif measure.adds_up:
            days = sum((table.days or {})[measure.name][n] or 0 for n in known)
            over = "" if days == expected or _open_alone(table, measure, known) else f" in {count(days, 'day')}"
            sums.append(f"{number(_total(table, measure, known))} {_inside(label, measure)}{over}")
        else:
            values = [table.values[measure.name][n] or 0 for n in known]
            moves.append(f"{label} between {number(min(values))} and {number(max(values))}{_unit(measure)}.")
    said = [f"In all {', '.join(sums)}."] if sums and any(m.adds_up for m in dataset.measures) else []
    return " ".join([*said, *moves])


def _open_alone(table: Table, measure: Measure, known: Sequence[int]) -> bool:
    """Whether all numbers but that of the open last row stand for exactly their period, and none is missing."""
    whole = (table.whole or {})[measure.name]
    return known == list(range(len(table.dates))) and all(whole[:-1])


def _total(table: Table, measure: Measure, known: Sequence[int]) -> Number:
    return sum(table.values[measure.name][n] or 0 for n in known)


def _inside(label: str, measure: Measure) -> str:
    """A label within a sentence; one that begins with a name or an abbreviation keeps its capitals."""
    first = label.partition(" ")[0]
    return label if first[1:] != first[1:].lower() or measure.kind is not Kind.TOTAL else label[0].lower() + label[1:]


def _unit(measure: Measure) -> str:
    return f" {text(measure.unit)}" if measure.unit else ""


def null_note(tables: Tables, its: Statistics, dataset: Dataset) -> str:
    gone = [measure for measure in dataset.measures if tables.data.values[measure.name][-1] is None]
    increments = tables.increments()
    shown = [increments[by].since(recent_from(increments[by].dates[-1], by)) for by in CHOICES[dataset.period]]
    blank = any(value is None for table in shown for column in table.values.values() for value in column)
    notes = [f"{NOT_REPORTED} means not reported: it is not zero."] if blank else []
    for measure in gone:
        last = its.last_reported[measure.name]
        notes.append(f"{text(measure.label)} were last reported for {date(last)}." if last else "")
    return f'<p class="note">{" ".join(notes)}</p>' if notes else ""
