"""The fetcher: brings the feeds of a run into the data bucket, once a day.

Here the settings are read, the clients made and the clock looked at; what is done is in `chalicelib.collecting`.
"""

import functools
import os
import time

from chalice import Chalice

from chalicelib.collecting import Collector, collect
from chalicelib.fetch_settings import read_addresses, read_limits
from chalicelib.rawfiles import RawFiles
from shared.aws import client
from shared.events import Event, dataset_of, not_ahead, scheduled_time
from shared.ledger import Ledger
from shared.observation import invocation
from shared.schedule import DEFAULT_SCHEDULE
from shared.settings import Place

app = Chalice(app_name="covid-stats-fetcher")


@functools.cache
def place() -> Place:
    return Place.read(os.environ)


@functools.cache
def collector(name: str = "") -> Collector:
    """Of the dataset of this name, of the first one where it is empty."""
    dataset = place().find(name)
    return Collector(
        addresses=read_addresses(os.environ, dataset=dataset),
        limits=read_limits(os.environ),
        ledger=Ledger(client("dynamodb"), table=place().runs_table, dataset=dataset.name, service="fetcher"),
        files=RawFiles(client("s3"), bucket=place().bucket, dataset=dataset.name),
        clock=time.monotonic,
        sleep=time.sleep,
    )


def clock_ms() -> int:
    """Wall-clock milliseconds since 1970."""
    return int(time.time() * 1000)


@app.schedule(os.environ.get("SCHEDULE") or DEFAULT_SCHEDULE, description="Fetch the feeds of one run")
def fetch(event: Event) -> dict[str, object]:
    """Take up the run of the event's `time`: `{"time": "2020-10-25T17:00:00Z"}` is enough to redrive it.

    `dataset` names one of the stage's; absent, the first is meant. Also what the event of feeds that are wanted again
    comes to: then run and dataset are those that it names.
    """
    with invocation(
        service="fetcher", handler="fetch", stage=os.environ.get("STAGE", ""), context=event.context
    ) as line:
        not_ahead(scheduled_time(event.to_dict()), clock_ms=clock_ms())
        dataset = place().find(dataset_of(event.to_dict()))
        line.bind(dataset=dataset.name)
        return collect(event.to_dict(), using=collector(dataset.name), line=line)


fetch.event_class = Event
