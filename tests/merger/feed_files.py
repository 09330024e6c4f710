"""Feed files for properties: mostly as they should be, with every oddity that feeds have been seen to have."""

import datetime as dt
from collections.abc import Sequence

from hypothesis import strategies as st

from shared.dataset import Feed

DAY_ONE = dt.date(2020, 1, 22)

_GOOD_NUMBERS = st.one_of(
    st.integers(0, 9).map(str),
    st.integers(0, 10**15 - 1).map(str),
    st.integers(0, 999).map(lambda n: f"{n}.0"),
    st.sampled_from(["", "007", "+5", "12.", " 4 ", "\t5", "0.000"]),
)
_ODD_NUMBERS = st.sampled_from(
    [
        "-1",
        "1e3",
        "1.5",
        "NaN",
        "nan",
        "inf",
        "1,000",
        "1_000",
        "x",
        "1000000000000000",
        "9223372036854775808",
        "0x10",
        "--",
        "NULL",
        "True",
        "\u0661\u0662",
        "5\x00",
        "\ufeff5",
        "5 5",
        "-0",
        "+",
        ".",
        ".0",
        "\u00b2",
    ]
)
_ODD_DATES = st.sampled_from(
    [
        "2020-22-01",
        "2020-1-22",
        "01/22/2020",
        "",
        "20200122",
        "2020-02-30",
        "2020-01-22T00:00:00",
        "\u0662\u0660\u0662\u0660-01-22",
        "0000-01-01",
        "2020-W04-3",
        "2020-01-22 ",
        " 2020-01-22",
        "nan",
        "12020-01-22",
    ]
)
_NAMES = st.sampled_from(
    ["North", "South", "Côte d'Ivoire", "East, far", 'the "old" West', "日本", "NA", "null", "007"]
)
_ODD_NAMES = st.sampled_from(["", " ", "North ", "a\x00b", "a\udcffb", "x" * 300, "tab\tbed", "\u200b", "1.0"])
_ENDS = st.sampled_from(["\n", "\r\n"])
_JUNK = st.sampled_from([b'"', b",", b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b" ", b"'", b"\\", b"0"])


def dates(*, days: int = 12) -> st.SearchStrategy[str]:
    return st.integers(0, days - 1).map(lambda n: (DAY_ONE + dt.timedelta(days=n)).isoformat())


def cell(text: str, *, quoted: bool = False) -> str:
    """A field as RFC 4180 writes it."""
    if quoted or any(sign in text for sign in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


@st.composite
def _rows(draw: st.DrawFn, feed: Feed, *, odd: bool, days: int) -> list[dict[str, str]]:
    """Column -> text, for the columns that are used."""
    names = st.one_of(_NAMES, _ODD_NAMES) if odd else _NAMES
    day = st.one_of(dates(days=days), _ODD_DATES) if odd else dates(days=days)
    number = st.one_of(_GOOD_NUMBERS, _ODD_NUMBERS) if odd else _GOOD_NUMBERS
    count = draw(st.integers(0 if odd else 1, 8))
    rows = []
    for _ in range(count):
        row = {feed.date[0]: draw(day)}
        if feed.series:
            row[feed.series[0]] = draw(names)
        row |= {column: draw(number) for column in feed.measures.values()}
        row |= {
            column: draw(st.sampled_from([value, value, f" {value}", "XX", f"{value}x"]))
            for column, (value, *_) in feed.where.items()
        }
        rows.append(row)
    if not odd:
        rows = list(
            {(row[feed.date[0]], row.get(feed.series[0] if feed.series else "", "")): row for row in rows}.values()
        )
    return rows


def _write(header: Sequence[str], rows: Sequence[dict[str, str]], *, end: str, last: bool, quoted: bool) -> bytes:
    lines = [",".join(cell(name) for name in header)]
    lines += [",".join(cell(row.get(name, "u"), quoted=quoted) for name in header) for row in rows]
    return (end.join(lines) + (end if last else "")).encode("utf-8", "surrogateescape")


@st.composite
def kept(draw: st.DrawFn, feed: Feed, *, days: int = 12) -> bytes:
    """A file that keeps the feed's contract (but for its filter: it may be that no row matches it)."""
    header = draw(st.permutations([*feed.columns, *draw(st.sampled_from([[], ["Lat"], ["Lat", "x y"]]))]))
    rows = draw(_rows(feed, odd=False, days=days))
    data = _write(header, rows, end=draw(_ENDS), last=draw(st.booleans()), quoted=draw(st.booleans()))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + data


@st.composite
def any_file(draw: st.DrawFn, feed: Feed) -> bytes:
    """A file that may break the contract in any way, or not be a CSV file at all."""
    columns = [*feed.columns, *draw(st.sampled_from([[], ["Lat"], ["Lat", feed.date[0]], ["", ""]]))]
    header = draw(st.permutations(columns))
    if draw(st.integers(0, 9)) == 0:
        header = header[:-1]
    rows = draw(_rows(feed, odd=True, days=6))
    data = _write(header, rows, end=draw(st.sampled_from(["\n", "\r\n", "\n", "\r"])), last=True, quoted=False)
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 4]))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.sampled_from([0, 0, 1, 3]))
        data = data[:at] + draw(st.one_of(_JUNK, st.binary(max_size=3))) + data[at + cut :]
    return data
