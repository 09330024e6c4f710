"""A run and what it changed, in words: the same in mails, in the Atom feed and wherever else people read it.

Every function is pure and gives plain ASCII lines of at most WIDTH columns, unless a single value is longer.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.dataset import Dataset
from shared.exact import Number
from shared.runs import Run
from shared.summary import Summary

WIDTH = 76

NOT_REPORTED = "not reported"


def number(value: Number | None) -> str:
    """`7,487,091`, or `not reported`."""
    return NOT_REPORTED if value is None else f"{value:,}"


def signed(value: Number | None) -> str:
    """`+20,608`, `-5`, `+0`, or `not reported`."""
    return NOT_REPORTED if value is None else f"{value:+,}"


def counts(run: Run) -> str:
    """`1 added, 19 changed, 0 removed`."""
    return f"{run.added:,} added, {run.changed:,} changed, {run.removed:,} removed"


def headline(run: Run) -> str:
    """`1 added, 19 changed, 0 removed; latest 2020-10-24`."""
    latest = (run.summary.get("latest") or {}).get("date", "")
    return counts(run) + (f"; latest {latest}" if latest else "")


def new_row(row: Mapping[str, Any], *, dataset: Dataset) -> str:
    """`2020-10-24: cases 8,642,909 (+78,702), deaths 224,819 (+910), ...`, from a summary's `added`."""
    increments = row.get("increments") or {}
    return fold(_key(row), [_with_increment(name, row, increments) for name in dataset.measure_names])


def revised_row(entry: Mapping[str, Any], *, dataset: Dataset) -> str:
    """`2020-10-05: cases 7,487,091 -> 7,507,699 (+20,608), ...`."""
    fields = entry["fields"]
    named = (name for name in dataset.measure_names if name in fields)
    return fold(_key(entry), [_revision(name, fields[name]["old"], fields[name]["new"]) for name in named])


def removed_row(row: Mapping[str, Any], *, dataset: Dataset) -> str:
    """`2020-10-24: cases 8,642,909, deaths 224,819, ...`: the last values there were."""
    return fold(_key(row), [f"{name} {number(row.get(name))}" for name in dataset.measure_names])


def latest_rows(summary: Summary, *, dataset: Dataset) -> list[str]:
    """The newest date's numbers as a small table, a line for each measure: total, and its increment."""
    totals = [number(summary.latest.get(name)) for name in dataset.measure_names]
    labels = [measure.label for measure in dataset.measures]
    left, right = max(map(len, labels)), max(map(len, totals))
    return [
        f"{label:<{left}}  {total:>{right}}{_in_brackets(summary.latest_increments.get(name))}"
        for label, total, name in zip(labels, totals, dataset.measure_names, strict=True)
    ]


def changes(run: Run, summary: Summary, *, dataset: Dataset, more_at: str = "") -> Iterator[tuple[str, list[str]]]:
    """(title, lines) of each kind of change that there is.

    A capped list ends with how many more there are, and with `more_at`, the address of the full change set.
    """
    kinds = (
        ("New days", run.added, summary.added, new_row),
        ("Revised", run.changed, summary.changed, revised_row),
        ("Removed, with their last values", run.removed, summary.removed, removed_row),
    )
    for title, count, rows, word in kinds:
        if count and rows:
            yield (
                f"{title} ({count:,})",
                [*(word(row, dataset=dataset) for row in rows), *_left_out(count, rows, more_at)],
            )


def fold(start: str, items: Sequence[str], *, width: int = WIDTH) -> str:
    """`start: item, item`, broken before an item where the line would be longer; items are never broken."""
    lines = [f"{start}:"]
    for place, item in enumerate(items):
        shown = item if place == len(items) - 1 else f"{item},"
        if place and len(lines[-1]) + 1 + len(shown) > width:
            lines.append(" " * (len(start) + 1))
        lines[-1] += f" {shown}"
    return "\n".join(lines)


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


def _key(row: Mapping[str, Any]) -> str:
    return f"{row['series']} {row['date']}" if row.get("series") else str(row["date"])


def _with_increment(name: str, row: Mapping[str, Any], increments: Mapping[str, Number | None]) -> str:
    value = row.get(name)
    return f"{name} {number(value)}{_in_brackets(increments.get(name)) if value is not None else ''}"


def _in_brackets(increment: Number | None) -> str:
    return "" if increment is None else f" ({signed(increment)})"


def _revision(name: str, old: Number | None, new: Number | None) -> str:
    difference = None if old is None or new is None else new - old
    return f"{name} {number(old)} -> {number(new)}{_in_brackets(difference)}"


def _left_out(count: int, rows: Sequence[Any], more_at: str) -> list[str]:
    more = count - len(rows)
    return [f"... and {more:,} more, older" + (f": {more_at}" if more_at else "")] if more > 0 else []
