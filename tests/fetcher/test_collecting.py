"""Collecting the feeds of a run, against a real server and a cloud in memory."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.collecting import Collector, collect
from chalicelib.downloading import DownloadLimits
from chalicelib.feed_addresses import FeedAddress
from chalicelib.rawfiles import RawFiles
from shared.errors import EventMalformed
from shared.ledger.items import FeedState
from shared.observation import Line
from shared.runs import Delivery, Run, State
from shared.scrubbing import scrub_address
from shared.tracing import Span
from tests.fetcher import scripted_server as scripted
from tests.fetcher.scripted_server import ScriptedServer
from tests.shared.calls import Calls, every_crash
from tests.shared.in_memory import BUCKET, Cloud, event

SUNDAY, MONDAY, TUESDAY = "2020-10-25T17:00:00Z", "2020-10-26T17:00:00Z", "2020-10-27T17:00:00Z"
NYT, JHU = b"date,cases,deaths\n2020-10-24,3,1\n", b"Date,Recovered\n2020-10-24,2\n"


def addresses(**urls: str) -> dict[str, FeedAddress]:
    return {
        feed: FeedAddress(url=url, shown=scrub_address(url, file_name=url.rpartition("/")[2].partition("?")[0]))
        for feed, url in urls.items()
    }


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Fetcher:
    """A collector of the two feeds of a scripted server, that never waits."""

    cloud: Cloud
    server: ScriptedServer
    attempts: int = 3
    pauses: list[float] = field(default_factory=list)
    """The seconds it would have slept."""
    line: Line = field(default_factory=lambda: Line(Span(None)))

    @property
    def collector(self) -> Collector:
        return Collector(
            addresses=addresses(nyt=f"{self.server.url}/us.csv", jhu=f"{self.server.url}/combined.csv"),
            limits=DownloadLimits(max_bytes=1000, total_seconds=5, attempts=self.attempts, silence_seconds=1),
            ledger=self.cloud.ledger(),
            files=RawFiles(self.cloud.s3, bucket=BUCKET, dataset="us-covid"),
            clock=lambda: 0.0,
            sleep=self.pauses.append,
        )

    def fetch(self, run_id: str) -> Mapping[str, Any]:
        """The statuses of the feeds."""
        reply = collect({"time": run_id}, using=self.collector, line=self.line)
        assert reply["run_id"] == run_id
        feeds = reply["feeds"]
        assert isinstance(feeds, dict)
        return feeds


@pytest.fixture
def fetcher(cloud: Cloud, server: ScriptedServer) -> Fetcher:
    server.reply("/us.csv", scripted.cached(NYT, etag='"n1"'))
    server.reply("/combined.csv", scripted.body(JHU, Last_Modified="Sun, 25 Oct 2020 06:07:00 GMT"))
    return Fetcher(cloud=cloud, server=server)


def test_each_feed_is_saved_with_all_that_is_known_of_it(fetcher: Fetcher) -> None:
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    url = fetcher.server.url
    assert fetcher.cloud.objects() == {
        f"raw/us-covid/{SUNDAY}/nyt.csv": (
            NYT,
            {
                "sha256": sha256(NYT),
                "source-url": f"{url}/us.csv",
                "upstream-etag": '"n1"',
                "changed-run-id": SUNDAY,
                "received-run-id": SUNDAY,
            },
        ),
        f"raw/us-covid/{SUNDAY}/jhu.csv": (
            JHU,
            {
                "sha256": sha256(JHU),
                "source-url": f"{url}/combined.csv",
                "upstream-last-modified": "Sun, 25 Oct 2020 06:07:00 GMT",
                "changed-run-id": SUNDAY,
                "received-run-id": SUNDAY,
            },
        ),
    }
    assert fetcher.cloud.ledger().get(SUNDAY) == Run(
        run_id=SUNDAY,
        state=State.COLLECTING,
        known_from=SUNDAY,
        deliveries={
            "nyt": Delivery(status="new", sha256=sha256(NYT), bytes=len(NYT), source_url=f"{url}/us.csv", etag='"n1"'),
            "jhu": Delivery(
                status="new",
                sha256=sha256(JHU),
                bytes=len(JHU),
                source_url=f"{url}/combined.csv",
                last_modified="Sun, 25 Oct 2020 06:07:00 GMT",
            ),
        },
    )
    assert fetcher.cloud.ledger().feed_states() == {
        "nyt": FeedState(
            feed="nyt",
            sha256=sha256(NYT),
            source_url=f"{url}/us.csv",
            etag='"n1"',
            last_run_id=SUNDAY,
            changed_run_id=SUNDAY,
            received_run_id=SUNDAY,
        ),
        "jhu": FeedState(
            feed="jhu",
            sha256=sha256(JHU),
            source_url=f"{url}/combined.csv",
            last_modified="Sun, 25 Oct 2020 06:07:00 GMT",
            last_run_id=SUNDAY,
            changed_run_id=SUNDAY,
            received_run_id=SUNDAY,
        ),
    }


def test_the_line_tells_statuses_bytes_and_ages(fetcher: Fetcher) -> None:
    fetcher.server.reply("/combined.csv", scripted.status(404))
    fetcher.fetch(SUNDAY)
    entry = json.loads(fetcher.line.render(epoch_ms=0))
    measured = entry.pop("_aws")["CloudWatchMetrics"][0]["Metrics"]
    assert [it["Name"] for it in measured] == ["bytes_fetched", "feeds_failed"]
    assert entry == {
        "run_id": SUNDAY,
        "state": "COLLECTING",
        "failed": "jhu",
        "new": "nyt",
        "outcome": "failed",
        "reason": f"jhu: HTTP 404 from {fetcher.server.url}/...",
        "bytes_nyt": len(NYT),
        "bytes_jhu": 0,
        "age_nyt": 0,
        "bytes_fetched": len(NYT),
        "feeds_failed": 1,
    }


def test_a_real_scheduled_event_names_its_run(fetcher: Fetcher) -> None:
    collect(event("scheduled"), using=fetcher.collector, line=fetcher.line)
    assert fetcher.cloud.ledger().get(SUNDAY).state is State.COLLECTING


@pytest.mark.parametrize("malformed", [{}, None, [], {"time": None}, {"time": "yesterday"}, {"detail": {"time": "x"}}])
def test_an_event_without_a_time_is_malformed_and_leaves_nothing(fetcher: Fetcher, malformed: object) -> None:
    with pytest.raises(EventMalformed):
        collect(malformed, using=fetcher.collector, line=fetcher.line)
    assert (fetcher.cloud.items(), fetcher.server.requests) == ({}, [])


def test_the_same_event_again_asks_nobody_and_changes_nothing(fetcher: Fetcher) -> None:
    fetcher.fetch(SUNDAY)
    before, requests = (fetcher.cloud.items(), fetcher.cloud.objects()), list(fetcher.server.requests)
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    assert (fetcher.cloud.items(), fetcher.cloud.objects()) == before
    assert fetcher.server.requests == requests


def test_an_unchanged_feed_arrives_all_the_same(fetcher: Fetcher) -> None:
    """`nyt` is answered by 304, `jhu` by the same bytes."""
    fetcher.fetch(SUNDAY)
    assert fetcher.fetch(MONDAY) == {"nyt": "same", "jhu": "same"}
    saved = fetcher.cloud.objects()
    assert saved[f"raw/us-covid/{MONDAY}/nyt.csv"] == saved[f"raw/us-covid/{SUNDAY}/nyt.csv"]
    content, known = saved[f"raw/us-covid/{SUNDAY}/jhu.csv"]
    assert saved[f"raw/us-covid/{MONDAY}/jhu.csv"] == (content, {**known, "received-run-id": MONDAY})
    assert {name: (it.last_run_id, it.changed_run_id) for name, it in fetcher.cloud.ledger().feed_states().items()} == {
        "nyt": (MONDAY, SUNDAY),
        "jhu": (MONDAY, SUNDAY),
    }


def test_other_bytes_are_new(fetcher: Fetcher) -> None:
    fetcher.fetch(SUNDAY)
    fetcher.server.reply("/us.csv", scripted.cached(NYT + b"2020-10-25,4,1\n", etag='"n2"'))
    assert fetcher.fetch(MONDAY) == {"nyt": "new", "jhu": "same"}
    state = fetcher.cloud.ledger().feed_states()["nyt"]
    assert (state.etag, state.last_run_id, state.changed_run_id) == ('"n2"', MONDAY, MONDAY)


@pytest.mark.parametrize("kept", [None, b"not what was remembered"])
def test_where_the_last_copy_is_gone_the_feed_is_fetched_in_full(fetcher: Fetcher, kept: bytes | None) -> None:
    fetcher.fetch(SUNDAY)
    if kept is None:
        fetcher.cloud.s3.delete_object(Bucket=BUCKET, Key=f"raw/us-covid/{SUNDAY}/nyt.csv")
    else:
        fetcher.cloud.s3.put_object(Bucket=BUCKET, Key=f"raw/us-covid/{SUNDAY}/nyt.csv", Body=kept)
    assert fetcher.fetch(MONDAY)["nyt"] == "same"
    assert fetcher.cloud.objects()[f"raw/us-covid/{MONDAY}/nyt.csv"][0] == NYT
    assert [headers.get("if-none-match") for path, headers in fetcher.server.requests if path == "/us.csv"] == [
        None,
        '"n1"',
        None,
    ]


def test_what_one_address_said_of_a_copy_does_not_hold_for_another(fetcher: Fetcher, server: ScriptedServer) -> None:
    fetcher.fetch(SUNDAY)
    collector = fetcher.collector
    moved = addresses(nyt=server.reply("/moved.csv", scripted.cached(b"other\n", etag='"n1"')))
    using = Collector(**{**vars(collector), "addresses": {**collector.addresses, **moved}})
    assert collect({"time": MONDAY}, using=using, line=fetcher.line)["feeds"] == {"nyt": "new", "jhu": "same"}


def test_one_feed_that_fails_does_not_stop_the_other(fetcher: Fetcher) -> None:
    url = fetcher.server.reply("/combined.csv", scripted.status(404))
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "failed"}
    assert list(fetcher.cloud.objects()) == [f"raw/us-covid/{SUNDAY}/nyt.csv"]
    assert fetcher.cloud.ledger().get(SUNDAY).deliveries["jhu"] == Delivery(
        status="failed",
        reason=f"HTTP 404 from {url}",
        source_url=url,
        requests=1,
        first_requested=SUNDAY,
        last_requested=SUNDAY,
    )
    assert (fetcher.server.request_counts(), fetcher.pauses) == ({"/us.csv": 1, "/combined.csv": 1}, [])


def test_what_is_secret_in_an_address_is_not_told(fetcher: Fetcher, server: ScriptedServer) -> None:
    secret = addresses(
        nyt=server.reply("/us.csv?token=s3cret", scripted.cached(NYT, etag='"n1"')),
        jhu=server.reply("/combined.csv?token=s3cret", scripted.status(403)),
    )
    using = Collector(**{**vars(fetcher.collector), "addresses": secret})
    for day in (SUNDAY, MONDAY):
        collect({"time": day}, using=using, line=fetcher.line)
    run = fetcher.cloud.ledger().get(MONDAY)
    assert {feed: entry.status for feed, entry in run.deliveries.items()} == {"nyt": "same", "jhu": "failed"}
    assert "s3cret" not in repr((fetcher.cloud.objects(), run))
    shown = secret["jhu"].shown
    assert shown.startswith(f"{server.url}/combined.csv?... (")
    assert run.deliveries["jhu"].reason == f"HTTP 403 from {shown}"


def test_a_server_in_trouble_is_asked_again_after_growing_pauses(fetcher: Fetcher) -> None:
    fetcher.server.reply(
        "/combined.csv", scripted.status(503), scripted.cut_short(b"Date", announced=99), scripted.body(JHU)
    )
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    assert fetcher.cloud.objects()[f"raw/us-covid/{SUNDAY}/jhu.csv"][0] == JHU
    assert fetcher.pauses == [1, 2]


def test_the_reason_tells_how_often_it_was_tried(fetcher: Fetcher) -> None:
    url = fetcher.server.reply("/combined.csv", scripted.status(500))
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "failed"}
    assert fetcher.cloud.ledger().get(SUNDAY).deliveries["jhu"].reason == f"HTTP 500 from {url} (3 attempts)"


def test_a_page_and_an_empty_file_are_kept_as_they_are_for_the_contract_to_judge(fetcher: Fetcher) -> None:
    page = b"<!DOCTYPE html><title>Unavailable</title>"
    fetcher.server.reply("/us.csv", scripted.body(page, Content_Type="text/html"))
    fetcher.server.reply("/combined.csv", scripted.body(b""))
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    saved = fetcher.cloud.objects()
    assert (saved[f"raw/us-covid/{SUNDAY}/nyt.csv"][0], saved[f"raw/us-covid/{SUNDAY}/jhu.csv"][0]) == (page, b"")


def test_a_redriven_run_gets_what_is_missing_and_nothing_else(fetcher: Fetcher) -> None:
    fetcher.server.reply("/combined.csv", scripted.status(404))
    fetcher.fetch(SUNDAY)
    ledger = fetcher.cloud.ledger()
    assert ledger.end(ledger.get(SUNDAY), {"state": State.INCOMPLETE, "reason": "jhu had not arrived"})
    ledger.reopen(
        SUNDAY,
        allowed=frozenset({State.INCOMPLETE}),
        command={"redriven_by": "arn", "redriven_at": MONDAY},
        known_from=MONDAY,
    )
    fetcher.server.reply("/combined.csv", scripted.body(JHU))
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    assert fetcher.server.request_counts() == {"/us.csv": 1, "/combined.csv": 2}


def test_a_late_retry_does_not_disturb_a_run_that_has_ended(fetcher: Fetcher) -> None:
    fetcher.server.reply("/combined.csv", scripted.status(404))
    fetcher.fetch(SUNDAY)
    ledger = fetcher.cloud.ledger()
    ledger.end(ledger.get(SUNDAY), {"state": State.INCOMPLETE, "reason": "jhu had not arrived"})
    before = fetcher.cloud.items(), fetcher.cloud.objects()
    fetcher.server.reply("/combined.csv", scripted.body(JHU))
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "absent"}
    assert (fetcher.cloud.items(), fetcher.cloud.objects()) == before


def test_an_older_run_that_comes_late_does_not_take_the_place_of_a_newer_copy(fetcher: Fetcher) -> None:
    fetcher.fetch(MONDAY)
    fetcher.server.reply("/us.csv", scripted.body(b"older"))
    fetcher.fetch(SUNDAY)
    assert fetcher.cloud.ledger().feed_states()["nyt"].last_run_id == MONDAY


def test_a_file_that_another_invocation_saved_meanwhile_stays_and_is_what_the_ledger_tells(fetcher: Fetcher) -> None:
    """The other invocation saves while this one is still receiving other bytes."""
    other = Fetcher(cloud=fetcher.cloud, server=fetcher.server)

    def meanwhile(request: Any, over: Any) -> None:
        fetcher.server.reply("/us.csv", scripted.body(NYT))
        other.fetch(SUNDAY)
        scripted.body(b"later bytes")(request, over)

    fetcher.server.reply("/us.csv", meanwhile)
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    assert fetcher.cloud.objects()[f"raw/us-covid/{SUNDAY}/nyt.csv"][0] == NYT
    assert fetcher.cloud.ledger().get(SUNDAY).deliveries["nyt"].sha256 == sha256(NYT)
    assert fetcher.cloud.ledger().feed_states()["nyt"].sha256 == sha256(NYT)


def test_a_failure_here_is_forgotten_where_another_invocation_succeeded(fetcher: Fetcher) -> None:
    other = Fetcher(cloud=fetcher.cloud, server=fetcher.server)

    def meanwhile(request: Any, over: Any) -> None:
        fetcher.server.reply("/us.csv", scripted.body(NYT))
        other.fetch(SUNDAY)
        scripted.status(404)(request, over)

    fetcher.server.reply("/us.csv", meanwhile)
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    assert fetcher.cloud.ledger().get(SUNDAY).deliveries["nyt"].status == "new"


def test_a_file_put_there_by_hand_is_taken_as_it_is(fetcher: Fetcher) -> None:
    """It says nothing of itself in metadata."""
    fetcher.server.reply("/us.csv", scripted.status(404))
    fetcher.fetch(SUNDAY)
    fetcher.cloud.s3.put_object(Bucket=BUCKET, Key=f"raw/us-covid/{SUNDAY}/nyt.csv", Body=NYT)
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    assert fetcher.cloud.ledger().get(SUNDAY).deliveries["nyt"] == Delivery(
        status="new", sha256=sha256(NYT), bytes=len(NYT)
    )


def test_a_bucket_that_fails_is_raised_after_the_other_feed_is_through(fetcher: Fetcher) -> None:
    """So that the platform delivers the event again."""

    def fail(params: dict[str, Any], **_: Any) -> None:
        if params["headers"]["Content-Length"] == str(len(NYT)):
            raise ConnectionError("no bucket today")

    fetcher.cloud.s3.meta.events.register("before-call.s3.PutObject", fail)
    with pytest.raises(ConnectionError):
        fetcher.fetch(SUNDAY)
    assert list(fetcher.cloud.objects()) == [f"raw/us-covid/{SUNDAY}/jhu.csv"]
    fetcher.cloud.s3.meta.events.unregister("before-call.s3.PutObject", fail)
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}


@pytest.mark.parametrize("ended_meanwhile", [False, True], ids=["still collecting", "ended before the retry"])
def test_a_crash_at_any_call_and_the_event_again_end_as_if_there_had_been_none(
    fetcher: Fetcher, ended_meanwhile: bool
) -> None:
    """On a day with one feed that is new and one that is answered by 304."""
    cloud, ledger = fetcher.cloud, fetcher.cloud.ledger()

    def afresh() -> None:
        cloud.clear()
        fetcher.server.reply("/combined.csv", scripted.body(JHU))
        fetcher.fetch(SUNDAY)
        fetcher.server.reply("/combined.csv", scripted.body(JHU + b"2020-10-25,3\n"))

    def merge_where_all_is_there() -> None:
        if (
            ended_meanwhile
            and {f"raw/us-covid/{MONDAY}/nyt.csv", f"raw/us-covid/{MONDAY}/jhu.csv"} <= cloud.objects().keys()
        ):
            ledger.end(ledger.get(MONDAY), {"state": State.UNCHANGED})

    afresh()
    fetcher.fetch(MONDAY)
    merge_where_all_is_there()
    undisturbed = cloud.items(), cloud.objects()
    calls = Calls(cloud.s3, cloud.dynamodb)
    points = []
    for point in every_crash(calls, lambda: fetcher.fetch(MONDAY), afresh=afresh):
        merge_where_all_is_there()
        fetcher.fetch(MONDAY)
        merge_where_all_is_there()
        assert (cloud.items(), cloud.objects()) == undisturbed, f"crash point {point}"
        points.append(point)
    assert len(points) >= 2 * 9


def wanted(run_id: str, *, time: str) -> dict[str, Any]:
    known: dict[str, Any] = event("feed_wanted")
    return known | {"detail": {**known["detail"], "run_id": run_id, "time": time}}


def test_what_is_wanted_again_is_fetched_and_nothing_else(fetcher: Fetcher) -> None:
    fetcher.server.reply("/combined.csv", scripted.status(404))
    fetcher.fetch(SUNDAY)
    fetcher.server.reply("/combined.csv", scripted.body(JHU))
    again = collect(wanted(SUNDAY, time="2020-10-25T18:00:00Z"), using=fetcher.collector, line=fetcher.line)
    assert again == {"run_id": SUNDAY, "feeds": {"nyt": "new", "jhu": "new"}}
    assert fetcher.server.request_counts() == {"/us.csv": 1, "/combined.csv": 2}
    run = fetcher.cloud.ledger().get(SUNDAY)
    assert (run.deliveries["jhu"].status, run.deliveries["jhu"].requests) == ("new", 0)
    assert [run.run_id for run in fetcher.cloud.ledger().newest_first()] == [SUNDAY]


def test_the_ledger_says_how_often_and_when_a_feed_was_requested_in_vain(fetcher: Fetcher) -> None:
    """The same event twice is one request."""
    head = b"HTTP/1.1 503 x\r\nDate: Sun, 25 Oct 2020 17:00:00 GMT\r\nRetry-After: 5400\r\n\r\n"
    url = fetcher.server.reply("/combined.csv", scripted.raw(head), scripted.raw(head), scripted.status(404))
    fetcher.fetch(SUNDAY)
    known = Delivery(
        status="failed",
        reason=f"HTTP 503 from {url} (1 attempt)",
        source_url=url,
        requests=1,
        first_requested=SUNDAY,
        last_requested=SUNDAY,
        retry_after="2020-10-25T18:30:01Z",
    )
    assert fetcher.cloud.ledger().get(SUNDAY).deliveries["jhu"] == known
    fetcher.fetch(SUNDAY)
    assert fetcher.cloud.ledger().get(SUNDAY).deliveries["jhu"] == known
    for _ in range(2):
        collect(wanted(SUNDAY, time="2020-10-25T19:00:00Z"), using=fetcher.collector, line=fetcher.line)
        assert fetcher.cloud.ledger().get(SUNDAY).deliveries["jhu"] == Delivery(
            status="failed",
            reason=f"HTTP 404 from {url}",
            source_url=url,
            requests=2,
            first_requested=SUNDAY,
            last_requested="2020-10-25T19:00:00Z",
        )


def test_a_short_wait_that_the_server_names_is_waited_for_within_the_function(fetcher: Fetcher) -> None:
    fetcher.server.reply("/combined.csv", scripted.status(429, Retry_After="3"), scripted.body(JHU))
    assert fetcher.fetch(SUNDAY) == {"nyt": "new", "jhu": "new"}
    assert fetcher.pauses == [3]


def test_a_feed_that_goes_back_to_an_older_file_says_to_which(fetcher: Fetcher) -> None:
    """A network of caches serves an older file after a newer one, with another ETag."""
    for day, content, etag in ((SUNDAY, NYT, '"1"'), (MONDAY, NYT + b"2020-10-25,4,1\n", '"2"'), (TUESDAY, NYT, '"3"')):
        fetcher.server.reply("/us.csv", scripted.cached(content, etag=etag))
        assert fetcher.fetch(day)["nyt"] == "new"
    ledger = fetcher.cloud.ledger()
    older = {day: ledger.get(day).deliveries["nyt"].went_back_to for day in (SUNDAY, MONDAY, TUESDAY)}
    assert older == {SUNDAY: "", MONDAY: "", TUESDAY: SUNDAY}
    assert fetcher.cloud.objects()[f"raw/us-covid/{TUESDAY}/nyt.csv"][1]["went-back-to"] == SUNDAY
    before = fetcher.cloud.items()
    assert fetcher.fetch(TUESDAY)["nyt"] == "new"
    assert fetcher.cloud.items() == before


def test_a_date_that_stands_still_while_the_bytes_change_hides_nothing(fetcher: Fetcher) -> None:
    """The server answers every request by date with "not modified"."""

    def by_date(content: bytes) -> scripted.Reply:
        def reply(request: Any, over: Any) -> None:
            if "If-Modified-Since" in request.headers:
                scripted.status(304)(request, over)
            else:
                scripted.body(content, Last_Modified="Sun, 25 Oct 2020 06:07:00 GMT")(request, over)

        return reply

    for day, content in ((SUNDAY, JHU), (MONDAY, JHU), (TUESDAY, JHU + b"2020-10-25,3\n")):
        fetcher.server.reply("/combined.csv", by_date(content))
        fetcher.fetch(day)
        assert fetcher.cloud.objects()[f"raw/us-covid/{day}/jhu.csv"][0] == content


def test_a_date_that_moves_with_the_bytes_is_asked_by_afterwards(fetcher: Fetcher) -> None:
    moved = "Mon, 26 Oct 2020 06:07:00 GMT"
    fetcher.fetch(SUNDAY)
    fetcher.server.reply(
        "/combined.csv", scripted.body(JHU + b"2020-10-25,3\n", Last_Modified=moved), scripted.status(304)
    )
    assert (fetcher.fetch(MONDAY)["jhu"], fetcher.fetch(TUESDAY)["jhu"]) == ("new", "same")
    sent = [headers.get("if-modified-since") for path, headers in fetcher.server.requests if path == "/combined.csv"]
    assert sent == [None, None, moved]


def test_gzip_that_comes_unasked_is_kept_as_the_file(fetcher: Fetcher) -> None:
    fetcher.server.reply("/us.csv", scripted.body(gzip.compress(NYT, mtime=0), Content_Encoding="gzip"))
    fetcher.fetch(SUNDAY)
    content, known = fetcher.cloud.objects()[f"raw/us-covid/{SUNDAY}/nyt.csv"]
    assert (content, known["sha256"]) == (NYT, sha256(NYT))


def test_a_status_line_and_a_redirect_of_a_hundred_kilobytes_are_a_reason_of_a_line(fetcher: Fetcher) -> None:
    fetcher.server.reply("/us.csv", scripted.raw(b"\x1b[2J" + b"x" * 100_000 + b"\r\n\r\n"))
    fetcher.server.reply("/combined.csv", scripted.status(302, Location="https://" + "x" * 60_000 + ".example/"))
    assert fetcher.fetch(SUNDAY) == {"nyt": "failed", "jhu": "failed"}
    for delivery in fetcher.cloud.ledger().get(SUNDAY).deliveries.values():
        assert delivery.reason.isprintable() and len(delivery.reason) <= 500
