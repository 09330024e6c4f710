"""A run and what it changed, in words: the same in mails, in the Atom feed and wherever else people read it.

Every function is pure and gives plain lines, one for each thing that there is to say, however long: who shows them
breaks them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from shared.dataset import Dataset, Measure
from shared.exact import Number
from shared.number_words import before, counted, dates, day, days, longer, noun, number, signed, step
from shared.runs import Run
from shared.summary import LISTED, Summary


def counts(run: Run) -> str:
    """`1 added, 19 changed, 0 removed`."""
    return f"{run.added:,} added, {run.changed:,} changed, {run.removed:,} removed"


def headline(run: Run) -> str:
    """`1 added, 19 changed, 0 removed; latest 2020-10-24`."""
    latest = (run.summary.get("latest") or {}).get("date", "")
    return counts(run) + (f"; latest {latest}" if latest else "")


def new_row(row: Mapping[str, Any], *, dataset: Dataset) -> str:
    """`2020-10-24: cases 8,642,909 (+78,702), deaths 224,819 (+910), ...`, from a summary's `added`."""
    return _line(_key(row), [_with_increment(measure, row, dataset) for measure in dataset.measures])


def revised_row(entry: Mapping[str, Any], *, dataset: Dataset) -> str:
    """`2020-10-05: cases 7,487,091 -> 7,507,699 (+20,608), ...`."""
    fields = entry["fields"]
    named = (measure for measure in dataset.measures if measure.name in fields)
    return _line(_key(entry), [f"{noun(it)} {_revision(it, **fields[it.name])}" for it in named])


def removed_row(row: Mapping[str, Any], *, dataset: Dataset) -> str:
    """`2020-10-24: cases 8,642,909, deaths 224,819, ...`: the last values there were."""
    return _line(_key(row), [f"{noun(it)} {number(row.get(it.name), decimals=it.decimals)}" for it in dataset.measures])


type DateAddress = Callable[[str, str], str]
"""From a date and its series (empty where there is one only) to the page that says why it changed; empty: nowhere."""


def no_address(_date: str, _series: str) -> str:
    return ""


def revisions(summary: Summary, *, dataset: Dataset, date_at: DateAddress = no_address) -> Iterator[str]:
    """`Cases: 200 days, 22 Dec 2021 to 9 Jul 2022, each +137`, the largest first; under its series.

    The line behind it is the address of the date that changed most.
    """
    by_series = dict[tuple[str, ...], list[Mapping[str, Any]]]()
    for group in summary.revisions:
        by_series.setdefault((*group.get("series", ()), str(group.get("several", ""))), []).append(group)
    for groups in by_series.values():
        if dataset.has_series:
            yield _names(groups[0])
        indent = "  " if dataset.has_series else ""
        for group in groups:
            text = _drawn_together(group, dataset=dataset)
            yield indent + (text if dataset.has_series else text[:1].upper() + text[1:])
            series = next(iter(group.get("series", ())), "")
            yield from _addresses(date_at, str(group.get("date") or group["first"]), series, indent=indent)


def removals(summary: Summary, *, dataset: Dataset) -> Iterator[str]:
    """`200 days, 22 Dec 2021 to 9 Jul 2022`, under its series; the most first."""
    for group in summary.removals:
        count, span = int(group["dates"]), days(group["first"], group["last"])
        text = span if count == 1 else f"{dates(count, dataset)}, {span}"
        yield f"{_names(group)}: {text}" if dataset.has_series else text


def latest_rows(summary: Summary, *, dataset: Dataset) -> list[str]:
    """The newest date's numbers, a line for each measure: its value, and how that moved.

    Where it is known, the line behind it says what usually becomes of such a value.
    """
    lines = []
    for measure in dataset.measures:
        lines.append(_latest_row(measure, summary, dataset))
        if measure.name in summary.outlook:
            lines.append(f"  {summary.outlook[measure.name]}")
    return lines


def changes(
    run: Run, summary: Summary, *, dataset: Dataset, more_at: str = "", date_at: DateAddress = no_address
) -> Iterator[tuple[str, list[str]]]:
    """(title, lines) of each kind of change that there is.

    Behind each revision and each removed row is the address of its date. A list that is not whole ends with how many
    more there are, and with `more_at`, the address of the full change set.
    """
    if run.added and summary.added:
        shown = summary.added[::-1] if dataset.has_series else summary.added
        one_date = dataset.has_series and summary.new_dates == 1
        lines = [new_row(_undated(row) if one_date else row, dataset=dataset) for row in shown]
        yield _new_title(run, summary, dataset), [*lines, *_left_out(run.added, shown, more_at, dataset)]
    each = [f"Each of them: {more_at}"] if more_at else []
    if run.changed > len(summary.changed) and summary.revisions:
        whole = ", the largest first" if len(summary.revisions) < LISTED else ", the largest ones"
        lines = [*revisions(summary, dataset=dataset, date_at=date_at), *each]
        yield f"Revised ({run.changed:,}, in {dates(summary.revised_dates, dataset)}){whole}", lines
    elif run.changed and summary.changed:
        lines = _with_addresses(summary.changed, revised_row, dataset=dataset, date_at=date_at)
        yield f"Revised ({run.changed:,})", [*lines, *_left_out(run.changed, summary.changed, more_at, dataset)]
    if run.removed > len(summary.removed) and summary.removals:
        several = len(summary.removals) > 1
        title = f"Removed ({run.removed:,}){', the most first' if several else ''}"
        yield title, [*removals(summary, dataset=dataset), *each]
    elif run.removed and summary.removed:
        lines = _with_addresses(summary.removed, removed_row, dataset=dataset, date_at=date_at)
        title = f"Removed, with their last values ({run.removed:,})"
        yield title, [*lines, *_left_out(run.removed, summary.removed, more_at, dataset)]


def _with_addresses(
    rows: Sequence[Mapping[str, Any]], word: Callable[..., str], *, dataset: Dataset, date_at: DateAddress
) -> list[str]:
    """A line for each row, and behind it one with the address of its date, where it has one."""
    return [
        line
        for row in rows
        for line in (word(row, dataset=dataset), *_addresses(date_at, row["date"], row.get("series", "")))
    ]


def _addresses(date_at: DateAddress, date: str, series: str, *, indent: str = "") -> list[str]:
    address = date_at(date, series)
    return [f"{indent}  {address}"] if address else []


def date_path(date: str, series: str) -> str:
    """Of the page that says why a date's numbers changed, below the dataset's own."""
    return f"/data/{date}" + (f"?series={quote(series, safe='')}" if series else "")


def _new_title(run: Run, summary: Summary, dataset: Dataset) -> str:
    period = dataset.period
    if dataset.series is None or not summary.new_dates:
        return f"New {period}s ({run.added:,})"
    label = dataset.series.label
    by = f"by {label if label[1:2].isupper() else label[:1].lower() + label[1:]}"
    if summary.new_dates == 1:
        return f"New {period} {summary.added[-1]['date']}, {by} ({run.added:,})"
    return f"New {period}s ({summary.new_dates:,}), {by} ({counted(run.added, 'row')})"


def _latest_row(measure: Measure, summary: Summary, dataset: Dataset) -> str:
    value, increment = summary.latest.get(measure.name), summary.latest_increments.get(measure.name)
    moved = step(measure, value, increment)
    span = {"days": summary.latest_days.get(measure.name), "fewest": summary.latest_days_fewest.get(measure.name)}
    shown = f"{measure.label} {number(value, decimals=measure.decimals)}"
    if measure.unit and value is not None:
        shown += f" {measure.unit}"
    if not moved:
        return shown
    if measure.cumulative:
        return f"{shown} ({moved}{longer(period=dataset.period, **span)})"
    return f"{shown}, {moved} {before(period=dataset.period, **span)}"


def _drawn_together(group: Mapping[str, Any], *, dataset: Dataset) -> str:
    """`cases: 200 days, 22 Dec 2021 to 9 Jul 2022, each +137`."""
    measure, count = dataset.measure(group["measure"]), int(group["dates"])
    start = f"{noun(measure)}: "
    span = days(group["first"], group["last"])
    if count == 1 and group.get("several", 1) == 1:
        return f"{start}{span}, {_revision(measure, group['old'], group['new'])}"
    where = span if count == 1 else f"{dates(count, dataset)}, {span}"
    if "least" not in group:
        return f"{start}{where}, {'reported now' if group['old'] is None else 'not reported any more'}"
    least, most = (signed(group[name], decimals=measure.decimals) for name in ("least", "most"))
    if least == most:
        return f"{start}{where}, each {least}"
    old, new = (number(group[name], decimals=measure.decimals) for name in ("old", "new"))
    on = day(group["date"], year=group["first"][:4] != group["last"][:4])
    return f"{start}{where}, by {least} to {most} (most on {on}: {old} -> {new})"


def _names(group: Mapping[str, Any]) -> str:
    names, several = list(group.get("series", ())), int(group.get("several", 1))
    return ", ".join(names) + (f" and {several - len(names):,} more" if several > len(names) else "")


def ascii_line(text: str) -> str:
    """One printable ASCII line, whatever the text: all white space is one blank, other characters are `?`."""
    joined = " ".join(text.split())
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in joined)


def sentence(text: str) -> str:
    """The text with a capital at its beginning and a full stop at its end."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) or not text else ".")


def shorten(text: str, most: int) -> str:
    """At most `most` characters, with `...` at the end where some were cut."""
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."


def _line(start: str, items: Sequence[str]) -> str:
    return f"{start}: {', '.join(items)}"


def _key(row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in ("series", "date") if row.get(name))


def _undated(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "date"}


def _with_increment(measure: Measure, row: Mapping[str, Any], dataset: Dataset) -> str:
    value, span = row.get(measure.name), (row.get("days") or {}).get(measure.name)
    moved = step(measure, value, (row.get("increments") or {}).get(measure.name))
    shown = f"{noun(measure)} {number(value, decimals=measure.decimals)}"
    return f"{shown} ({moved}{longer(span, dataset.period)})" if moved else shown


def _revision(measure: Measure, old: Number | None, new: Number | None) -> str:
    shown = f"{number(old, decimals=measure.decimals)} -> {number(new, decimals=measure.decimals)}"
    if old is None or new is None:
        return shown
    return f"{shown} ({signed(new - old, decimals=measure.decimals)})"


def _left_out(count: int, rows: Sequence[Any], more_at: str, dataset: Dataset) -> list[str]:
    more, which = count - len(rows), "" if dataset.has_series else ", older"
    return [f"... and {more:,} more{which}" + (f": {more_at}" if more_at else "")] if more > 0 else []
