"""What observation costs: the same services with it and without it, side by side, against the local cloud.

`observation_warm` is a whole daily run through warm processes, from the fetch to the rendered views; `observation_cold`
the first answer of a fresh process; `observation_request` a request of the API, traced, which readers' mostly are not.
"""

import contextlib
import datetime as dt
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.local.chain import scheduled_event
from infra.local.feed_server import FeedServer
from infra.local.local_cloud import LocalCloud
from infra.local.trace_collector import TraceCollector
from shared.attributes import to_item
from shared.runs import run_id_at
from tests.bench.measuring import OURS, PLAIN, Figure, Measure, Target, take_turns
from tests.shared.declared import US_COVID

NAMES = ("observation_warm", "observation_cold", "observation_cold_added", "observation_request")

_WARM_ROUNDS, _COLD_ROUNDS, _REQUESTS = 15, 12, 40
_BEST_OF = 3
"""A round is the best of so many: what the machine does beside only ever adds."""
_MOST_WARM, _MOST_COLD_MS = 0.08, 40.0
_BUCKET, _RUNS, _ROWS = "overhead-data", "overhead-runs", "overhead-observations"
_JHU_HEADER = "Date,Country/Region,Province/State,Confirmed,Recovered,Deaths"
_STREAM = f"arn:aws:dynamodb:us-east-1:000000000000:table/{_RUNS}/stream/2020"


def measure(names: Iterable[str]) -> Iterator[Figure]:
    """The figures of these names."""
    wanted = set(names)
    with _stand() as stand:
        if "observation_warm" in wanted:
            yield _warm(stand)
        if wanted & {"observation_cold", "observation_cold_added"}:
            yield from (figure for figure in _cold(stand) if figure.name in wanted)
        if "observation_request" in wanted:
            yield _request(stand)


def _warm(stand: "_Stand") -> Figure:
    with stand.workers(OURS) as ours, stand.workers(PLAIN) as plain:
        contenders = {OURS: _best(lambda: stand.daily_run(ours)), PLAIN: _best(lambda: stand.daily_run(plain))}
        rounds = take_turns(contenders, rounds=_WARM_ROUNDS)
    target = Target(faster_than_plain=1 / (1 + _MOST_WARM))
    note = "a daily run through all services, warm; plain is the same without lines, metrics and traces"
    return Figure(name="observation_warm", unit="ms", rounds=rounds, target=target, note=note)


def _cold(stand: "_Stand") -> Iterator[Figure]:
    contenders = {OURS: _best(lambda: stand.first_answer(OURS)), PLAIN: _best(lambda: stand.first_answer(PLAIN))}
    rounds = take_turns(contenders, rounds=_COLD_ROUNDS)
    note = "processor time of a fresh process of the fetcher until its first answer"
    yield Figure(name="observation_cold", unit="ms", rounds=rounds, note=note)
    added = [ours - plain for ours, plain in zip(rounds[OURS], rounds[PLAIN], strict=True)]
    yield Figure(name="observation_cold_added", unit="ms", rounds={OURS: added}, target=Target(at_most=_MOST_COLD_MS))


def _request(stand: "_Stand") -> Figure:
    with stand.workers(OURS) as ours, stand.workers(PLAIN) as plain:
        stand.daily_run(plain)
        contenders = {OURS: _best(lambda: stand.request(ours)), PLAIN: _best(lambda: stand.request(plain))}
        rounds = take_turns(contenders, rounds=_REQUESTS)
    note = "a request answered from memory: no network, and no platform, is in it"
    return Figure(name="observation_request", unit="ms", rounds=rounds, note=note)


def _best(measure: Measure) -> Measure:
    return lambda: min(measure() for _ in range(_BEST_OF))


class _Worker:
    """A service's process."""

    processor_ms = 0.0
    """Of the process until its last answer."""

    def __init__(self, contender: str, service: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("overhead_worker.py")), contender, service],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def invoke(self, handler: str, event: Any, *, header: str) -> float:
        """Milliseconds that the handler took, by its own process: this one also collects the traces."""
        assert self._process.stdin is not None and self._process.stdout is not None
        sent = json.dumps({"handler": handler, "event": event, "header": header}) + "\n"
        self._process.stdin.write(sent)
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{handler} died; its traceback is above")
        self.processor_ms, spent = map(float, json.loads(answer)[:2])
        return spent


type _Workers = Mapping[str, _Worker]


class _Stand:
    """A local cloud with the tables and the bucket, two feeds, and days that nobody has had yet."""

    def __init__(self, cloud: LocalCloud, feeds: FeedServer, environment: Mapping[str, str]) -> None:
        self._cloud, self._feeds, self._environment = cloud, feeds, environment
        self._days = itertools.count(1)
        self._headers = (f"Root=1-5f95b290-{n:024x};Parent={n:016x};Sampled=1" for n in itertools.count(1))

    @contextlib.contextmanager
    def workers(self, contender: str) -> "Iterator[_Workers]":
        with contextlib.ExitStack() as stack:
            yield {
                service: stack.enter_context(_Worker(contender, service, self._environment))
                for service in ("fetcher", "merger", "notifier", "api")
            }

    def daily_run(self, workers: _Workers) -> float:
        """Milliseconds that all invocations of a run with one more date took together."""
        run_id = self._publish()
        spent = self._invoke(workers["fetcher"], "fetch", scheduled_event(run_id))
        for feed in sorted(US_COVID.feed_names):
            detail = {"bucket": {"name": _BUCKET}, "object": {"key": f"raw/us-covid/{run_id}/{feed}.csv"}}
            spent += self._invoke(workers["merger"], "on_feed_arrived", {"detail": detail})
        records = {"Records": [self._record(run_id)]}
        spent += self._invoke(workers["notifier"], "on_run_ended", records)
        spent += self._invoke(workers["api"], "refresh_views", records)
        return spent + self.request(workers)

    def request(self, workers: _Workers) -> float:
        """Milliseconds that GET /data took."""
        context = {"resourcePath": "/data", "httpMethod": "GET", "path": "/s/data", "stage": "s", "requestId": "r"}
        event: dict[str, Any] = {
            "resource": "/data",
            "path": "/data",
            "httpMethod": "GET",
            "headers": {"Accept": "*/*"},
            "multiValueHeaders": {"Accept": ["*/*"]},
            "multiValueQueryStringParameters": None,
            "queryStringParameters": None,
            "pathParameters": None,
            "stageVariables": None,
            "requestContext": context | {"identity": {}},
            "body": None,
            "isBase64Encoded": False,
        }
        return self._invoke(workers["api"], "app", event)

    def first_answer(self, contender: str) -> float:
        """Milliseconds of processor time from the start of a fetcher's process to its first answer."""
        run_id = self._publish()
        with _Worker(contender, "fetcher", self._environment) as worker:
            self._invoke(worker, "fetch", scheduled_event(run_id))
            return worker.processor_ms

    def _invoke(self, worker: _Worker, handler: str, event: Any) -> float:
        return worker.invoke(handler, event, header=next(self._headers))

    def _publish(self) -> str:
        """Another day's feeds; the id of its run."""
        day = dt.datetime(2021, 6, 1, 17, tzinfo=dt.UTC) + dt.timedelta(days=next(self._days))
        dates = [(day - dt.timedelta(days=n)).date() for n in range(280, 0, -1)]
        numbers = {date: date.toordinal() - 730_000 for date in dates}
        nyt = ["date,cases,deaths", *(f"{date},{n},{n // 50}" for date, n in numbers.items())]
        jhu = [_JHU_HEADER, *(f"{date},US,,{n},{n // 2},{n // 50}" for date, n in numbers.items())]
        names = {feed.name: feed.file_name for feed in US_COVID.feeds}
        files = {names["nyt"]: "\n".join(nyt).encode(), names["jhu"]: "\n".join(jhu).encode()}
        self._feeds.publish(files, at=day)
        return run_id_at(day)

    def _record(self, run_id: str) -> dict[str, Any]:
        """What the ledger's stream says of the run."""
        key = to_item({"dataset": US_COVID.name, "run_id": run_id})
        item = self._cloud.client("dynamodb").get_item(TableName=_RUNS, Key=key, ConsistentRead=True)["Item"]
        if item["state"] != {"S": "COMMITTED"}:
            raise RuntimeError(f"run {run_id} was to commit; it is {item['state']}: {item.get('reason')}")
        return {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "1", "Keys": key, "NewImage": item}}


@contextlib.contextmanager
def _stand() -> Iterator[_Stand]:
    with (
        tempfile.TemporaryDirectory() as folder,
        TraceCollector() as collector,
        FeedServer() as feeds,
        LocalCloud() as cloud,
    ):
        collector.keep_in(Path(folder, "traces.jsonl"))
        topic = _found(cloud)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": folder,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_XRAY_DAEMON_ADDRESS": collector.address,
            "LAMBDA_TASK_ROOT": folder,
            "NO_PROXY": "127.0.0.1",
            "STAGE": "overhead",
            "BUCKET": _BUCKET,
            "RUNS_TABLE": _RUNS,
            "OBSERVATIONS_TABLE": _ROWS,
            "RUNS_STREAM_ARN": _STREAM,
            "TOPIC_ARN": topic,
            "FEED_URLS": json.dumps(feeds.feed_urls(US_COVID)),
            "LEASE_SECONDS": "960",
            "VIEWS_TTL_MS": "60000",
            "MAX_REMOVED_PERCENT": "100",
        }
        yield _Stand(cloud, feeds, environment)


def _found(cloud: LocalCloud) -> str:
    """Make the bucket, the tables and the topic; the topic's ARN."""
    cloud.client("s3").create_bucket(Bucket=_BUCKET)
    for name, keys in ((_RUNS, ("dataset", "run_id")), (_ROWS, ("series", "date"))):
        cloud.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
        )
    return str(cloud.client("sns").create_topic(Name="overhead")["TopicArn"])


def results(names: Sequence[str] = NAMES) -> list[dict[str, str | float | None]]:
    """The same as values: `{"name", "unit", "ours", "plain", "floor"}`."""
    return [figure.as_map() for figure in measure(names)]


if __name__ == "__main__":
    print(json.dumps(results(sys.argv[1:] or NAMES), indent=1))
