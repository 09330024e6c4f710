"""What a committed run says about itself to readers: small, capped, written by the merger onto the run's item.

The notifier, the Atom feed and the dashboard word it; none of them reads the change set or the snapshot for it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.exact import Number
from shared.sizes import FEED_REASON, SUMMARY, cut, size

LISTED = 25
"""At most this many entries of each list are carried; the counts on the run tell how many there are."""

TOUCHED = 6_000
"""Bytes of names of series: they go along with every message."""

_COUNTED = re.compile(r"(\d+( to \d+)? of )?\d+ series")
_ROWS = ("added", "changed", "removed")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Every list holds at most LISTED entries; rows are as in the change set."""

    latest: Mapping[str, Any]
    """The newest numbers: `date`, the measures (int, Decimal or None); where there are several series, `series` says
    which one they are of, or of how many they are the sum."""
    latest_increments: Mapping[str, Number | None]
    """Measure -> difference of its newest value to the last one reported before; None where there is none."""
    latest_days: Mapping[str, int | None] = field(default_factory=dict)
    """Measure -> the days between those two values; of a sum the most of any series in it."""
    latest_days_fewest: Mapping[str, int] = field(default_factory=dict)
    """Measure -> the fewest days of any series in the sum, where they differ."""
    rows: int
    """Rows in the store after the run."""
    series: int = 0
    """Series in the store, totals among them; 0 where there is one only."""
    new_dates: int = 0
    """Different dates among the added rows."""
    new_series: int = 0
    """Different series among the added rows; 0 where there is one only."""
    revised_dates: int = 0
    """Different dates among the changed rows."""
    largest_revision_percent: Number = 0
    """How large the largest revision of a value is, in percent of what the value was; one decimal."""
    first_load: bool
    """Whether this was the first commit: everything is new, so nothing is listed."""
    added: Sequence[Mapping[str, Any]]
    """The newest added rows, newest last; each with `increments`, measure -> difference to the last value reported
    before in its series, and `days`, measure -> the days between them. Where there are several series: of the newest
    date first the default one, then totals, then what moved most; the most important last."""
    changed: Sequence[Mapping[str, Any]]
    """The newest changed rows: `date`, `fields`: measure -> `old`, `new`."""
    revisions: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """All changed values, drawn together, the largest first: `measure`; `series`, names, where there are several;
    `several`, how many those are; `dates`, how many; `first` and `last` date; `least` and `most`, differences of new
    to old; and of the largest of them `date`, `old`, `new`. Values that came or went are by themselves: without
    `least` and `most`, and `old` or `new` is None."""
    removed: Sequence[Mapping[str, Any]]
    """The newest removed rows with their last values."""
    removals: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """All removed rows, drawn together where they are more than are listed, the most first: `dates`, how many; `first`
    and `last` date; where there are several series, `series`, names, and `several`, how many those are."""
    touched: Sequence[str] = field(default_factory=list)
    """Series with rows that were added, changed or removed, where there are several: at most TOUCHED bytes of names,
    with `*` behind them where there are more."""
    partnerless: Mapping[str, int] = field(default_factory=dict)
    """Feed -> how many of its rows another feed lacks."""
    rows_since: Mapping[str, str] = field(default_factory=dict)
    """Feed -> the run that last found its used rows changed."""
    warnings: Sequence[str]
    """What did not stop the run but should be known; whole sentences."""
    notes: Sequence[str] = field(default_factory=list)
    """What may interest and is nothing to worry about; whole sentences."""
    recovered: Sequence[str]
    """Feeds that are back after having been announced as stale or missing; whole sentences."""
    outlook: Mapping[str, str] = field(default_factory=dict)
    """Measure -> what usually becomes of a value like its newest one, in words; only where the evidence is enough."""
    annotations: Sequence[str] = field(default_factory=list)
    """What operators wrote down about runs and dates since the last digest: `2020-10-05: counted twice until then`."""

    def as_map(self) -> dict[str, Any]:
        """As the ledger has it: at most `shared.sizes.SUMMARY` bytes; where rows are too wide, the oldest are left out.

        Sentences are cut. The counts on the run tell how many rows there are.
        """
        values = {name: _plain(value) for name, value in vars(self).items()}
        for name in ("warnings", "notes", "recovered", "annotations"):
            values[name] = [cut(sentence, FEED_REASON) for sentence in values[name]]
        while size(values) > SUMMARY and (
            longest := max((values[name] for name in (*_ROWS, "revisions", "removals")), key=size)
        ):
            del longest[0 if any(longest is values[name] for name in _ROWS) else -1]
        return values

    @property
    def is_sum(self) -> bool:
        """Whether the newest numbers are of several series together, which then have no name."""
        return _COUNTED.fullmatch(str(self.latest.get("series", ""))) is not None

    @property
    def whose(self) -> str:
        """What the newest numbers are of, in words: a name, `sum of 3 series`; empty where there is one series only."""
        series = str(self.latest.get("series", ""))
        return f"sum of {series}" if self.is_sum else series

    @classmethod
    def from_map(cls, values: Mapping[str, Any]) -> "Summary":
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
