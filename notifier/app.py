"""The notifier: mails the end of a run, and notices, to those who subscribed; an event for programs beside.

Here the settings are read, the clients made and the clock looked at; what is done is in `chalicelib.mailing`.
"""

import functools
import os
import time
from typing import Any

from chalice import Chalice

from chalicelib.event_bus import EventBus
from chalicelib.letterhead import Letterhead, page_address
from chalicelib.mailing import Mailer, mail_batch
from chalicelib.topic import Topic
from shared.aws import client
from shared.events import Event
from shared.ledger import Ledger
from shared.observation import invocation
from shared.settings import Place, Source

app = Chalice(app_name="covid-stats-notifier")


@functools.cache
def mailer(name: str = "") -> Mailer:
    """Of the dataset of this name, of the first one where it is empty."""
    place = Place.read(os.environ)
    dataset, alone = place.find(name), len(place.datasets) == 1
    topic = Topic(client("sns"), arn=Source(os.environ).text("TOPIC_ARN"))
    return Mailer(
        letterhead=Letterhead(
            stage=place.stage,
            dataset=dataset,
            alone=alone,
            dashboard_url=page_address(os.environ.get("DASHBOARD_URL", ""), dataset.name, alone=alone),
            notice=Source(os.environ).text("NOTICE", default=""),
        ),
        ledger=Ledger(client("dynamodb"), table=place.runs_table, dataset=dataset.name, service="notifier"),
        publish=topic.publish,
        put_event=EventBus(client("events")).put,
        now_ms=lambda: int(time.time() * 1000),
    )


@app.on_dynamodb_record(stream_arn=Source(os.environ).text("RUNS_STREAM_ARN"), batch_size=10)
def on_run_ended(event: Event) -> dict[str, Any]:
    """An event and a mail for each record of the ledger's stream that says a run ended; a mail for a notice."""
    with invocation(
        service="notifier", handler="on_run_ended", stage=os.environ.get("STAGE", ""), context=event.context
    ) as line:
        mailer()  # a setting that is missing fails at once, by its name, and not record by record
        return mail_batch(event.to_dict(), using=mailer, line=line)


on_run_ended.event_class = Event
