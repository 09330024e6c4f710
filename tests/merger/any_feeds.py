"""Declarations of any kind and files of theirs: written from values, or full of what feeds have been seen to hold."""

import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from shared.dataset import ONE_SERIES, Dataset, Feed, Kind, Measure, Repeated, Series
from shared.exact import Number, from_scaled

type Values = dict[tuple[str, str], tuple[int | None, ...]]
"""(ISO date, series) -> each measure as a multiple of 10^-decimals."""

DAY_ONE = dt.date(2020, 1, 26)
"""A Sunday."""
_FORMATS = ["iso", "iso-week", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%b %d, %Y", "%y-%j"]
_ENCODINGS = ["utf-8", "utf-8", "iso8859-1", "cp1252", "utf-16", "shift_jis"]
_NAMES = ["North", "South", "Côte d'Or", "East, far", "a; b", 'the "old" West', "NA", "007", "x" * 70, "12345678"]
_ODD_NAMES = ["", "  ", " North", "a\tb", "x" * 300, "\x85", "NORTH"]
_ODD_DATES = ["", "2020-02-30", "2020-1-22", "2020-01-26T10:00", "2020-W60", "99", "2020-01-26 ", "01/26/20", "Total"]
_ODD_NUMBERS = [
    *["1e3", "+5", ".0", ".5", "5.", "-0", "-", "--1", "1.2.3", "1,2,3", "(5)", "5 5", "NaN", "null", "12%", "1_000"],
    *["1,000", "1.000", "1 000", "12,34", "0005", "9223372036854775807", "9223372036854775808", "123456789012345.678"],
    *["-9223372036854775807", "-9223372036854775808", "0.125", "0.135", "-2.5", " 7", "7 ", "\u0661", "\x00"],
    *["2.50000", "1234567.1234567", "-.5", "*", "-1", "suppressed", "NA", ":", "$5", "\u22125", "1e-9"],
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A dataset of one feed."""

    dataset: Dataset
    feed: Feed
    extra: Sequence[str]
    """Columns that are not used."""

    @property
    def header(self) -> list[str]:
        """Every column, in some order."""
        return [*self.extra, *self.feed.columns]


@st.composite
def declarations(draw: st.DrawFn) -> Declared:
    """Any declaration of one feed."""
    wide = draw(st.integers(0, 4)) == 0
    count = 1 if wide else draw(st.integers(1, 2))
    measures = tuple(draw(_measures(f"m{n}")) for n in range(count))
    series = draw(st.sampled_from([(), ("area",), ("area",), ("area", "age group")]))
    decimal = draw(st.sampled_from([".", ".", ","]))
    thousands = draw(st.sampled_from(["", "", "", ".", ",", " ", "'"]).filter(lambda it: it != decimal))
    feed = Feed(
        name="feed",
        url="http://127.0.0.1/feed.csv",
        title="Feed",
        licence="None",
        credit="None.",
        measures={measures[0].name: ""} if wide else {it.name: f"Column {it.name}" for it in measures},
        date=() if wide else draw(st.sampled_from([("date",), ("date",), ("y", "m", "d")])),
        date_format="iso",
        dates_in_header=draw(st.sampled_from(["%m/%d/%y", "%Y-%m-%d"])) if wide else "",
        series=series,
        series_join=draw(st.sampled_from([" / ", ", ", "-"])),
        rename=draw(st.sampled_from([{}, {}, {"North": "South"}, {"007": "Bond", "": "Nowhere"}])) if series else {},
        where=draw(st.sampled_from([{}, {}, {"kind": ("a",)}, {"kind": ("a", "b"), "sex": ("",)}])),
        where_not=draw(st.sampled_from([{}, {}, {"flag": ("x",)}, {"kind": ("b", "")}])),
        repeated=draw(st.sampled_from(Repeated)),
        missing=tuple(draw(st.sets(st.sampled_from(["NA", "-", "*", "-1", "suppressed", "."]), max_size=3))),
        delimiter=draw(st.sampled_from([",", ",", ";", "\t", "|", " "])),
        encoding=draw(st.sampled_from(_ENCODINGS)),
        decimal=decimal,
        thousands=thousands,
        comment=draw(st.sampled_from(["", "", "#", "//"])),
        skip=draw(st.sampled_from([0, 0, 0, 2])),
        skip_after=draw(st.sampled_from([0, 0, 0, 1])),
        archive=draw(st.sampled_from(["", "", "", "gzip", "zip", "zip:folder/feed.csv"])),
    )
    if len(feed.date) == 1:
        feed = replace(feed, date_format=draw(st.sampled_from(_FORMATS)))
    dataset = Dataset(
        name="any",
        title="Any",
        series=Series(label="Area") if series else None,
        measures=measures,
        feeds=(feed,),
    )
    return Declared(dataset=dataset, feed=feed, extra=draw(st.sampled_from([("note",), ("note", "Lat", "")])))


@st.composite
def _measures(draw: st.DrawFn, name: str) -> Measure:
    return Measure(
        name=name,
        label=name,
        kind=Kind.LEVEL,
        decimals=draw(st.sampled_from([0, 0, 1, 2, 4, 9])),
        rounded=draw(st.booleans()),
        minimum=draw(st.sampled_from([None, None, 0, -50, 3])),
    )


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a publisher writes."""

    end: str
    last_end: bool
    quoting: str
    """`needed`, `all` or `text`: of every field that is no number."""
    bom: bool
    blank_lines: bool
    trailing: str
    """A delimiter at the end: of `none`, of `both` header and rows, or of `rows` alone."""


STYLES = st.builds(
    Style,
    end=st.sampled_from(["\n", "\r\n"]),
    last_end=st.booleans(),
    quoting=st.sampled_from(["needed", "all", "text"]),
    bom=st.booleans(),
    blank_lines=st.booleans(),
    trailing=st.sampled_from(["none", "none", "none", "both", "rows"]),
)


def written_date(day: dt.date, feed: Feed) -> list[str]:
    """A date in the columns that it has."""
    if len(feed.date) == 3:
        return [f"{day.year}", f"{day.month}", f"{day.day:02d}"]
    if feed.date_format == "iso":
        return [day.isoformat()]
    if feed.date_format == "iso-week":
        year, week, _ = day.isocalendar()
        return [f"{year}-W{week:02d}"]
    return [day.strftime(feed.date_format)]


def written_number(scaled: int | None, measure: Measure, feed: Feed) -> str:
    """A number as the feed writes it."""
    if scaled is None:
        return feed.missing[0] if feed.missing else ""
    number: Number = from_scaled(scaled, measure.decimals)
    text = f"{number:,f}" if isinstance(number, Decimal) else f"{number:,}"
    return text.replace(",", "\0").replace(".", feed.decimal).replace("\0", feed.thousands)


def file_of(rows: Sequence[Mapping[str, str]], declared: Declared, style: Style, *, header: Sequence[str]) -> bytes:
    """The rows as a file."""
    feed = declared.feed
    both = [""] if style.trailing == "both" else []
    alone = [""] if style.trailing in ("both", "rows") else []
    lines = ["A preamble", '"and', *[""] * 9][: feed.skip]
    if feed.comment:
        lines.append(f'{feed.comment} a "comment')
    lines.append(_line([*header, *both], feed, style))
    lines += ["units; of, all"] * feed.skip_after
    for row in rows:
        lines.append(_line([row.get(name, "u") for name in header] + alone, feed, style))
        lines += [""] if style.blank_lines else []
    text = style.end.join(lines) + (style.end if style.last_end else "")
    codec = "utf-8-sig" if style.bom and feed.encoding == "utf-8" else feed.encoding
    return packed(text.encode(codec, "replace" if codec != "utf-8" else "surrogateescape"), feed)


def _line(fields: Sequence[str], feed: Feed, style: Style) -> str:
    return feed.delimiter.join(_field(text, feed, style) for text in fields)


def _field(text: str, feed: Feed, style: Style) -> str:
    is_text = not text.replace(".", "").replace(",", "").isdigit()
    needed = any(it in text for it in (feed.delimiter, '"', "\r", "\n")) or (
        bool(feed.comment) and text.startswith(feed.comment)
    )
    if needed or style.quoting == "all" or (style.quoting == "text" and is_text):
        return '"' + text.replace('"', '""') + '"'
    return text


def packed(data: bytes, feed: Feed) -> bytes:
    """The bytes in the feed's archive."""
    if feed.archive == "gzip":
        return gzip.compress(data, compresslevel=1)
    if feed.archive:
        into = io.BytesIO()
        with zipfile.ZipFile(into, "w") as archive:
            archive.writestr("folder/feed.csv", data)
            if feed.archive != "zip":
                archive.writestr("metadata.csv", "nothing")
        return into.getvalue()
    return data


@st.composite
def written(draw: st.DrawFn) -> tuple[Declared, bytes, Values]:
    """A declaration, a file that is written from values, and the values."""
    declared = draw(declarations())
    feed, measures = declared.feed, declared.dataset.measures
    lowest = [max(-(10**9), it.minimum if it.minimum is not None else -(10**9)) for it in measures]
    number = [_reported(low, it, feed) for low, it in zip(lowest, measures, strict=True)]
    days = draw(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True))
    parts = draw(st.lists(_series_parts(feed), min_size=1, max_size=3, unique_by=lambda it: _named(it, feed)))
    values: Values = {}
    rows = []
    for part in parts:
        table: dict[str, str] = dict(zip(feed.series, part, strict=True))
        for n in days:
            day = DAY_ONE + dt.timedelta(days=7 * n)
            numbers = tuple(draw(it) for it in number)
            values[day.isoformat(), _named(part, feed)] = numbers
            cells = [written_number(it, m, feed) for it, m in zip(numbers, measures, strict=True)]
            if feed.wide:
                table[day.strftime(feed.dates_in_header)] = cells[0]
            else:
                row = dict(zip(feed.series, part, strict=True)) | dict(
                    zip(feed.date, written_date(day, feed), strict=True)
                )
                rows.append(row | dict(zip(feed.measures.values(), cells, strict=True)))
        rows += [table] if feed.wide else []
    heads = [(DAY_ONE + dt.timedelta(days=7 * n)).strftime(feed.dates_in_header) for n in days if feed.wide]
    used = {column: it[0] for column, it in feed.where.items()}
    kept = {column: used.get(column, "fine") for column in feed.where_not}
    rows = [row | kept | used for row in rows]
    others = [{**row, **draw(_other_row(feed))} for row in rows[:2] if feed.where or feed.where_not]
    header = draw(st.permutations([*declared.header, *heads]))
    style = draw(STYLES)
    return declared, file_of(draw(st.permutations([*rows, *others])), declared, style, header=header), values


def _reported(low: int, measure: Measure, feed: Feed) -> st.SearchStrategy[int | None]:
    """Numbers from `low` on, and None; not those that are written as what means missing."""
    numbers = st.one_of(st.none(), st.integers(low, low + 200), st.integers(max(low, 0), 10**13))
    return numbers.filter(lambda it: it is None or written_number(it, measure, feed) not in feed.missing)


def _named(parts: Sequence[str], feed: Feed) -> str:
    name = feed.series_join.join(part for part in parts if part)
    return feed.rename.get(name, name) if feed.series else ONE_SERIES


def _series_parts(feed: Feed) -> st.SearchStrategy[tuple[str, ...]]:
    names = st.sampled_from([name for name in [*_NAMES, "日本"] if _can_write(name, feed.encoding)])
    return st.tuples(*[names, st.one_of(st.just(""), names)][: len(feed.series)])


def _can_write(name: str, encoding: str) -> bool:
    try:
        name.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _other_row(feed: Feed) -> st.SearchStrategy[dict[str, str]]:
    """What makes a row one that is not used."""
    choices = [{column: "other"} for column in feed.where]
    choices += [{column: values[0]} for column, values in feed.where_not.items() if column not in feed.where]
    return st.sampled_from(choices or [{}])


@st.composite
def any_files(draw: st.DrawFn) -> tuple[Declared, bytes]:
    """A declaration and a file in which anything may be wrong."""
    declared = draw(declarations())
    feed, measures = declared.feed, declared.dataset.measures
    days = [DAY_ONE + dt.timedelta(days=7 * n) for n in range(4)]
    heads = [day.strftime(feed.dates_in_header) for day in days if feed.wide]
    number = st.one_of(
        st.integers(-99, 10**6).map(lambda n: written_number(n, measures[0], feed)), st.sampled_from(_ODD_NUMBERS)
    )
    odd = draw(st.booleans())
    number = number if odd else st.integers(0, 10**6).map(lambda n: written_number(n, measures[0], feed))
    rows = []
    for _ in range(draw(st.integers(0, 8))):
        parts = written_date(draw(st.sampled_from(days)), feed) if feed.date else []
        if odd and draw(st.integers(0, 9)) == 0:
            parts = [draw(st.sampled_from(_ODD_DATES)) for _ in parts]
        row = dict(zip(feed.date, parts, strict=True))
        row |= {name: draw(st.sampled_from([*_NAMES, *(_ODD_NAMES if odd else [])])) for name in feed.series}
        row |= {name: draw(number) for name in [*filter(None, feed.measures.values()), *heads]}
        row |= {name: draw(st.sampled_from(["a", "a", "a ", "b", "", "x"])) for name in [*feed.where, *feed.where_not]}
        rows.append(row)
    header = draw(st.permutations([*declared.header, *heads]))
    if odd and draw(st.integers(0, 9)) == 0:
        header = header[:-1]
    data = file_of(rows, declared, draw(STYLES), header=header)
    for _ in range(draw(st.sampled_from([0, 0, 1, 2])) if odd else 0):
        at = draw(st.integers(0, len(data)))
        junk = draw(st.sampled_from([b'"', b",", b"\n", b"\r", b"\x00", b"\xff", b" ", b"#", b";", b"9", b"\n\n"]))
        data = data[:at] + junk + data[at + draw(st.sampled_from([0, 0, 1, 3])) :]
    return declared, data
