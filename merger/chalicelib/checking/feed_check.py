"""What a feed's declaration makes of a file: its rows, and every fault in it, not the first alone."""

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.csv_reading.decoding import unpacked
from chalicelib.csv_reading.feed_reader import FeedRows, read_feed
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken

MOST_FAULTS = 20
"""Faults of a feed that are kept; the others are counted,"""
MOST_COUNTED = 1_000
"""up to here: a file with more is not read to its end, as one fault a line would take seconds."""


class _Enough(Exception):
    """There are too many faults to go on."""


@dataclass(kw_only=True)
class Faults:
    """The first faults of a file, and how many there are."""

    first: list[ContractBroken] = field(default_factory=list)
    count: int = 0
    more: bool = False
    """Whether the rest of the file was not looked at."""

    def add(self, fault: ContractBroken) -> None:
        """One more. Raises _Enough where they are too many."""
        if self.count == MOST_COUNTED:
            self.more = True
            raise _Enough
        self.count += 1
        if self.count <= MOST_FAULTS:
            self.first.append(fault)


@dataclass(frozen=True, kw_only=True)
class FeedCheck:
    """A feed's file as its declaration reads it."""

    feed: Feed
    data: bytes
    """The file, unpacked where that is possible."""
    rows: FeedRows | None
    """None where the file breaks its contract."""
    faults: Faults

    @property
    def fits(self) -> bool:
        """Whether a run would take the file."""
        return self.rows is not None


def check_feed(data: bytes, feed: Feed, dataset: Dataset, *, latest_day: int) -> FeedCheck:
    """Read a file once, in the fast way where it is plain, for its rows or all its faults."""
    faults, rows = Faults(), None
    try:
        rows = read_feed(functools.partial(io.BytesIO, data), feed, dataset, latest_day=latest_day, report=faults.add)
    except ContractBroken as packed:
        faults.add(packed)
    except _Enough:
        pass
    if not faults.count:
        return FeedCheck(feed=feed, data=data, rows=rows, faults=faults)
    return FeedCheck(feed=feed, data=_content(data, feed), rows=None, faults=faults)


def _content(data: bytes, feed: Feed) -> bytes:
    try:
        return unpacked(io.BytesIO(data), feed, most=None).read()
    except ContractBroken:
        return data


def lone_names(checks: Sequence[FeedCheck]) -> dict[str, list[str]]:
    """Feed -> the series that no other feed has."""
    names = {it.feed.name: set(it.rows.table.names) for it in checks if it.rows is not None}
    return {
        feed: sorted(own - set().union(*(others for other, others in names.items() if other != feed)))
        for feed, own in names.items()
        if len(names) > 1
    }
