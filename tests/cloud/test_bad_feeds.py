"""Bad input: the other feed is kept, the run says why, nothing is written, yesterday is served, one mail goes out."""

import datetime as dt
import json
import re
from typing import Any

import pytest

from infra.local.chain import Chain
from infra.local.feed_server import Fault
from shared import keys
from shared.attributes import from_item
from shared.runs import State, parse_time, run_id_at
from tests.cloud.stage_days import JHU, NYT, Days, rows_upto

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]

BAD = {
    "absent": (State.INCOMPLETE, r"HTTP 404 from http://127\.0\.0\.1:\d+/{file}"),
    Fault.SERVER_ERROR: (State.INCOMPLETE, r"HTTP 500 from http://127\.0\.0\.1:\d+/{file} \(2 attempts\)"),
    Fault.SLOW: (State.INCOMPLETE, r"/{file} took longer than [\d.]+ s"),
    Fault.CUT_SHORT: (State.INCOMPLETE, r"/{file} broke off after [\d,]+ of [\d,]+ bytes"),
    Fault.TWO_LENGTHS: (State.INCOMPLETE, r"/{file} announces different lengths: '\d+, \d+'"),
    Fault.TOO_MANY_REQUESTS: (State.INCOMPLETE, r"HTTP 429 from http://127\.0\.0\.1:\d+/{file} \(1 attempt\)"),
    Fault.REDIRECT_AWAY: (
        State.INCOMPLETE,
        r"/{file} redirects to http://169\.254\.169\.254/\.\.\., which is another site",
    ),
    Fault.GARBAGE: (
        State.INCOMPLETE,
        r"/{file} cannot be read: a line of its answer's head is too long \(2 attempts\)",
    ),
    Fault.HTML_PAGE: (State.REJECTED, r"feed {feed}, line 1.*'<!DOCTYPE html>'"),
    Fault.EMPTY: (State.REJECTED, r"feed {feed}: the file is empty; a header is needed"),
    Fault.OTHER_HEADER: (State.REJECTED, r"feed {feed}, line 1, column {column}: .* is not allowed"),
}
"""What is wrong with a feed -> the state the run ends in, and what its reason says."""

FEEDS = {"nyt": (NYT, "date"), "jhu": (JHU, "Date")}


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("fault", BAD, ids=lambda fault: str(getattr(fault, "name", fault)).lower())
def test_a_bad_feed_changes_nothing_but_the_ledger(steady: Chain, days: Days, feed: str, fault: Fault | str) -> None:
    (file, column), (state, reason) = FEEDS[feed], BAD[fault]
    before = everything(steady)
    day = days.next(without=[file] if fault == "absent" else [])
    done = steady.carry(day, faults={file: fault} if isinstance(fault, Fault) else {})
    run = done.run
    assert (done.problem, run.state) == ("", state)
    assert re.search(reason.format(feed=feed, file=re.escape(file), column=column), run.reason), run.reason
    assert everything(steady) == before
    other = next(name for name in FEEDS if name != feed)
    assert raw(steady, run.run_id, other) == day.read()[FEEDS[other][0]]
    assert (state is State.REJECTED) == (feed in run.arrived), "a file that came is kept, even a bad one"
    [mail] = done.mails
    assert (mail.kind, mail.attributes["stage"]) == ("failure", "steady")
    assert run.run_id in mail.subject and state in mail.subject
    assert f"feed {feed}" in mail.body.lower() and f"make redrive RUN={run.run_id}" in mail.body


def test_the_day_after_brings_all_that_was_missed(steady: Chain, days: Days) -> None:
    missed = steady.carry(days.next(without=[JHU]))
    day = days.next()
    done = steady.carry(day)
    assert (missed.run.state, done.run.state) == (State.INCOMPLETE, State.COMMITTED)
    assert [mail.kind for mail in done.mails] == ["digest"]
    steady.await_views()
    assert json.loads(steady.stage.get("/data")) == rows_upto(day)


def everything(chain: Chain) -> dict[str, Any]:
    """All that a bad feed must not change: the store, the head, what was written for commits, and what is served."""
    stage = chain.stage
    chain.await_views()
    rows = stage.client("dynamodb").get_paginator("scan").paginate(TableName=stage.parameter("observations-table"))
    listed = stage.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stage.place.bucket)
    objects = [(item["Key"], item["ETag"]) for page in listed for item in page.get("Contents", [])]
    return {
        "head": stage.ledger.head(),
        "rows": sorted((from_item(item) for page in rows for item in page["Items"]), key=lambda it: it["date"]),
        "objects": [(key, etag) for key, etag in objects if not key.startswith("raw/")],
        "answers": {path: stage.get(path) for path in ("/data", "/daily", "/weekly", "/monthly")},
    }


def raw(chain: Chain, run_id: str, feed: str) -> bytes:
    reply = chain.stage.client("s3").get_object(
        Bucket=chain.stage.place.bucket, Key=keys.raw_key("us-covid", run_id, feed)
    )
    return bytes(reply["Body"].read())


def test_a_feed_that_comes_late_is_fetched_by_the_next_watch(steady: Chain, days: Days) -> None:
    """By an event on the bus: the services know nothing of one another."""
    day = days.next()
    files = day.read()
    steady.feeds.publish({NYT: files[NYT]}, at=parse_time(day.fetch_at))
    steady.fetch(day.fetch_at)
    steady.settle(day.fetch_at)
    steady.feeds.publish(files, at=parse_time(day.fetch_at))
    steady.watch(run_id_at(parse_time(day.fetch_at) + dt.timedelta(hours=1)))
    assert steady.await_end(day.fetch_at).state is State.COMMITTED
    assert [mail.kind for mail in steady.await_mails(day.fetch_at)] == ["digest"]


def test_gzip_that_comes_unasked_is_kept_as_the_file(steady: Chain, days: Days) -> None:
    day = days.next()
    done = steady.carry(day, faults={NYT: Fault.GZIP, JHU: Fault.GZIP})
    assert (done.problem, done.run.state) == ("", State.COMMITTED)
    assert raw(steady, done.run.run_id, "nyt") == day.read()[NYT]
