"""What a dataset is: the one place that knows the columns of its feeds.

Point the system at two feeds of your own by writing another `Dataset` and registering it in
`shared/datasets.py`; nothing outside the declaration knows a column's name.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from shared.errors import SettingInvalid


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One column of numbers: non-negative whole numbers, or null where nothing is reported."""

    name: str
    """Its name in the store, the API and the change set."""
    label: str
    """Its name for people, as a chart's legend shows it."""
    cumulative: bool
    """A running total. One that is 0 after having been positive is *not reported*: null."""
    credit: str
    """The credit that is shown wherever the numbers are."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One CSV file at one address, republished as a whole."""

    name: str
    """Names the raw file in S3 (`raw/{run_id}/{name}.csv`) and the feed in messages."""
    url: str
    title: str
    """Its name for people."""
    licence: str
    date_column: str
    """The column with ISO 8601 dates (YYYY-MM-DD)."""
    series_column: str | None = None
    """The column that names the series; None where the dataset has one series only."""
    measures: Mapping[str, str]
    """Measure name -> column of this feed."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Column -> the value a row must have to be used; all other rows are not looked at."""

    def __post_init__(self) -> None:
        if not self.measures:
            raise ValueError(f"feed {self.name}: at least one measure is needed")
        object.__setattr__(self, "measures", MappingProxyType(dict(self.measures)))
        object.__setattr__(self, "where", MappingProxyType(dict(self.where)))

    @property
    def file_name(self) -> str:
        """The name of the file upstream, and in day folders: the last part of the address."""
        return urlsplit(self.url).path.rsplit("/", 1)[-1]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is used, in a fixed order: the contract asks for these and no others."""
        series = (self.series_column,) if self.series_column else ()
        return (self.date_column, *series, *self.measures.values(), *self.where)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Feeds joined on a key: a date, and a series where there are several."""

    name: str
    """Partition of the ledger, and the value of the setting DATASET."""
    title: str
    series: str
    """The one series, where the feeds have no series column; else what the series column is called."""
    measures: tuple[Measure, ...]
    feeds: tuple[Feed, ...]

    def __post_init__(self) -> None:
        supplied = [measure for feed in self.feeds for measure in feed.measures]
        if sorted(supplied) != sorted(measure.name for measure in self.measures):
            raise ValueError(
                f"dataset {self.name}: every measure comes from exactly one feed; "
                f"declared {[m.name for m in self.measures]}, supplied {supplied}"
            )
        if len({bool(feed.series_column) for feed in self.feeds}) != 1:
            raise ValueError(f"dataset {self.name}: either all feeds have a series column or none has")

    @property
    def has_series(self) -> bool:
        """Whether the key is (series, date) rather than the date alone."""
        return self.feeds[0].series_column is not None

    @property
    def measure_names(self) -> tuple[str, ...]:
        return tuple(measure.name for measure in self.measures)

    @property
    def feed_names(self) -> frozenset[str]:
        return frozenset(feed.name for feed in self.feeds)

    @property
    def credits(self) -> tuple[str, ...]:
        """The credits of all measures, each once, in the order of the measures."""
        return tuple(dict.fromkeys(measure.credit for measure in self.measures))

    @property
    def fingerprint(self) -> str:
        """Changes when the declaration does: what was unchanged under another declaration may not be now."""
        plain = repr(
            [(m.name, m.cumulative) for m in self.measures]
            + [
                (f.name, f.date_column, f.series_column, sorted(f.measures.items()), sorted(f.where.items()))
                for f in self.feeds
            ]
        )
        return hashlib.sha256(plain.encode()).hexdigest()[:16]

    def feed(self, name: str) -> Feed:
        """The feed of this name. Raises SettingInvalid where there is none."""
        for feed in self.feeds:
            if feed.name == name:
                return feed
        raise SettingInvalid(f"dataset {self.name} has no feed {name!r}; it has {sorted(self.feed_names)}")
