"""The course in words, and the last days, weeks and months as chart and table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chalicelib.dashboard.periods import CHOICES, WORDS, PeriodWords, own_table, recent_from
from chalicelib.pages.formatting import NOT_REPORTED, count, date, number, words
from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.gaps import days_in
from chalicelib.tabulation.statistics import Statistics, shown_mean
from chalicelib.tabulation.table_text import DatedTable
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Kind, Measure
from shared.exact import Number


def course_summary(tables: Tables, its: Statistics, dataset: Dataset) -> Markup:
    """What the main chart shows, in words."""
    dates, by = tables.data.dates, own_table(dataset.period)
    what = {"daily": "date", "weekly": "week", "monthly": "month"}[by]
    sentences = [Markup("{} from {} to {}.").format(count(len(dates), what), date(dates[0]), date(dates[-1]))]
    for measure in dataset.measures:
        if measure.name in its.means:
            sentences += _mean_peak(measure, its.means[measure.name], dates)
        elif measure.adds_up:
            sentences += _peak(measure, tables.increments()[by], by)
        else:
            sentences += _range(measure, tables.data, by)
    return Markup(" ").join(sentences)


def _mean_peak(measure: Measure, means: Sequence[float | None], dates: Sequence[str]) -> Iterator[Markup]:
    """Where the 7-day mean of a measure was highest, and where it ends."""
    known = [(mean, n) for n, mean in enumerate(means) if mean is not None]
    if not known:
        return
    peak, n = max(known)  # of equal ones the latest
    last, at = known[-1]
    mean = f"{words(measure.label)}: the 7-day mean" + (" of new ones" if measure.cumulative else "")
    if n == at:
        end = Markup("is {} at the end") if at == len(means) - 1 else Markup("was {} at its end, on {}")
        ended = end.format(_highest(known), date(dates[at]))
        yield Markup("{} {}, {} a day.").format(mean, ended, number(shown_mean(last)))
    else:
        highest = Markup("{} was highest on {}, {} a day").format(mean, date(dates[n]), number(shown_mean(peak)))
        end = Markup("") if at == len(means) - 1 else Markup(" on {}").format(date(dates[at]))
        yield Markup("{}, and ends{} at {}.").format(highest, end, number(shown_mean(last)))


def _highest(known: Sequence[tuple[Number | float, int]]) -> str:
    """What the last of these values is, where none is higher."""
    return "as high as ever" if any(value == known[-1][0] for value, _ in known[:-1]) else "the highest ever"


def _peak(measure: Measure, table: DatedTable, by: By) -> Iterator[Markup]:
    """The highest week or month among those whose number stands for exactly one, and the last."""
    columns = zip(table.values[measure.name], (table.whole or {})[measure.name], strict=True)
    known = [(value, n) for n, (value, whole) in enumerate(columns) if value is not None and whole]
    if not known:
        return
    peak, n = max(known)  # of equal ones the latest
    last, at = known[-1]
    label, noun = words(measure.label), WORDS[by].noun
    ended = Markup() if at == len(table.dates) - 1 else Markup(" ({})").format(_labelled(table.dates[at], by))
    if n == at:
        yield Markup("{}: the last {}{} is {}, {}.").format(label, noun, ended, _highest(known), number(last))
    else:
        day = _labelled(table.dates[n], by)
        highest = Markup("{}: highest {} {}, {}").format(label, WORDS[by].per, day, number(peak))
        yield Markup("{}; in the last {}{} {}.").format(highest, noun, ended, number(last))


def _labelled(label: str, by: By) -> Markup:
    return date(label, style="month" if by == "monthly" else "medium")


def _range(measure: Measure, data: DatedTable, by: By) -> Iterator[Markup]:
    """The highest and the lowest value of a level or a rate, and the last."""
    known = [(value, n) for n, value in enumerate(data.values[measure.name]) if value is not None]
    if not known:
        return
    (most, high), (least, low) = max(known, key=lambda pair: pair[0]), min(known, key=lambda pair: pair[0])
    at_high, at_low = (Markup("{} {}").format(WORDS[by].per, _labelled(data.dates[n], by)) for n in (high, low))
    highest = Markup("highest {}, {}").format(at_high, number(most))
    lowest = Markup("lowest {}, {}").format(at_low, number(least))
    ended = known[-1][1] < len(data.dates) - 1
    on = Markup(" {} {},").format(WORDS[by].per, _labelled(data.dates[known[-1][1]], by)) if ended else Markup()
    last = Markup("{} {}{}").format(on, number(known[-1][0]), _unit(measure))
    yield Markup("{}: {}, {}; last{}.").format(words(measure.label), highest, lowest, last)


@dataclass(frozen=True, kw_only=True)
class RecentRow:
    """One day, week or month."""

    date: str
    still_open: bool
    cells: Sequence[tuple[Number | None, str]]
    """A number for each measure, with the days that it stands for where they are not those that the row says."""


@dataclass(frozen=True, kw_only=True)
class Recent:
    """The last days, weeks or months."""

    by: By
    words: PeriodWords
    caption: str
    summary: Markup
    rows: Sequence[RecentRow]
    """The newest first."""


def recent_part(by: By, table: DatedTable, dataset: Dataset, *, newest: str) -> Recent:
    """`newest` is the newest date that is published."""
    shown = table.since(recent_from(table.dates[-1], by))
    still_open = " The last one is not complete yet." if shown.dates[-1] > newest else ""
    caption = "new in each" if all(m.cumulative for m in dataset.measures) else f"by {WORDS[by].noun}"
    return Recent(
        by=by,
        words=WORDS[by],
        caption=f"{WORDS[by].title}: {caption}",
        summary=_recent_summary(shown, by, dataset) + still_open,
        rows=[_recent_row(shown, n, dataset, newest=newest) for n in reversed(range(len(shown.dates)))],
    )


def _recent_row(table: DatedTable, n: int, dataset: Dataset, *, newest: str) -> RecentRow:
    still_open = table.dates[n] > newest
    days = [(table.days or {})[m.name][n] or 0 for m in dataset.measures]
    usual = max(days) if still_open else 0
    cells = [_cell(table, n, m, usual=usual) for m in dataset.measures]
    return RecentRow(date=table.dates[n], still_open=still_open, cells=cells)


def _cell(table: DatedTable, n: int, measure: Measure, *, usual: int) -> tuple[Number | None, str]:
    days = (table.days or {})[measure.name][n]
    known = (table.whole or {})[measure.name][n] or not days or days == usual or not measure.adds_up
    return table.values[measure.name][n], "" if known else count(days or 0, "day")


def _recent_summary(table: DatedTable, by: By, dataset: Dataset) -> Markup:
    """The sum of what is shown, or how far it moved, in words."""
    sums: list[Markup] = []
    moves: list[Markup] = []
    expected = sum(days_in(label, by) for label in table.dates)
    for measure in dataset.measures:
        known = [n for n, value in enumerate(table.values[measure.name]) if value is not None]
        label = words(measure.label)
        if not known:
            sums.append(Markup("{} not reported").format(label))
        elif measure.adds_up:
            days = sum((table.days or {})[measure.name][n] or 0 for n in known)
            over = "" if days == expected or _open_alone(table, measure, known) else f" in {count(days, 'day')}"
            total = number(_total(table, measure, known))
            sums.append(Markup("{} {}{}").format(total, _inside(label, measure), over))
        else:
            values = [table.values[measure.name][n] or 0 for n in known]
            least, most = min(values), max(values)
            between = Markup(" between {} and {}").format(number(least), number(most))
            between = between if least < most else Markup(" {}").format(number(least))
            moves.append(Markup("{}{}{}.").format(label, between, _unit(measure)))
    adds_up = sums and any(m.adds_up for m in dataset.measures)
    in_all = [Markup("In all {}.").format(Markup(", ").join(sums))] if adds_up else []
    return Markup(" ").join([*in_all, *moves])


def _open_alone(table: DatedTable, measure: Measure, known: Sequence[int]) -> bool:
    """Whether all numbers but that of the open last row stand for exactly their period, and none is missing.

    That of the open row stands for as many days as any other measure's there.
    """
    whole, days = (table.whole or {})[measure.name], table.days or {}
    so_far = max((its[-1] or 0 for its in days.values()), default=0)
    return known == list(range(len(table.dates))) and all(whole[:-1]) and days[measure.name][-1] == so_far


def _total(table: DatedTable, measure: Measure, known: Sequence[int]) -> Number:
    return sum(table.values[measure.name][n] or 0 for n in known)


def _inside(label: str, measure: Measure) -> str:
    """A label within a sentence; one that begins with a name or an abbreviation keeps its capitals."""
    first = label.partition(" ")[0]
    return label if first[1:] != first[1:].lower() or measure.kind is not Kind.TOTAL else label[0].lower() + label[1:]


def _unit(measure: Measure) -> str:
    return f" {words(measure.unit)}" if measure.unit else ""


def null_note(tables: Tables, its: Statistics, dataset: Dataset) -> Markup:
    """What a dash means, and which measures are not reported any more; empty where all is there."""
    gone = [measure for measure in dataset.measures if tables.data.values[measure.name][-1] is None]
    increments = tables.increments()
    shown = [increments[by].since(recent_from(increments[by].dates[-1], by)) for by in CHOICES[dataset.period]]
    blank = any(value is None for table in shown for column in table.values.values() for value in column)
    notes = [Markup("{} means not reported: it is not zero.").format(NOT_REPORTED)] if blank else []
    for measure in gone:
        last = its.last_reported[measure.name]
        if last:
            notes.append(Markup("{} were last reported for {}.").format(words(measure.label), date(last)))
    return Markup(" ").join(notes)
