"""Columns read in blocks are those read at once, wherever a block ends, and what can be read by column is."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.csv_reading.careful_reading import read_carefully
from chalicelib.csv_reading.feed_layout import find_layout
from chalicelib.csv_reading.odd_blocks import CarefulBlocks
from chalicelib.csv_reading.plain_block import NotPlain, blocks_of, lines_are_rows
from chalicelib.csv_reading.plain_lines import read_plain_file, read_plain_lines
from shared.dataset import Dataset, Feed, Kind, Measure, Repeated, Series
from tests.merger.merges import as_plain
from tests.shared.regions import REGIONS

_ROWS = st.lists(
    st.tuples(
        st.integers(1, 28),
        st.sampled_from(["North", "South", "Côte d'Or", "a" * 64, "b" * 63 + "c", "12345678", "123456789"]),
        st.one_of(st.integers(0, 10**15 - 1), st.sampled_from(["", 0, "00", 7])),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row[:2],
)


def _columns(blocks: list[bytes]) -> dict[str, object]:
    feed = REGIONS.feeds[0]
    return as_plain(read_plain_lines(blocks, find_layout(["day", "region", "beds"], feed), feed, REGIONS))


@given(rows=_ROWS, data=st.data())
def test_blocks_of_any_size_give_the_same_columns(rows: list[tuple[int, str, int]], data: st.DataObject) -> None:
    lines = [f"2020-03-{day:02d},{name},{number}\n".encode() for day, name, number in rows]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(lines)), max_size=5)) | {len(lines)})
    blocks = [b"".join(lines[start:end]) for start, end in zip([0, *cuts], cuts, strict=False)]
    assert _columns(blocks) == _columns([b"".join(lines)])


def _feed(**options: object) -> tuple[Feed, Dataset]:
    settings: dict[str, object] = {"date": ("day",), "series": ("region",), "measures": {"price": "price"}} | options
    feed = Feed(
        name="f",
        url="http://127.0.0.1/f.csv",
        title="F",
        licence="None",
        credit="None.",
        **settings,  # type: ignore[arg-type]
    )
    price = Measure(name="price", label="Price", kind=Kind.LEVEL, decimals=2)
    series = Series(label="Region") if feed.series else None
    return feed, Dataset(name="f", title="F", series=series, measures=(price,), feeds=(feed,))


PLAIN: dict[str, tuple[dict[str, object], str]] = {
    "decimals and signs": ({}, "day,region,price\n2020-01-01,N,-1.25\n2020-01-01,S,1234567.5\n2020-01-02,S,\n"),
    "every field quoted": ({}, '"day","region","price"\n"2020-01-01","N","1.25"\n"2020-01-01","S",""\n'),
    "texts quoted": ({}, 'day,region,price\n2020-01-01,"N, far",1\n2020-01-01,S,2\n'),
    "timestamps": ({}, "day,region,price\n2020-01-01T00:00:00.000,N,1\n2020-01-02T00:00:00.000,N,2\n"),
    "days in eight digits": ({"date_format": "%Y%m%d"}, "day,region,price\n20200101,N,1\n20200102,N,2\n"),
    "American days": ({"date_format": "%m/%d/%Y"}, "day,region,price\n1/2/2020,N,1\n12/31/2020,N,2\n"),
    "weeks": ({"date_format": "iso-week"}, "day,region,price\n2020-W01,N,1\n2020-W53,N,2\n"),
    "CRLF": ({}, "day,region,price\r\n2020-01-01,N,1\r\n2020-01-02,N,2\r\n"),
    "semicolons and commas": ({"delimiter": ";", "decimal": ","}, "day;region;price\n2020-01-01;N;1,5\n"),
    "tabs": ({"delimiter": "\t"}, "day\tregion\tprice\n2020-01-01\tN\t1\n"),
    "two names": ({"series": ("region", "age")}, "day,region,age,price\n2020-01-01,N,,1\n2020-01-01,N,old,2\n"),
    "renamed": ({"rename": {"N": "North"}}, "day,region,price\n2020-01-01,N,1\n2020-01-02,North,1\n"),
    "missing": ({"missing": ("NA", "suppressed")}, "day,region,price\n2020-01-01,N,NA\n2020-01-01,S,suppressed\n"),
    "summed": ({"repeated": Repeated.SUM}, "day,region,price\n2020-01-01,N,1\n2020-01-01,N,\n2020-01-01,N,2\n"),
    "the last": ({"repeated": Repeated.LAST}, "day,region,price\n2020-01-01,N,1\n2020-01-01,N,2\n2020-01-01,M,2\n"),
    "some of the rows": (
        {"where": {"kind": ("a", "b")}},
        "day,kind,region,price\n2020-01-01,a,N,1\n2020-01-01,c,N,2\n",
    ),
    "all but some": ({"where_not": {"region": ("US",)}}, "day,region,price\n2020-01-01,US,1\n2020-01-01,N,2\n"),
    "a preamble": ({"skip": 2, "comment": "#"}, "A table\n\n# of prices\nday,region,price\n2020-01-01,N,1\n"),
    "units": ({"skip_after": 1}, "day,region,price\n,,USD\n2020-01-01,N,1\n"),
    "blank lines": ({}, "day,region,price\n\n2020-01-01,N,1\n\n\n2020-01-02,N,1\n\n"),
    "plus signs": ({}, "day,region,price\n2020-01-01,N,+1.25\n2020-01-01,S,-1\n2020-01-02,S,+0\n2020-01-03,S,\n"),
    "thousands": (
        {"delimiter": ";", "thousands": ",", "missing": ("n/a",)},
        "day;region;price\n"
        + "".join(
            f"2020-01-{day:02};N;{number}\n"
            for day, number in enumerate(
                ["1,234.5", "-1,234,567.25", "999", "12,345", "123,456", "", "n/a", "+1,000,000,000,000", "1234", ".5"],
                1,
            )
        ),
    ),
    "thousands set apart by narrow blanks": (
        {"delimiter": ";", "decimal": ",", "thousands": "\u202f"},
        "day;region;price\n2020-01-01;N;1\u202f234,5\n2020-01-02;N;-12\u202f345\u202f678\n2020-01-03;N;7\n",
    ),
    "what the encoding has no letter for": (
        {"encoding": "latin-1", "thousands": "\u202f", "missing": ("\u2013",)},
        "day,region,price\n2020-01-01,N,1234\n",
    ),
    "old letters": ({"encoding": "latin-1"}, "day,region,price\n2020-01-01,C\u00f4te,1\n"),
    "a byte order mark": ({}, "\ufeffday,region,price\n2020-01-01,N,1\n"),
}


@pytest.mark.parametrize("case", PLAIN)
def test_it_is_read_by_column_as_carefully_as_by_row(case: str) -> None:
    options, text = PLAIN[case]
    feed, dataset = _feed(**options)
    data = text.encode(feed.encoding)
    found = read_plain_file(io.BytesIO(data), feed, dataset)
    assert as_plain(found) == as_plain(read_carefully(data, feed, dataset).table)


@pytest.mark.parametrize(
    "row",
    [
        "2020-01-01,N,1e3",
        '2020-01-01,"N""o",1',
        '2020-01-01,"N\no",1',
        "2020-01-01,N,++5",
        "2020-01-01,N,+",
        "2020-01-01,N,1.255",
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_careful_reading(row: str) -> None:
    feed, dataset = _feed()
    with pytest.raises(NotPlain):
        read_plain_file(io.BytesIO(f"day,region,price\n{row}\n".encode()), feed, dataset)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a,b\nc,d\n", True),
        ('"a","b"\n"","d, e"\n', True),
        ('"a\nb",c\n', False),
        ('"a""b",c\n', False),
        ('a"b",c\n', False),
        ('"a" ,c\n', False),
        ('"a,c\n', False),
        ("a,b\r\nc,d\r\n", True),
        ("a,b\rc,d\n", False),
    ],
)
def test_lines_are_rows_where_quotes_are_around_whole_fields(text: str, plain: bool) -> None:
    assert lines_are_rows(text.encode(), ",") is plain


def test_a_file_of_many_blocks_is_read_as_carefully_as_a_short_one() -> None:
    feed = REGIONS.feeds[0]
    days = [f"2020-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    rows = [f"{day},Region {n * n % 997},{n * 31_337 % 10**9}" for n, day in enumerate(days * 60)]
    unique = list({row.rpartition(",")[0]: row for row in rows}.values())
    for end in ("\n", "\r\n"):
        data = end.join(["day,region,beds", *unique]).encode()
        assert len(data) > 1 << 18
        found = read_plain_file(io.BytesIO(data), feed, REGIONS)
        assert as_plain(found) == as_plain(read_carefully(data, feed, REGIONS).table)


def test_blocks_hold_whole_lines() -> None:
    line = b"x" * 99 + b"\n"
    blocks = list(blocks_of(io.BytesIO(line * 10_000 + b"end")))
    assert b"".join(blocks) == line * 10_000 + b"end"
    assert all(block.endswith(b"\n") for block in blocks[:-1])
    assert len(blocks) > 1


def test_a_row_out_of_the_ordinary_costs_one_block_of_a_file() -> None:
    """What is read row by row is counted, not timed."""
    feed, dataset = _feed()
    rows = [f"2020-01-{n % 28 + 1:02},Region {n // 28},{n}.25" for n in range(3_000)]
    rows[100], rows[2_000] = '2020-01-17,"Region ""3""", 100 ', "2020-01-13,Region 71,much"
    data = "\n".join(["day,region,price", *rows]).encode()
    odd = CarefulBlocks(feed, dataset, latest_day=None)
    read_plain_file(io.BytesIO(data), feed, dataset, odd=odd, size=1 << 12)
    assert [str(fault) for fault in odd.faults] == [
        "feed f, line 2002, column price: 'much' is not allowed; a number with at most 2 decimals, within 64 bits, or"
        " blank is needed"
    ]
    assert len(data) > 20 << 12 > 2 << 12 >= odd.size
