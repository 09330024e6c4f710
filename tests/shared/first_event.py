"""A function's first event in a fresh process, with AWS's answers made up: no network, all of our own code.

    python -P -S -B first_event.py FIRST EVENT.json

FIRST is one of FIRSTS; its service's `app` and what the Lambda runtime offers are on the path. Prints as JSON how many
processor seconds importing the app took, making its clients, and handling the event; what the handler answered; and
the modules that are there afterwards. The standard library alone is imported before the clock starts.
"""

import gzip
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

RUN = "2020-10-25T17:00:00Z"
CONTEXT = SimpleNamespace(
    aws_request_id="8f507cfc-xmpl-4697-b07a-ac58fc914c95",
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:first",
    function_name="first",
    memory_limit_in_mb=2048,
    log_group_name="/aws/lambda/first",
    log_stream_name="first",
    get_remaining_time_in_millis=lambda: 60_000,
)

type Answer = tuple[int, dict[str, str], bytes]
type Answers = Mapping[str, Answer | Callable[[Any], Answer]]
"""By the operation's name; what is called gets the request."""


def main(name: str, event: Any) -> dict[str, Any]:
    began = time.process_time()
    app = importlib.import_module("app")
    imported = time.process_time()
    clients = FIRSTS[name].make_clients(app)
    made = time.process_time()
    for client in clients:
        client.meta.events.register_first("before-send", _Answers(FIRSTS[name].answers(app)))
    answered = time.process_time()
    response = FIRSTS[name].handler(app)(event, CONTEXT)
    done = time.process_time()
    return {
        "import": imported - began,
        "clients": made - imported,
        "event": done - answered,
        "response": response,
        "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    }


class _Answers:
    """Answers each call by its operation's name, as AWS would."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __call__(self, request: Any, event_name: str, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        answer = self._answers[event_name.rpartition(".")[2]]
        status, headers, body = answer(request) if callable(answer) else answer
        raw = SimpleNamespace(
            stream=lambda *_, **__: iter([body]),
            read=lambda *_, **__: body,
            release_conn=lambda: None,
            close=lambda: None,
        )
        return AWSResponse(request.url, status, headers, raw)


def _json(value: object) -> Answer:
    return 200, {"content-type": "application/x-amz-json-1.0"}, json.dumps(value).encode()


def _run_item(**more: object) -> dict[str, object]:
    delivery = {"M": {"status": {"S": "same"}, "sha256": {"S": "aa"}, "bytes": {"N": "4954"}}}
    return {
        "dataset": {"S": "us-covid"},
        "run_id": {"S": RUN},
        "state": {"S": "MERGING"},
        "known_from": {"S": RUN},
        "arrived": {"SS": ["jhu", "nyt"]},
        "deliveries": {"M": {"nyt": delivery, "jhu": delivery}},
        "traces": {"M": {}},
        "attempts": {"N": "1"},
        **more,
    }


def _unchanged(app: Any) -> Answers:
    """Both files have the bytes of the run before."""
    seen = {"M": {"nyt": {"S": "aa"}, "jhu": {"S": "aa"}}}
    head = {"head": {"S": "2020-10-24T17:00:00Z"}, "seen": seen, "sources": seen, "rules": {"S": app.tools().rules}}
    return {
        "UpdateItem": _json({"Attributes": _run_item()}),
        "GetItem": _json({"Item": head | {"newest": {"S": "2020-10-23"}, "rows": {"N": "277"}}}),
        "HeadObject": (200, {"x-amz-meta-sha256": "aa", "content-length": "4954", "etag": '"aa"'}, b""),
        "TransactWriteItems": _json({}),
    }


def _mailed(_: Any) -> Answers:
    published = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
    return {
        "UpdateItem": _json({"Attributes": _run_item()}),
        "GetItem": _json({"Item": _run_item()}),
        "Query": _json({"Items": []}),
        "Publish": (200, {"content-type": "text/xml"}, published.encode()),
        "PutEvents": _json({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}),
    }


def _served(_: Any) -> Answers:
    """The pointer, or a view."""
    view = gzip.compress(b'[\n{"date":"2020-10-24","cases":8,"deaths":2,"recoveries":null}\n]\n')

    def object_at(request: Any) -> Answer:
        body = json.dumps({"run_id": RUN}).encode() if request.url.endswith("current.json") else view
        return 200, {"etag": '"1"', "content-length": str(len(body))}, body

    return {"GetObject": object_at}


def _watched(_: Any) -> Answers:
    """The run of the day before was the last, nothing changed since, and all is as it should be."""
    last = _run_item(run_id={"S": "2020-10-24T17:00:00Z"}, state={"S": "UNCHANGED"}, mail={"S": "SENT"})
    return {
        "Query": lambda request: _json({"Items": [last] if b'"us-covid"' in request.body else []}),
        "GetItem": _json({}),
        "UpdateItem": _json({"Attributes": {"since": {"S": "2020-10-24T17:00:00Z"}}}),
        "PutItem": _json({}),
    }


def _refreshed(_: Any) -> Answers:
    """A run that added one row to a history without any."""
    base = "2020-10-24T17:00:00Z"
    row = {"date": "2020-10-24", "cases": 8, "deaths": 2, "recoveries": None}
    change_set = {"run_id": RUN, "base_run_id": base, "added": [row], "changed": [], "removed": []}
    files = {
        "/changesets/": json.dumps(change_set).encode(),
        "/snapshots/": f"series,date,cases,deaths,recoveries,run_id\nall,2020-10-24,8,2,,{RUN}\n".encode(),
        "/history.json.gz": gzip.compress(b"{}"),
    }
    missing = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"

    def object_at(request: Any) -> Answer:
        found = next((data for part, data in files.items() if part in request.url), None)
        if found is None:
            return 404, {"content-type": "application/xml"}, missing
        return 200, {"etag": '"1"', "content-length": str(len(found))}, found

    return {
        "GetObject": object_at,
        "HeadObject": (404, {}, b""),
        "ListObjectsV2": (200, {"content-type": "application/xml"}, b"<ListBucketResult></ListBucketResult>"),
        "PutObject": (200, {"etag": '"1"'}, b""),
        "Query": _json({"Items": []}),
        "GetItem": _json({}),
        "UpdateItem": _json({"Attributes": {}}),
    }


def _fetched(_: Any) -> Answers:
    """A run that nobody has begun, and no copy of a feed from before."""
    return {
        "PutItem": _json({}),
        "Query": _json({"Items": [], "Count": 0}),
        "UpdateItem": _json({"Attributes": _run_item()}),
        "PutObject": (200, {"etag": '"1"'}, b""),
    }


class _First(SimpleNamespace):
    """How a service's first event is handled."""

    make_clients: Callable[[Any], list[Any]]
    answers: Callable[[Any], Answers]
    handler: Callable[[Any], Callable[[Any, Any], Any]]


FIRSTS = {
    "fetcher": _First(
        make_clients=lambda app: app.collector() and _clients("dynamodb", "s3"),
        answers=_fetched,
        handler=lambda app: app.fetch if "FEED_URLS" in os.environ else lambda _event, _context: None,
    ),
    "merger": _First(
        make_clients=lambda app: app.tools() and _clients("dynamodb", "s3"),
        answers=_unchanged,
        handler=lambda app: app.on_feed_arrived,
    ),
    "watch": _First(
        make_clients=lambda app: app.tools() and _clients("dynamodb", "s3"),
        answers=_watched,
        handler=lambda app: app.watch,
    ),
    "notifier": _First(
        make_clients=lambda app: app.mailer() and _clients("dynamodb", "sns", "events"),
        answers=_mailed,
        handler=lambda app: app.on_run_ended,
    ),
    "api": _First(
        make_clients=lambda app: app.site() and _clients("s3"),
        answers=_served,
        handler=lambda app: app.app,
    ),
    "refresh": _First(
        make_clients=lambda app: app.refresher() and _clients("dynamodb", "s3"),
        answers=_refreshed,
        handler=lambda app: app.refresh_views,
    ),
}


def _clients(*names: str) -> list[Any]:
    from shared.aws import client

    return [client(name) for name in names]


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as file:
        first = json.load(file)
    print(json.dumps(main(sys.argv[1], first)))
