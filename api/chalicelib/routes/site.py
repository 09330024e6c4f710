"""What every route works with, made once in `app.py`."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.view_store.view_store import ViewStore
from chalicelib.web.assets import Assets
from chalicelib.web.requests import Request
from shared.dataset import Dataset
from shared.schedule import DEFAULT_SCHEDULE
from shared.settings import Place, Source

if TYPE_CHECKING:
    from chalicelib.routes.visit_answers import VisitCounter
    from chalicelib.subscribing.subscriptions import Subscriptions
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
    url: str
    """Where readers find this stage, without a slash at the end; empty: where the request came to."""
    visits_table: str
    """Where visits are counted; empty where they are not."""
    subscriptions_table: str
    """Where requests to be subscribed are counted; empty where readers cannot subscribe themselves."""
    subscriptions_an_hour: int
    """How many such requests the stage takes in an hour."""
    topic_arn: str
    """The topic that they subscribe to."""
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
            url=values.get("DASHBOARD_URL", "").rstrip("/"),
            visits_table=values.get("VISITS_TABLE", ""),
            subscriptions_table=values.get("SUBSCRIPTIONS_TABLE", ""),
            subscriptions_an_hour=int(source.number("SUBSCRIPTIONS_AN_HOUR", default=30)),
            topic_arn=values.get("TOPIC_ARN", ""),
            notice=" ".join(source.text("NOTICE", default="").split()),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Sites:
    """A stage: all its datasets."""

    place: Place
    settings: ApiSettings
    made: Callable[..., "Site"]
    """The site of a dataset by its name, of the first one without; made when it is first wanted."""

    @property
    def several(self) -> bool:
        return len(self.place.datasets) > 1

    def find(self, name: str) -> "Site":
        return self.first if name == self.place.dataset.name else self.made(name)

    @property
    def first(self) -> "Site":
        return self.made()

    def __iter__(self) -> Iterator["Site"]:
        return (self.find(dataset.name) for dataset in self.place.datasets)

    def address(self, request: Request) -> str:
        """Where this stage is, with a slash at the end: as the operator has it, or as the client asked."""
        if self.settings.url:
            return f"{self.settings.url}/"
        return request.origin + request.stage_root


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """The parts that answers are made from: of one dataset of a stage."""

    place: Place
    dataset: Dataset
    settings: ApiSettings
    view_store: ViewStore
    assets: Assets
    stage: Callable[[], "Sites"]
    """The stage with all its datasets, this one among them."""
    vintages: Callable[[], "VintageReader"]
    """Made on first use, as the ledger is."""
    ledger: Callable[[], "Ledger"]
    """Made on first use: tables are served without DynamoDB, and its client costs a cold start."""
    visits: "Callable[[], VisitCounter] | None"
    """The counter of visits, made on first use; None where none are counted."""
    subscriptions: "Callable[[], Subscriptions] | None"
    """What takes a reader's address, made on first use; None where readers cannot subscribe themselves."""
    now: Callable[[], dt.datetime]
    """The clock, aware, in UTC; only for what is due and what is late."""

    def address(self, request: Request) -> str:
        """Where this dataset is for readers, with a slash at the end; without its name where none was asked for."""
        return self.stage().address(request) + (f"{request.dataset}/" if request.dataset else "")

    def run_at(self, day: str | None) -> str | None:
        """The run whose views answer: the current one, or the one that was the head at the end of a UTC day."""
        if day is None:
            return self.view_store.current()
        from chalicelib.routes.time_travel import (
            head_at,  # deferred: today needs no ledger
        )

        return head_at(self.ledger(), day)
