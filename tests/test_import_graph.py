"""What each handler loads on the path that users wait for: nothing heavy, whatever is deferred and wherever.

Importing the app is not enough to know it: a deferred import is loaded by the first event.
"""

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.feed_server import FeedServer
from tests.shared.apps import HEAVY
from tests.shared.declared import US_COVID

ROOT = Path(__file__).resolve().parent.parent
EVENTS = {
    "fetcher": ("fetcher", "scheduled"),
    "merger": ("merger", "s3_object_created"),
    "watch": ("merger", "scheduled"),
    "notifier": ("notifier", "stream_committed"),
    "api": ("api", "api_get_daily"),
    "refresh": ("api", "stream_committed"),
}
"""First event (see `tests.shared.first_event`) -> its service, and the file with the event."""
ENVIRONMENT = {
    "PATH": os.defpath,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "STAGE": "test",
    "BUCKET": "covid-stats-test-data",
    "RUNS_TABLE": "runs",
    "OBSERVATIONS_TABLE": "observations",
    "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:digest",
    "RUNS_STREAM_ARN": "arn:aws:dynamodb:us-east-1:123456789012:table/runs/stream/2020-01-01T00:00:00.000",
}
UNWANTED = HEAVY | {"multiprocessing", "pip", "unittest", "moto", "tests", "infra"}


def first_event(first: str, **environment: str) -> tuple[frozenset[str], object]:
    """The top-level names of all modules that are there after the first event, and what the handler answered."""
    service, name = EVENTS[first]
    program, event = ROOT / "tests" / "shared" / "first_event.py", ROOT / "tests" / "events" / f"{name}.json"
    run = subprocess.run(
        [sys.executable, "-P", str(program), first, str(event)],
        cwd=ROOT / service,
        env=ENVIRONMENT | {"PYTHONPATH": f"{ROOT / service}{os.pathsep}{ROOT}"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    return frozenset(found["modules"]), found["response"]


@pytest.mark.parametrize("first", ["merger", "watch", "notifier", "api"])
def test_the_first_event_loads_nothing_heavy(first: str) -> None:
    modules, _ = first_event(first)
    assert modules & UNWANTED == frozenset()


def test_fetching_loads_nothing_heavy() -> None:
    with FeedServer() as feeds:
        feeds.publish(
            {feed.file_name: b"date\n" for feed in US_COVID.feeds}, at=dt.datetime(2020, 10, 25, tzinfo=dt.UTC)
        )
        modules, found = first_event("fetcher", FEED_URLS=json.dumps(feeds.feed_urls(US_COVID)))
    assert found == {"run_id": "2020-10-25T17:00:00Z", "feeds": {"jhu": "new", "nyt": "new"}}
    assert modules & UNWANTED == frozenset()


def test_the_first_events_are_handled_to_their_end() -> None:
    """A path that stops early would load nothing heavy either."""
    answers = {first: first_event(first)[1] for first in ("merger", "watch", "notifier", "refresh", "api")}
    assert (answers["merger"], answers["watch"]) == (None, None)
    assert (answers["notifier"], answers["refresh"]) == ({"batchItemFailures": []}, {"batchItemFailures": []})
    assert isinstance(answers["api"], dict) and answers["api"]["statusCode"] == 200
