"""What each function is there for, done once by direct invocation: whatever right it has, one of these needs it."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.deploying.deployed import FunctionFailed
from infra.errors import CommandFailed
from infra.local.chain import Chain, scheduled_event
from infra.local.day_folders import Day
from shared.attributes import to_item
from shared.keys import raw_key
from shared.runs import Run, State, parse_time, run_id_at
from tests.cloud.stage_days import Days

_PAGES = ("/", "/health", "/data", "/data?as_of=2021-06-01", "/runs", "/changes", "/changes.atom", "/data/1999-01-01")


class DirectCalls:
    """A stage whose events reach nobody, so that each function does only what it is called for here.

    Every call takes a day that nobody had before and gives what the function answered, or what it failed with.
    """

    def __init__(self, chain: Chain, days: Days) -> None:
        self._chain, self.stage, self._days = chain, chain.stage, days
        self.of: Mapping[str, Callable[[], object]] = {
            "fetch": self._fetch,
            "on_feed_arrived": self._on_feed_arrived,
            "watch": self._watch,
            "operate": self._operate,
            "on_run_ended": self._on_run_ended,
            "api_handler": self._api_handler,
            "refresh_views": self._refresh_views,
        }

    def silence(self) -> None:
        """Take the functions off their events."""
        events, functions = self.stage.client("events"), self.stage.client("lambda")
        for rule in events.list_rules(NamePrefix=f"covid-stats-{self.stage.name}-")["Rules"]:
            events.disable_rule(Name=rule["Name"])
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if f"-{self.stage.name}" in mapping["FunctionArn"]:
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def tidy(self) -> None:
        """Put away what a function left half done, as its lease would in time."""
        table, dataset = self.stage.place.runs_table, self.stage.place.dataset.name
        self.stage.client("dynamodb").update_item(
            TableName=table,
            Key=to_item({"dataset": f"{dataset}#head", "run_id": "head"}),
            UpdateExpression="REMOVE writing, writing_until",
        )
        for run in self.stage.ledger.newest_first():
            if not run.state.ended:
                self.stage.client("dynamodb").update_item(
                    TableName=table,
                    Key=to_item({"dataset": dataset, "run_id": run.run_id}),
                    UpdateExpression="SET #state = :superseded REMOVE lease_owner, lease_until",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues=to_item({":superseded": State.SUPERSEDED}),
                )

    # --- the calls -----------------------------------------------------------------------------------------------

    def _fetch(self) -> object:
        """New files, the same files a day later (a conditional GET, a copy), and the same event again."""
        first, second = self._days.next(), self._days.next()
        self._chain.feeds.publish(first.read(), at=parse_time(first.fetch_at))
        answers = [self._call("fetcher", "fetch", scheduled_event(it.fetch_at)) for it in (first, second, second)]
        runs = list(self.stage.ledger.newest_first(since=first.fetch_at, upto=second.fetch_at))
        return answers, [delivery.reason for run in runs for delivery in run.deliveries.values()]

    def _on_feed_arrived(self) -> object:
        day = self._days.next()
        self._put(day, *self._feeds)
        return [self._call("merger", "on_feed_arrived", self._arrived(day, feed)) for feed in self._feeds]

    def _watch(self) -> object:
        """A run whose arrivals got lost, one that is overdue, days without any, and a run that lacks feeds still."""
        overdue, lost = self._days.next(), self._days.next()
        self.stage.ledger.begin(overdue.fetch_at)
        self.stage.ledger.begin(lost.fetch_at)
        self._put(lost, *self._feeds)
        for _ in range(3):
            last = self._days.next()
        answers = [self._call("merger", "watch", scheduled_event(last.watch_at, function="watch"))]
        waiting = self._days.next()
        self.stage.ledger.begin(waiting.fetch_at)
        soon = run_id_at(parse_time(waiting.fetch_at) + dt.timedelta(hours=1))
        return [*answers, self._call("merger", "watch", scheduled_event(soon, function="watch"))]

    def _operate(self) -> object:
        day = self._days.next()
        self.stage.ledger.begin(day.fetch_at)
        run = self.stage.ledger.get(day.fetch_at)
        self.stage.ledger.end(run, {"state": State.INCOMPLETE, "reason": "a feed was late"})
        self._put(day, *self._feeds)
        command_event = {"command": "redrive", "run_id": day.fetch_at, "by": "arn:of:an:operator", "time": day.watch_at}
        return self._call("merger", "operate", command_event)

    def _on_run_ended(self) -> object:
        """An event and a mail about the newest commit, and the same record once more."""
        record = self._record(self._head, forget=("mail", "mail_owner", "mail_until", "announced"))
        return [self._call("notifier", "on_run_ended", record) for _ in range(2)]

    def _api_handler(self) -> object:
        pages = (*_PAGES, f"/runs/{self._head.run_id}", f"/runs/{self._head.run_id}/changes")
        return [self._get(page) for page in pages]

    def _refresh_views(self) -> object:
        """Views of a run that nobody has rendered yet, by a process that has rendered none: it lists what is there."""
        self._call("api", "refresh_views", {})  # no event at all: the process ends by it, as in Lambda
        day = self._days.next()
        self._put(day, *self._feeds)
        for feed in self._feeds:
            self._call("merger", "on_feed_arrived", self._arrived(day, feed))
        return self._call("api", "refresh_views", self._record(self.stage.ledger.get(day.fetch_at)))

    # --- what they need ------------------------------------------------------------------------------------------

    @property
    def _feeds(self) -> Sequence[str]:
        return sorted(self.stage.place.dataset.feed_names)

    @property
    def _head(self) -> Run:
        return self.stage.ledger.get(self.stage.ledger.head().head)

    def _put(self, day: Day, *feeds: str) -> None:
        files = day.read()
        for feed in feeds:
            self.stage.client("s3").put_object(
                Bucket=self.stage.place.bucket,
                Key=raw_key("us-covid", day.fetch_at, feed),
                Body=files[self.stage.place.dataset.feed(feed).file_name],
                Metadata={"sha256": uuid.uuid5(uuid.NAMESPACE_URL, f"{day.fetch_at}/{feed}").hex},
            )

    def _arrived(self, day: Day, feed: str) -> dict[str, Any]:
        key = raw_key("us-covid", day.fetch_at, feed)
        detail = {"bucket": {"name": self.stage.place.bucket}, "object": {"key": key}}
        return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}

    def _record(self, run: Run, *, forget: Sequence[str] = ()) -> dict[str, Any]:
        """The stream's record of the end of a run; `forget` are attributes that are taken off the run before."""
        table, dataset = self.stage.place.runs_table, self.stage.place.dataset.name
        key, client = to_item({"dataset": dataset, "run_id": run.run_id}), self.stage.client("dynamodb")
        if forget:
            client.update_item(TableName=table, Key=key, UpdateExpression=f"REMOVE {', '.join(forget)}")
        item = client.get_item(TableName=table, Key=key)["Item"]
        images = {"Keys": key, "NewImage": item, "OldImage": item | to_item({"state": State.MERGING})}
        record = {"eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": images | {"SequenceNumber": "1"}}
        return {"Records": [record]}

    def _call(self, service: str, function: str, event: Mapping[str, Any]) -> object:
        try:
            return self.stage.invoke(service, function, event)
        except FunctionFailed as error:
            return str(error)

    def _get(self, page: str) -> str:
        try:
            return self.stage.get(page)[:40].decode(errors="replace")
        except CommandFailed as error:
            return str(error)
