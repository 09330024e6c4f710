"""Files of any declaration read as what was written into them, and the fast way reads as the careful one does."""

import functools
import io
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chalicelib.csv_reading.careful_reading import read_carefully
from chalicelib.csv_reading.decoding import unpacked
from chalicelib.csv_reading.feed_reader import read_changed_lines, read_feed
from chalicelib.csv_reading.plain_block import BLOCK
from chalicelib.tables import NULL, Table, iso_date
from shared import exact
from shared.dataset import Dataset, Feed
from shared.declaration import read_declaration
from shared.errors import ContractBroken
from tests.merger.any_feeds import Declared, Values, any_files, written
from tests.merger.feed_files import any_file, kept
from tests.merger.merges import as_plain
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS

FEEDS = [(dataset, feed) for dataset in (US_COVID, REGIONS) for feed in dataset.feeds]
LATE = 737_500
"""2020-03-22: within the dates that files have."""


def fast(
    data: bytes, feed: Feed, dataset: Dataset, *, latest_day: int | None = None, block: int = BLOCK, **options: Any
) -> Table:
    open_file = functools.partial(io.BytesIO, data)
    return read_feed(open_file, feed, dataset, latest_day=latest_day, block=block, **options).table


def careful(data: bytes, feed: Feed, dataset: Dataset, *, latest_day: int | None = None, **options: Any) -> Table:
    content = unpacked(io.BytesIO(data), feed, most=None).read()
    return read_carefully(content, feed, dataset, latest_day=latest_day, **options).table


def outcome(read: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
    """What reading comes to: the table, or where and why the contract is broken."""
    try:
        return as_plain(read(*arguments, **options))
    except ContractBroken as error:
        return vars(error)


def all_faults(read: Any, *arguments: Any, **options: Any) -> tuple[list[str], Values]:
    """Every fault of a file, and what is read all the same; nothing of a file that is no text."""
    faults = list[ContractBroken]()
    try:
        values = values_of(read(*arguments, report=faults.append, **options))
    except ContractBroken as fault:
        faults.append(fault)
        values = {}
    return list(map(str, faults)), values


def values_of(table: Table) -> Values:
    columns = [numbers.tolist() for numbers in table.values.values()]
    keys = zip(table.days.tolist(), table.codes.tolist(), strict=True)
    return {
        (iso_date(day), table.names[code]): tuple(None if n == NULL else n for n in numbers)
        for (day, code), *numbers in zip(keys, *columns, strict=True)
    }


@given(case=written())
def test_a_file_reads_as_what_was_written_into_it(case: tuple[Declared, bytes, Values]) -> None:
    declared, data, values = case
    assert values_of(fast(data, declared.feed, declared.dataset)) == values


@given(case=any_files(), latest=st.sampled_from([None, None, LATE]))
def test_the_fast_way_reads_any_file_of_any_declaration_as_the_careful_way_does(
    case: tuple[Declared, bytes], latest: int | None
) -> None:
    declared, data = case
    found = outcome(careful, data, declared.feed, declared.dataset, latest_day=latest)
    event("a table" if "keys" in found else "a fault")
    assert outcome(fast, data, declared.feed, declared.dataset, latest_day=latest) == found


@given(case=any_files(), latest=st.sampled_from([None, None, LATE]), block=st.integers(1, 200))
def test_a_file_of_odd_and_plain_blocks_has_the_rows_and_all_the_faults_that_careful_reading_finds(
    case: tuple[Declared, bytes], latest: int | None, block: int
) -> None:
    declared, data = case
    feed, dataset = declared.feed, declared.dataset
    assert all_faults(fast, data, feed, dataset, latest_day=latest, block=block) == all_faults(
        careful, data, feed, dataset, latest_day=latest
    )


@pytest.mark.parametrize(("dataset", "feed"), FEEDS, ids=lambda it: it.name)
@given(data=st.data())
def test_the_fast_way_reads_any_file_as_the_careful_way_does(dataset: Dataset, feed: Feed, data: st.DataObject) -> None:
    file = data.draw(st.one_of(any_file(feed), kept(feed)))
    assert outcome(fast, file, feed, dataset) == outcome(careful, file, feed, dataset)


@given(case=any_files(), data=st.data())
def test_lines_of_a_plain_file_read_by_themselves_are_its_rows(
    case: tuple[Declared, bytes], data: st.DataObject
) -> None:
    """What a delta rests on: where a file is called plain, each of its lines gives its own rows and no others."""
    declared, file = case
    try:
        rows = read_feed(functools.partial(io.BytesIO, file), declared.feed, declared.dataset, latest_day=None)
    except ContractBroken:
        return
    if not rows.plain:
        return
    event("plain")
    header, *lines = [line.rstrip(b"\r") for line in file.split(b"\n")]
    some = data.draw(st.sets(st.integers(0, max(0, len(lines) - 1)))) if lines else set()
    parts = [[lines[n] for n in range(len(lines)) if (n in some) is here] for here in (True, False)]
    found = [values_of(read_changed_lines(p, header, declared.feed, declared.dataset, latest_day=None)) for p in parts]
    assert found[0] | found[1] == values_of(rows.table)
    assert not found[0].keys() & found[1].keys()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("first", ['"a%sb"', '"a%s%sb",date'])
def test_a_header_of_several_lines_is_shown_with_its_own_line_ends(first: str, end: str) -> None:
    data = f"{first.replace('%s', end)},North,10{end}2020-03-02,South,5{end}".encode()
    (lab,) = [feed for feed in REGIONS.feeds if feed.name == "lab"]
    assert outcome(fast, data, lab, REGIONS) == outcome(careful, data, lab, REGIONS)


def test_a_file_is_opened_once_whatever_it_holds() -> None:
    feed = REGIONS.feeds[0]
    for rows in (b"2020-01-01,North,1\n", b'2020-01-01,"No""rth",1\n', b"2020-01-01,North,+1\n"):
        opened: list[int] = []

        def open_file(rows: bytes = rows, opened: list[int] = opened) -> io.BytesIO:
            opened.append(1)
            return io.BytesIO(b"day,region,beds\n" + rows)

        assert len(read_feed(open_file, feed, REGIONS, latest_day=None).table) == 1
        assert opened == [1]


def test_a_hundred_thousand_rows_that_are_read_row_by_row_take_seconds_and_not_minutes() -> None:
    feed = REGIONS.feeds[0]
    lines = [b"2020-%02d-%02d,Region %d,+%d\n" % (n % 12 + 1, n % 28 + 1, n // 84, n) for n in range(100_000)]
    data = b"day,region,beds\n" + b"".join(lines)
    began = time.process_time()
    assert len(careful(data, feed, REGIONS)) == 100_000
    assert time.process_time() - began < 10


ELSEWHERE = Path(__file__).parents[2].parent / "shared" / "elsewhere"


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason=f"the feeds of others are not at {ELSEWHERE}")
def test_feeds_of_others_read_as_the_rows_that_stand_beside_them() -> None:
    found, expected = {}, {}
    for folder in sorted(it for it in ELSEWHERE.iterdir() if it.is_dir()):
        dataset = read_declaration(folder / f"{folder.name}.toml")
        (feed,) = dataset.feeds
        table = fast((folder / feed.file_name).read_bytes(), feed, dataset)
        found[folder.name] = list(table.rows(with_series=dataset.has_series, decimals=dataset.decimals))
        expected[folder.name] = exact.loads((folder / "expected.json").read_text())
    assert found
    assert found == expected
