"""What a dataset is: the one place that knows the columns of its feeds.

A dataset is declared in a TOML file (`shared/datasets/NAME.toml`, read by `shared.declaration`); these are the types
that the file is read into. Nothing outside the declaration knows a column's name.
"""

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from shared.errors import SettingInvalid

ONE_SERIES = "all"
"""The name of the one series, where a dataset has no series column; readers never see it."""


class Period(enum.StrEnum):
    """What one date stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def longest_days(self) -> int:
        """The most days that one date stands for."""
        return {"day": 1, "week": 7, "month": 31}[self]


class Join(enum.StrEnum):
    """Which keys are rows: those of any feed, or those that every feed has."""

    OUTER = "outer"
    INNER = "inner"


class Keep(enum.StrEnum):
    """What it means that a feed no longer has a date: it was removed, or it left the feed's window of latest dates."""

    ALL = "all"
    WINDOW = "window"


class Kind(enum.StrEnum):
    """What a measure's numbers are."""

    TOTAL = "total"
    """A running total. One that is 0 after having been positive is *not reported*: null."""
    COUNT = "count"
    """What happened in the period."""
    LEVEL = "level"
    """A state, such as a price or beds in use."""
    RATE = "rate"
    """A share or an index."""


class Aggregate(enum.StrEnum):
    """How the values of a week or a month become one."""

    SUM = "sum"
    LAST = "last"
    MEAN = "mean"
    MAX = "max"


AGGREGATES: Mapping[Kind, tuple[Aggregate, ...]] = {
    Kind.TOTAL: (Aggregate.SUM,),
    Kind.COUNT: (Aggregate.SUM,),
    Kind.LEVEL: (Aggregate.LAST, Aggregate.MEAN, Aggregate.MAX),
    Kind.RATE: (Aggregate.MEAN, Aggregate.LAST),
}
"""Kind -> the aggregates that make sense of it, the usual one first. Of a total, its increments are summed."""


class Opening(enum.StrEnum):
    """What the first value of a series' total is: the increment of its own date, or no increment."""

    COUNT = "count"
    NONE = "none"


class Repeated(enum.StrEnum):
    """What is made of several rows with the same key: an error, their sum, or the last of them."""

    REFUSE = "refuse"
    SUM = "sum"
    LAST = "last"


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One column of numbers, or null where nothing is reported.

    Numbers are whole multiples of 10^-decimals; inside the engine they are those multiples (18.63 is 1863).
    """

    name: str
    """Its name in the store, the API and the change set."""
    label: str
    """Its name for people, as a chart's legend shows it."""
    kind: Kind
    unit: str = ""
    description: str = ""
    decimals: int = 0
    rounded: bool = False
    """Whether a number with more decimals is rounded half to even; else it is refused."""
    minimum: int | None = None
    """The least number allowed, as a multiple of 10^-decimals; None: any."""
    aggregate: Aggregate = Aggregate.SUM
    opening: Opening = Opening.NONE
    """Of a total: what its first value is."""

    @property
    def cumulative(self) -> bool:
        """Whether it is a running total."""
        return self.kind is Kind.TOTAL

    @property
    def adds_up(self) -> bool:
        """Whether values of several series can be summed."""
        return self.kind in (Kind.TOTAL, Kind.COUNT)


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One CSV file at one address, republished as a whole."""

    name: str
    """Names the raw file in S3 and the feed in messages."""
    url: str
    file_name: str = ""
    """The name of the file in day folders, unique in the dataset: the last part of the address, if nothing is said."""
    title: str
    """Its name for people."""
    licence: str
    credit: str
    """Shown wherever its numbers are."""
    measures: Mapping[str, str]
    """Measure name -> column of this feed. Of a wide file: its one measure -> empty."""
    date: tuple[str, ...] = ()
    """The column of the date, or three for year, month and day. Empty for a wide file."""
    date_format: str = "iso"
    """`iso` (YYYY-MM-DD, or a timestamp whose day counts), `iso-week` (2024-W12: its Sunday), or for strptime."""
    dates_in_header: str = ""
    """Of a wide file: how its date columns are headed, for strptime. Columns headed otherwise are no dates."""
    series: tuple[str, ...] = ()
    """The columns that name the series together; empty where the dataset has one series only."""
    series_join: str = " / "
    """Between the parts of a series' name; blank parts are left out."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """Name of a series in the feed -> its name in the dataset."""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> the values of which a row must have one to be used; all other rows are not looked at."""
    where_not: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> values of which a row must have none to be used."""
    repeated: Repeated = Repeated.REFUSE
    missing: tuple[str, ...] = ()
    """Texts that mean not reported, as blank always does."""
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    comment: str = ""
    """Lines that begin so are passed over; empty: none."""
    skip: int = 0
    """Lines before the header that are passed over."""
    skip_after: int = 0
    """Lines behind the header that are passed over."""
    archive: str = ""
    """`gzip`, `zip` (of one member), or `zip:MEMBER`; empty: the file is not packed."""

    def __post_init__(self) -> None:
        if not self.measures:
            raise ValueError(f"feed {self.name}: at least one measure is needed")
        if not self.file_name:
            object.__setattr__(self, "file_name", urlsplit(self.url).path.rsplit("/", 1)[-1])
        for name in ("measures", "rename", "where", "where_not"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def wide(self) -> bool:
        """Whether dates are columns."""
        return bool(self.dates_in_header)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is used, in a fixed order: the contract asks for these and no others."""
        measured = () if self.wide else self.measures.values()
        return tuple(dict.fromkeys([*self.date, *self.series, *measured, *self.where, *self.where_not]))


@dataclass(frozen=True, kw_only=True)
class Series:
    """How the series of a dataset are called and which of them are sums of others."""

    label: str
    """What a series is, for people: `State`."""
    default: str = ""
    """The series that a page opens on; empty: the sum of all that are no totals where that means something,
    else the first."""
    totals: tuple[str, ...] = ()
    """Names of series that are sums of others, `*` at the end for any rest: left out of sums and counts of series."""

    def is_total(self, name: str) -> bool:
        """Whether the series of this name is a sum of others."""
        return any(name.startswith(it[:-1]) if it.endswith("*") else name == it for it in self.totals)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Feeds joined on a key: a date, and a series where there are several."""

    name: str
    """Partition of the ledger, folder in the bucket, first part of an address."""
    title: str
    description: str = ""
    period: Period = Period.DAY
    join: Join = Join.OUTER
    keep: Keep = Keep.ALL
    schedule: str = ""
    """When a run starts, as EventBridge has it; empty: the stage's."""
    stale_after_days: tuple[int, ...] = (3,)
    """Days that a feed's used rows stand still before it is announced as stale, once for each threshold."""
    max_removed_percent: float = 1
    """More removed rows, or lost values of a measure, than this share close the gate."""
    revision_warn_percent: float = 10
    """A revision by more than this share is warned of,"""
    revision_warn_at_least: float = 0
    """where it is also at least so large."""
    series: Series | None = None
    """None where there is one series only."""
    measures: tuple[Measure, ...]
    feeds: tuple[Feed, ...]

    def __post_init__(self) -> None:
        supplied = [measure for feed in self.feeds for measure in feed.measures]
        if sorted(supplied) != sorted(measure.name for measure in self.measures):
            raise ValueError(
                f"dataset {self.name}: every measure comes from exactly one feed; "
                f"declared {[m.name for m in self.measures]}, supplied {supplied}"
            )
        if {bool(feed.series) for feed in self.feeds} != {self.series is not None}:
            raise ValueError(
                f"dataset {self.name}: with [series] every feed names its series column, without it none does"
            )

    @property
    def has_series(self) -> bool:
        """Whether the key is (series, date) rather than the date alone."""
        return self.series is not None

    @property
    def measure_names(self) -> tuple[str, ...]:
        return tuple(measure.name for measure in self.measures)

    @property
    def decimals(self) -> Mapping[str, int]:
        """Measure -> its decimals."""
        return {measure.name: measure.decimals for measure in self.measures}

    @property
    def totals(self) -> tuple[Measure, ...]:
        """The measures that are running totals."""
        return tuple(measure for measure in self.measures if measure.cumulative)

    @property
    def adds_up(self) -> bool:
        """Whether the sum over several series means something for every measure."""
        return all(measure.adds_up for measure in self.measures)

    @property
    def feed_names(self) -> frozenset[str]:
        return frozenset(feed.name for feed in self.feeds)

    @property
    def credits(self) -> tuple[str, ...]:
        """The credits of all feeds, each once, in the order of the feeds."""
        return tuple(dict.fromkeys(feed.credit for feed in self.feeds))

    def is_total(self, series: str) -> bool:
        """Whether a series is a sum of others."""
        return self.series is not None and self.series.is_total(series)

    def leads(self, series: str) -> bool:
        """Whether a series is named before others: it is the only one, the default one, or a sum of others."""
        return self.series is None or series == self.series.default or self.is_total(series)

    def measure(self, name: str) -> Measure:
        """The measure of this name. Raises SettingInvalid where there is none."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise SettingInvalid(f"dataset {self.name} has no measure {name!r}; it has {list(self.measure_names)}")

    def feed(self, name: str) -> Feed:
        """The feed of this name. Raises SettingInvalid where there is none."""
        for feed in self.feeds:
            if feed.name == name:
                return feed
        raise SettingInvalid(f"dataset {self.name} has no feed {name!r}; it has {sorted(self.feed_names)}")

    @property
    def fingerprint(self) -> str:
        """Changes when the same files would give other rows: not with titles, addresses and thresholds."""
        measures = [(m.name, m.kind, m.decimals, m.rounded, m.minimum) for m in self.measures]
        feeds = [[_plain(getattr(feed, name)) for name in _READ_BY] for feed in self.feeds]
        plain = repr((self.join, self.keep, measures, feeds))
        return hashlib.sha256(plain.encode()).hexdigest()[:16]


_READ_BY = tuple(it.name for it in fields(Feed) if it.name not in ("url", "file_name", "title", "licence", "credit"))
"""What of a feed decides how its file is read."""


def _plain(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, Mapping) else value
