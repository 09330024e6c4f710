"""Which feeds have a row: a column of bits beside the measures of joined rows."""

from collections.abc import Sequence

import numpy as np

from chalicelib.tables import Table

FEEDS = "#feeds"
"""The column that says which feeds have a row's key: bit n is that of the nth feed."""


def joined(rows: Table, *, feeds: int, inner: bool) -> Table:
    """The rows of the dataset among those of any feed: of an inner join those that all `feeds` have."""
    if not inner or feeds == 1:
        return rows
    everywhere = rows.values[FEEDS] == (1 << feeds) - 1
    return rows if everywhere.all() else rows.take(everywhere)


def rows_of_feed(rows: Table, bit: int, measures: Sequence[str]) -> Table:
    """The rows that the nth feed has, with its measures."""
    here, chosen = rows.values[FEEDS] >> bit & 1 == 1, rows.only(measures)
    return chosen if here.all() else chosen.take(here)


def has_rows(rows: Table, bit: int) -> bool:
    """Whether the nth feed has any row."""
    return bool((rows.values[FEEDS] >> bit & 1).any())


def partnerless(rows: Table, feeds: Sequence[str]) -> dict[str, int]:
    """Feed -> how many of its rows another feed lacks."""
    masks = rows.values[FEEDS]
    lone = masks[masks != (1 << len(feeds)) - 1]
    return {feed: int(np.count_nonzero(lone >> bit & 1)) for bit, feed in enumerate(feeds)}
