"""The whole system in one process: the four real `app.py`, AWS in memory, and events delivered as the platforms do.

Time stands still until a test moves it. Nothing is delivered by itself: scheduled events and files that were put wait
in `inbox`, changes of the ledger wait in `streams`, until `deliver` or `settle`.
"""

import contextlib
import copy
import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

from infra.local.chain import scheduled_event
from shared import aws
from shared.dataset import Dataset
from shared.events import FEED_WANTED
from shared.ledger.items import Head
from shared.runs import Run, parse_time, run_id_at
from tests.api.serving import Answer, ApiApp
from tests.shared.calls import Call, Calls, Crash, CrashPoint, Invocation
from tests.world import memory
from tests.world.feeds import Feeds, file_address
from tests.world.pausing import Sleep, Slow
from tests.world.platform import BATCH, RETRIES, STREAM_RETRIES, Announced, Pending, Platform
from tests.world.platform_events import object_created, received_mail, wanted_event
from tests.world.stage_environment import ANN, BUCKET, ENGINE_JOB, OBSERVATIONS, RUNS_TABLE
from tests.world.stream_filters import stream_filter


class World:
    """A deployment. Made by `world()`."""

    def __init__(
        self, *, dataset: Dataset, feeds: Feeds, apps: Mapping[str, ModuleType], calls: Calls, beside: Sequence[Dataset]
    ) -> None:
        self.dataset, self.feeds, self.apps, self.calls = dataset, feeds, apps, calls
        self.datasets = {it.name: it for it in (dataset, *beside)}
        """All of the stage, by name; `dataset` is the first."""
        self.s3, self.dynamodb = aws.client("s3"), aws.client("dynamodb")
        self._handlers = {
            "fetch": apps["fetcher"].fetch,
            "on_feed_arrived": apps["merger"].on_feed_arrived,
            "watch": apps["merger"].watch,
            "operate": apps["merger"].operate,
            "on_run_ended": apps["notifier"].on_run_ended,
            "refresh_views": apps["api"].refresh_views,
            "job": self._job,
        }
        self._filters = {"on_run_ended": stream_filter("notifier"), "refresh_views": stream_filter("api")}
        self.platform = Platform()
        self.lines = io.StringIO()
        """What the last invocation said of itself."""
        self.point: CrashPoint | None = None
        """Where the next invocation dies; used up by it."""
        self.turns: Sequence[tuple[str, int]] = ()
        """In what order the threads of the next invocation make their calls; used up by it."""
        calls.listeners.append(self._heard)
        self.new = self.save()
        """The deployment before anything has happened in it."""

    # --- what happens upstream and outside --------------------------------------------------------------------------

    def publish(self, files: Mapping[str, bytes], *, at: str, dataset: str = "") -> None:
        """Feed -> its file from now on; a feed of this dataset that is not among them is a 404."""
        of_one = self.datasets[dataset or self.dataset.name]
        names = {feed.name: file_address(of_one, feed.file_name) for feed in of_one.feeds}
        others = {name: file.data for name, file in self.feeds.kept().items() if name not in names.values()}
        self.feeds.publish(others | {names[feed]: data for feed, data in files.items()}, at=parse_time(at))

    def schedule(self, handler: str, time: str, *, dataset: str = "") -> None:
        """A scheduled event of this time: `fetch` or `watch`. Is the clock behind, it goes there."""
        self.platform.now_ms = max(self.platform.now_ms, int(parse_time(time).timestamp() * 1000))
        event = scheduled_event(time, function=handler)
        self._queue(handler, {"time": time, "dataset": dataset} if dataset else event)

    @property
    def now(self) -> str:
        """The wall clock, as events tell the time."""
        return run_id_at(dt.datetime.fromtimestamp(self.platform.now_ms / 1000, tz=dt.UTC))

    def advance(self, **time: float) -> None:
        """The wall clock goes on: `hours=2`."""
        self.platform.now_ms += int(dt.timedelta(**time).total_seconds() * 1000)

    def command(self, command: str, run_id: str, *, time: str, by: str = ANN) -> None:
        """An operator is about to say `make approve` or `make redrive`."""
        self._queue("operate", {"command": command, "run_id": run_id, "by": by, "time": time})

    def operate(self, command: str, run_id: str, *, time: str, by: str = ANN, dataset: str = "") -> dict[str, Any]:
        """`make approve` or `make redrive`, and the answer."""
        request = {"command": command, "run_id": run_id, "by": by, "time": time, "dataset": dataset}
        return self._operate(request, request_id=self.new_request_id())

    def _operate(self, request: Mapping[str, Any], *, request_id: str) -> dict[str, Any]:
        """What the command line does: invoke, and have fetched what is missing."""
        answer: dict[str, Any] = self.invoke("operate", request, request_id=request_id)
        if answer["fetch"]:
            self._queue("fetch", scheduled_event(request["run_id"], dataset=request.get("dataset", "")))
        return answer

    # --- delivering -------------------------------------------------------------------------------------------------

    @property
    def next_handler(self) -> str:
        """Whom `deliver_next` will invoke."""
        if self.platform.inbox:
            return self.platform.inbox[0].handler
        return next(name for name, stream in self.platform.streams.items() if stream.waiting)

    @property
    def quiet(self) -> bool:
        """Whether nothing waits to be delivered."""
        return not self.platform.inbox and not any(stream.waiting for stream in self.platform.streams.values())

    def settle(self) -> None:
        """Deliver everything, in order, with what comes of it, until nothing is left."""
        while not self.quiet:
            self.deliver_next()

    def deliver_next(self) -> None:
        """The oldest asynchronous event, or, where there is none, the next batch of a stream."""
        if self.platform.inbox:
            self.deliver(self.platform.inbox[0])
        else:
            self.deliver_batch(self.next_handler)

    def deliver(self, pending: Pending) -> None:
        """Invoke as Lambda does asynchronously: what fails is tried again, then put aside as a dead letter.

        A command is invoked synchronously: it is told again where its answer got lost, not where it was refused.
        """
        self.platform.inbox.remove(pending)
        try:
            if pending.handler == "operate":
                self._operate(pending.event, request_id=pending.request_id)
            else:
                self.invoke(pending.handler, pending.event, request_id=pending.request_id)
        except Crash:
            self._failed(pending)
        except Exception as error:
            self.platform.errors.append(error)
            if pending.handler != "operate":
                self._failed(pending)

    def deliver_batch(self, consumer: str) -> None:
        """Invoke as an event source mapping does: in order, partial batch responses, bisecting, finite retries."""
        stream = self.platform.streams[consumer]
        batch = stream.waiting[: stream.size]
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        try:
            answer = self.invoke(consumer, {"Records": batch}, request_id=self.new_request_id())
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            good = next((place for place, number in enumerate(numbers) if number in failed), len(batch))
            stream.size = BATCH
        except (Crash, Exception) as error:
            if isinstance(error, Exception):
                self.platform.errors.append(error)
            good, stream.size = 0, max(1, len(batch) // 2)
        stream.waiting = stream.waiting[good:]
        stream.tries = 0 if good else stream.tries + 1
        if good < len(batch) and stream.tries > STREAM_RETRIES:
            self.platform.dead_letters.append(stream.waiting.pop(0))
            stream.tries = 0

    def invoke(self, handler: str, event: Any, *, request_id: str) -> Any:
        """One invocation of a handler, from event to answer."""
        context = SimpleNamespace(aws_request_id=request_id, function_name=handler)
        self.calls.begin(Invocation(point=self.point, turns=list(self.turns)))
        self.point, self.turns = None, ()
        self.lines = io.StringIO()
        with contextlib.redirect_stdout(self.lines):
            return self._handlers[handler](copy.deepcopy(event), context)

    def at_once(self, pending: Sequence[Pending]) -> None:
        """Deliver several events at the same instant, each in a thread of its own."""
        slow = [self.start(one, stop_at=0) for one in pending]
        for one in slow:
            one.go()
        for one in slow:
            one.finish()

    @property
    def died(self) -> bool:
        """Whether the last invocation did, or one of its calls failed, at the point where it was to."""
        return self.calls.current.dead or self.calls.current.failed

    def start(self, pending: Pending, *, stop_at: int, sleeps: Sleep | None = None) -> Slow:
        """Begin to deliver an event to a handler without threads of its own, and stop it before a call."""
        self.platform.inbox.remove(pending)
        slow = Slow(self, pending, stop_at=stop_at, sleeps=sleeps)
        with contextlib.redirect_stdout(io.StringIO()):
            slow.run_to_stop()
        return slow

    def new_request_id(self) -> str:
        self.platform.requests += 1
        return f"request-{self.platform.requests}"

    def _failed(self, pending: Pending) -> None:
        """A job of the engine is not tried again by its platform, which says that it failed."""
        if pending.handler == "job":
            memory.end_job(ENGINE_JOB, pending.event["id"], state="FAILED")
        else:
            self._again(pending)

    def _job(self, event: Mapping[str, Any], _context: Any) -> None:
        """A job of the engine, its tasks carried out one after the other."""
        from tests.merger.engine_jobs import carry_out_order  # deferred: brings pyarrow

        carry_out_order(self.s3, event["arguments"])
        memory.end_job(ENGINE_JOB, event["id"], state="SUCCEEDED")

    def _again(self, pending: Pending) -> None:
        pending.tries += 1
        if pending.tries <= RETRIES:
            self.platform.inbox.insert(0, pending)
        else:
            self.platform.dead_letters.append(pending)

    def _queue(self, handler: str, event: Mapping[str, Any]) -> None:
        self.platform.inbox.append(Pending(handler=handler, event=event, request_id=self.new_request_id()))

    # --- hearing ----------------------------------------------------------------------------------------------------

    def _heard(self, call: Call, answer: Any) -> None:
        """What AWS makes of a call that took effect."""
        service, _, operation = call.name.partition(".")
        if call.name == "s3.PutObject":
            key = unquote(urlsplit(call.request.url).path).removeprefix("/").removeprefix(f"{BUCKET}/")
            if key.startswith("raw/") or key.endswith("/result.json"):
                self._queue("on_feed_arrived", object_created(key))
        elif call.name == "glue.StartJobRun":
            started = json.loads(call.request.body)
            self._queue("job", {"arguments": started["Arguments"], "id": answer["JobRunId"]})
        elif call.name == "sns.Publish":
            self.platform.mails.append(received_mail(call.request.body))
        elif call.name == "eventbridge.PutEvents":
            body = call.request.body if isinstance(call.request.body, str) else call.request.body.decode()
            for entry in json.loads(body)["Entries"]:
                if entry["DetailType"] == FEED_WANTED:
                    self._queue("fetch", wanted_event(entry) | {"time": self.now})
                else:
                    self.platform.events.append(self._announced(entry))
        elif service == "dynamodb" and operation not in ("GetItem", "Query", "BatchWriteItem"):
            for record in memory.take_stream_records(RUNS_TABLE):
                for name, passes in self._filters.items():
                    if passes(record):
                        self.platform.streams[name].waiting.append(record)

    def _announced(self, entry: Mapping[str, Any]) -> Announced:
        detail = json.loads(entry["Detail"])
        item = self.items().get((detail["dataset"], detail["run_id"]), {})
        stage, dataset, run_id, state, _, *again = detail["id"].split("/")
        about = "/".join([stage, dataset, run_id, state, *again])
        return Announced(kind=entry["DetailType"], about=about, ended=item.get("state") == detail["state"])

    # --- looking ----------------------------------------------------------------------------------------------------

    def run(self, run_id: str, *, dataset: str = "") -> Run:
        return Run.from_values(self.items()[dataset or self.dataset.name, run_id])

    def runs(self, *, dataset: str = "") -> list[Run]:
        """All runs, oldest first."""
        wanted = dataset or self.dataset.name
        found = (item for (partition, _), item in self.items().items() if partition == wanted)
        return sorted(map(Run.from_values, found), key=lambda run: run.run_id)

    def head(self, *, dataset: str = "") -> Head:
        values = self.items().get((f"{dataset or self.dataset.name}#head", "head"), {})
        return Head(**{name: values[name] for name in Head.__dataclass_fields__ if name in values})

    def get(self, path: str) -> Answer:
        """What the API answers."""
        self.calls.begin(Invocation())
        with contextlib.redirect_stdout(io.StringIO()):
            return ApiApp(module=self.apps["api"]).get(path)

    def rows(self, *, dataset: str = "") -> dict[tuple[str, str], dict[str, Any]]:
        """(series, date) -> row, as `observations` holds it."""
        wanted = f"{dataset or self.dataset.name}#"
        return {
            (row.pop("dataset#series").removeprefix(wanted), row.pop("date")): row
            for row in memory.items(OBSERVATIONS)
            if row["dataset#series"].startswith(wanted)
        }

    def items(self) -> dict[tuple[str, str], dict[str, Any]]:
        """(partition, sort key) -> item of the ledger."""
        return {(item["dataset"], item["run_id"]): item for item in memory.items(RUNS_TABLE)}

    def files(self) -> dict[str, bytes]:
        """Key -> bytes of everything in the bucket."""
        return memory.files(BUCKET)

    # --- going back -------------------------------------------------------------------------------------------------

    def save(self) -> Any:
        """Everything that is remembered anywhere, to go back to."""
        return memory.save(), copy.deepcopy(self.platform), self.feeds.kept()

    def restore(self, saved: Any) -> None:
        stores, platform, feeds = saved
        memory.restore(stores)
        self.platform = copy.deepcopy(platform)
        self.feeds.keep(feeds)
        for remembered in (self.apps["api"].site, self.apps["api"].refresher):
            remembered.cache_clear()  # a process remembers views, by the ids of runs that are others now
        self.point, self.turns = None, ()
