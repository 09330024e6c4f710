"""A declaration for a file that has none: what can be seen is filled in, what people must say is left to them."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from chalicelib.checking.column_looks import Looks
from chalicelib.checking.file_looks import FileLooks
from chalicelib.csv_reading.field_rules import day_rule
from shared.printing import printable

_MOST_MEASURES = 8
_MOST_NAMED = 3
"""Columns that name a series together, at most."""
_NO_MEASURE = re.compile(r"(?i)^(year|month|day|week|mmwr.*|fips|id|.*_id|lat|long?|latitude|longitude|code)$")


def propose(looks: FileLooks, *, name: str, file: str) -> str:
    """TOML that reads the file; empty where there are no dates or no numbers in it."""
    date = _date(looks)
    parts = None if date or looks.dates_in_header else _date_parts(looks)
    measures = [looks.cells] if looks.cells else _measures(looks)
    if not (date or parts or looks.dates_in_header) or not any(it is not None and it.is_number for it in measures):
        return ""
    dates = [date.name] if date else list(parts or ())
    series = _series(looks, dates)
    found = [it for it in measures if it is not None]
    return "\n".join(
        [
            *_dataset_lines(looks, name=name, date=date),
            *_series_lines(series),
            *(line for n, it in enumerate(found) for line in _measure_lines(it, _measure_names(found)[n])),
            *_feed_lines(looks, date=dates, measures=found, series=series, name=name, file=file, looks_date=date),
            "",
        ]
    )


def _dataset_lines(looks: FileLooks, *, name: str, date: Looks | None) -> Iterator[str]:
    yield f"title = {_toml(name)}  # for people"
    yield f'period = "{_period(looks, date)}"'
    yield ""


def _series_lines(series: Sequence[str]) -> Iterator[str]:
    if series:
        yield "[series]"
        yield f"label = {_label(' and '.join(series))}"
        yield "# totals = []  # series that are sums of others, such as the whole country"
        yield ""


def _measure_lines(look: Looks, name: str) -> Iterator[str]:
    yield "[[measure]]"
    yield f'name = "{name}"'
    yield f"label = {_label((look.name or name).replace('_', ' '))}"
    yield f'kind = "{_kind(look)}"  # total, count, level or rate'
    if look.decimals:
        yield f"decimals = {look.decimals}"
    if look.negative and _kind(look) in ("total", "count"):
        yield 'minimum = "none"'
    yield ""


def _feed_lines(
    looks: FileLooks,
    *,
    date: Sequence[str],
    measures: Sequence[Looks],
    series: Sequence[str],
    name: str,
    file: str,
    looks_date: Looks | None,
) -> Iterator[str]:
    yield "[[feed]]"
    yield f'name = "{name}"'
    yield f"title = {_toml(name)}"
    yield f"url = {_toml(f'https://example.org/{file}')}  # where the file is published"
    yield f"file = {_toml(file)}"
    yield 'licence = "unknown"  # under which it is published'
    yield f"credit = {_toml(f'{name}.')}  # shown wherever the numbers are"
    if looks.dates_in_header:
        yield f"dates_in_header = {_toml(looks.dates_in_header)}"
        yield f'measure = "{_measure_names(measures)[0]}"'
    else:
        yield f"date = {_one_or_list(date)}"
        if looks_date and looks_date.date_formats[0] != "iso":
            others = f"  # or {' or '.join(looks_date.date_formats[1:3])}" if len(looks_date.date_formats) > 1 else ""
            yield f"date_format = {_toml(looks_date.date_formats[0])}{others}"
        columns = zip(_measure_names(measures), measures, strict=True)
        yield f"measures = {{ {', '.join(f'{measure} = {_toml(it.name)}' for measure, it in columns)} }}"
    if series:
        yield f"series = {_one_or_list(series)}"
    yield from _layout_lines(looks, measures)


def _layout_lines(looks: FileLooks, measures: Sequence[Looks]) -> Iterator[str]:
    missing = sorted({text for it in measures for text in it.missing})
    written = next((it for it in measures if it.decimal != "." or it.thousands), None)
    settings: list[tuple[str, str | int | list[str], object]] = [
        ("missing", missing, []),
        ("delimiter", looks.delimiter, ","),
        ("encoding", looks.encoding, "utf-8"),
        ("decimal", written.decimal if written else ".", "."),
        ("thousands", written.thousands if written else "", ""),
        ("comment", looks.comment, ""),
        ("skip", looks.skip, 0),
        ("skip_after", looks.skip_after, 0),
        ("archive", looks.archive, ""),
    ]
    for key, value, default in settings:
        if value != default:
            yield f"{key} = {_toml(value)}"


def _date(looks: FileLooks) -> Looks | None:
    """The column with the most dates: a day of publication is often the same in all rows."""
    dates = [it for it in looks.columns if it.is_date and list(looks.header).count(it.name) == 1]
    return max(dates, key=lambda it: (it.distinct, "end" in it.name.casefold()), default=None)


def _measures(looks: FileLooks) -> list[Looks]:
    numbers = [it for it in looks.columns if it.is_number]
    chosen = [it for it in numbers if not _NO_MEASURE.match(it.name)]
    once = [it for it in chosen if list(looks.header).count(it.name) == 1]
    return once[:_MOST_MEASURES]


def _date_parts(looks: FileLooks) -> Sequence[str] | None:
    by_name = {it.name.casefold(): it.name for it in looks.columns}
    parts = [by_name.get(part) for part in ("year", "month", "day")]
    return [part for part in parts if part] if all(parts) else None


def _series(looks: FileLooks, dates: Sequence[str]) -> Sequence[str]:
    """The fewest columns of texts that, with the date, no two rows have alike; none where dates are alone enough."""
    header = list(looks.header)
    days = [header.index(name) for name in dates]
    texts = [it for it in looks.columns if not it.is_number and not it.is_date and it.distinct > 1]
    texts = [it for it in texts if header.count(it.name) == 1]
    places = sorted(texts, key=lambda it: it.distinct)
    for count in range(min(_MOST_NAMED, len(places)) + 1):
        for some in combinations(places[:10], count):
            chosen = [header.index(it.name) for it in some]
            keys = {tuple(row[n] for n in (*days, *chosen)) for row in looks.rows}
            if len(keys) == len(looks.rows) and (days or count):
                return [it.name for it in some]
    return [it.name for it in places[-1:]]


def _period(looks: FileLooks, date: Looks | None) -> str:
    if date is None:
        return "day"
    if date.date_formats[0] == "iso-week":
        return "week"
    rule, place = day_rule(date.date_formats[0]), list(looks.header).index(date.name)
    days = sorted({day for row in looks.rows if (day := rule(row[place])) is not None})
    gaps = sorted(after - before for before, after in pairwise(days))
    usual = gaps[len(gaps) // 2] if gaps else 1
    first_days = {dt.date.fromordinal(day).day for day in days}
    if usual >= 28 or (first_days == {1} and len(days) > 1):
        return "month"
    return "week" if usual >= 6 else "day"


def _kind(look: Looks) -> str:
    if look.decimals or look.negative:
        return "rate" if re.search(r"(?i)percent|pct|rate|share|ratio|%", look.name) else "level"
    return "total" if look.grows else "count"


def _measure_names(measures: Sequence[Looks]) -> list[str]:
    names: list[str] = []
    for n, it in enumerate(measures, start=1):
        name = re.sub(r"[^a-z0-9]+", "_", it.name.casefold()).strip("_")[:36]
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in ("date", "series", "run_id", "complete"):
            name = f"value_{n}" if len(measures) > 1 else "value"
        name = name.removesuffix("_days")
        names.append(name if name not in names else f"{name}_{n}")
    return names


def _one_or_list(names: Sequence[str]) -> str:
    return _toml(names[0] if len(names) == 1 else list(names))


def _label(text: str) -> str:
    """For people: a printable line, where columns are named exactly."""
    return _toml(printable(text.capitalize()))


def _toml(value: str | int | list[str]) -> str:
    """The value as TOML; what cannot be printed is escaped, so that it can be shown and still names its column."""
    return "".join(it if it.isprintable() else f"\\U{ord(it):08x}" for it in json.dumps(value, ensure_ascii=False))
