"""The fast ways of reading a feed give what the careful way gives, whatever the file."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.csv_reading.feed_reader import read_bytes, read_carefully
from chalicelib.tables import Table
from shared.dataset import Feed
from shared.errors import ContractBroken
from tests.merger.feed_files import any_file, kept
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS

FEEDS = [*US_COVID.feeds, *REGIONS.feeds]


def as_plain(table: Table) -> dict[str, Any]:
    values = {name: numbers.tolist() for name, numbers in table.values.items()}
    return {"names": table.names, "keys": table.keys.tolist(), "values": values}


def outcome(read: Any, data: bytes, feed: Feed) -> dict[str, Any]:
    """What reading comes to: the table, or where and why the contract is broken."""
    try:
        return as_plain(read(data, feed, series="US", latest_day=None))
    except ContractBroken as error:
        return vars(error)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
@given(data=st.data())
def test_the_fast_way_reads_any_file_as_the_careful_way_does(feed: Feed, data: st.DataObject) -> None:
    file = data.draw(any_file(feed))
    assert outcome(read_bytes, file, feed) == outcome(read_carefully, file, feed)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
@given(data=st.data())
def test_the_fast_way_reads_a_good_file_as_the_careful_way_does(feed: Feed, data: st.DataObject) -> None:
    file = data.draw(kept(feed))
    assert outcome(read_bytes, file, feed) == outcome(read_carefully, file, feed)
