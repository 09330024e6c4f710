"""What every route works with, made once in `app.py`."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.view_store.view_store import Shelf
from chalicelib.web.assets import Assets
from shared.dataset import Dataset
from shared.schedule import DEFAULT_SCHEDULE
from shared.settings import Place, Source

if TYPE_CHECKING:
    from chalicelib.vintages.vintage_reading import VintageReader
    from shared.ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """The settings that only this service has."""

    schedule: str
    """When the fetcher runs, as EventBridge says it: from this the dashboard says when the next run is due."""
    pointer_seconds: float
    """How long a request may rely on the pointer that an earlier one read."""
    lag_seconds: float
    """How long views may lag behind the head before /health says 503."""
    distribution: str
    """The CloudFront distribution in front; empty where there is none."""
    notice: str
    """A line that the operator wants every reader to see, on the page and with the API; empty where there is none."""

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "ApiSettings":
        source = Source(values)
        return cls(
            schedule=source.text("SCHEDULE", default=DEFAULT_SCHEDULE),
            pointer_seconds=source.number("VIEWS_TTL_MS", default=1000) / 1000,
            lag_seconds=source.number("VIEWS_LAG_SECONDS", default=120),
            distribution=values.get("DISTRIBUTION_ID", ""),
            notice=" ".join(source.text("NOTICE", default="").split()),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """The parts that answers are made from."""

    place: Place
    settings: ApiSettings
    shelf: Shelf
    assets: Assets
    vintages: Callable[[], "VintageReader"]
    """Made on first use, as the ledger is."""
    ledger: Callable[[], "Ledger"]
    """Made on first use: tables are served without DynamoDB, and its client costs a cold start."""
    now: Callable[[], dt.datetime]
    """The clock, aware, in UTC; only for what is due and what is late."""

    @property
    def dataset(self) -> Dataset:
        return self.place.dataset

    def run_at(self, day: str | None) -> str | None:
        """The run whose views answer: the current one, or the one that was the head at the end of a UTC day."""
        if day is None:
            return self.shelf.current()
        from chalicelib.routes.time_travel import (
            head_at,  # deferred: today needs no ledger
        )

        return head_at(self.ledger(), day)
