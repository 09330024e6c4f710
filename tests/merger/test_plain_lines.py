"""Columns read in blocks are those read at once, wherever a block ends."""

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.csv_reading.feed_reader import read_bytes, read_carefully
from chalicelib.csv_reading.plain_lines import blocks_of, read_plain
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
)


def _columns(blocks: list[bytes]) -> tuple[object, ...]:
    found = read_plain(blocks, width=3, date=0, series=1, measures=[2])
    return found.names, found.keys.tolist(), [column.tolist() for column in found.measures]


@given(rows=_ROWS, data=st.data())
def test_blocks_of_any_size_give_the_same_columns(rows: list[tuple[int, str, int]], data: st.DataObject) -> None:
    lines = [f"2020-03-{day:02d},{name},{number}\n".encode() for day, name, number in rows]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(lines)), max_size=5)) | {len(lines)})
    blocks = [b"".join(lines[start:end]) for start, end in zip([0, *cuts], cuts, strict=False)]
    assert _columns(blocks) == _columns([b"".join(lines)])


def test_a_file_of_many_blocks_is_read_as_carefully_as_a_short_one() -> None:
    feed = REGIONS.feeds[0]
    days = [f"2020-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    rows = [f"{day},Region {n * n % 997},{n * 31_337 % 10**9}" for n, day in enumerate(days * 60)]
    unique = list({row.rpartition(",")[0]: row for row in rows}.values())
    for end in ("\n", "\r\n"):
        data = end.join(["day,region,beds", *unique]).encode()
        assert len(data) > 1 << 18
        assert as_plain(read_bytes(data, feed, series="", latest_day=None)) == as_plain(
            read_carefully(data, feed, series="")
        )


def test_blocks_hold_whole_lines() -> None:
    line = b"x" * 99 + b"\n"
    blocks = list(blocks_of(io.BytesIO(line * 10_000 + b"end")))
    assert b"".join(blocks) == line * 10_000 + b"end\n"
    assert all(block.endswith(b"\n") for block in blocks)
    assert np.sum([len(block) for block in blocks]) == 1_000_004
