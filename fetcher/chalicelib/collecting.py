"""Collect the feeds of one run: all at once, each saved as soon as it is whole, one's failure not the other's.

In a run's order: the run begins; a feed is received; the ledger says what was received; the raw file is put, which
starts the merger; the feed's last copy is remembered. A crash between any two of these, and the event again, ends
in the same state: what is in S3 already is not asked for again, and the rest follows from its metadata.
"""

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

from chalicelib.downloading import Answer, Limits, Validators, download
from chalicelib.rawfiles import Copy, RawFiles
from chalicelib.retrying import persist
from shared.errors import CovidStatsError, FeedRefused, UpstreamUnavailable
from shared.events import scheduled_time
from shared.ledger import Ledger
from shared.ledger.items import FeedState
from shared.observation import Line
from shared.runs import Delivery, State, parse_time, run_id_at
from shared.scrubbing import scrub, scrub_address
from shared.tracing import carried, current_header, follow, subsegment

_IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a feed held in memory before the rest goes to disk."""


@dataclass(frozen=True, kw_only=True)
class Collector:
    """What collecting works with."""

    urls: Mapping[str, str]
    """Feed -> address, for every feed of the dataset."""
    limits: Limits
    ledger: Ledger
    files: RawFiles
    clock: Callable[[], float]
    """Seconds of a clock that never goes back; only for the limits."""
    sleep: Callable[[float], None]


def collect(event: object, *, using: Collector, line: Line) -> dict[str, object]:
    """Handle a scheduled event: `{"run_id", "feeds": {name: status}}`; the status of a feed left out is `absent`.

    Raises EventMalformed; a feed's failure is written on the run and raises nothing; a failure of S3 or DynamoDB is
    raised once the other feeds are through, so that the event is delivered again.
    """
    run_id = run_id_at(scheduled_time(event))
    line.bind(run_id=run_id)
    task = _open(run_id, using=using)
    line.bind(state=task.state)
    last = using.ledger.feed_states()
    with ThreadPoolExecutor(max_workers=len(using.urls)) as pool:
        collect_feed = carried(_collect_feed)
        futures = {feed: pool.submit(collect_feed, feed, last.get(feed), task, using=using) for feed in using.urls}
    deliveries = {feed: future.result() for feed, future in futures.items()}
    _observe(run_id, deliveries, last, line)
    return {"run_id": run_id, "feeds": {feed: delivery.status for feed, delivery in deliveries.items()}}


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What is to be done for a run."""

    run_id: str
    trace: str
    fresh: bool
    """Begun by this invocation: nothing of it can be in S3."""
    state: State

    @property
    def open(self) -> bool:
        """Feeds are still waited for; of another run only what it has is put right."""
        return self.state is State.COLLECTING


def _open(run_id: str, *, using: Collector) -> _Task:
    trace = current_header()
    if using.ledger.begin(run_id):
        follow("schedule")
        return _Task(run_id=run_id, trace=trace, fresh=True, state=State.COLLECTING)
    run = using.ledger.get(run_id)
    if run.state is State.COLLECTING and run.redriven_at:
        follow("merger", run.traces.get("merger", ""))
    else:
        follow("schedule")
    return _Task(run_id=run_id, trace=trace, fresh=False, state=run.state)


def _collect_feed(feed: str, last: FeedState | None, task: _Task, *, using: Collector) -> Delivery:
    with (
        subsegment("collect", feed=feed) as span,
        tempfile.SpooledTemporaryFile(_IN_MEMORY) as body,
    ):
        saved = None if task.fresh else using.files.find(task.run_id, feed)
        if saved is None and not task.open:
            return Delivery(status="absent")
        if saved is None:
            try:
                copy = _obtain(feed, last, task.run_id, body=body, using=using)
            except (UpstreamUnavailable, FeedRefused) as error:
                span.fail(error)
                return _give_up(feed, error, task, using=using)
            span.annotate(status=copy.delivery.status, bytes=copy.bytes)
            using.ledger.record_delivery(task.run_id, feed, copy.delivery)  # before the file: the merger reads it
            saved = using.files.save(copy, body, trace=task.trace)
            if saved == copy:
                using.ledger.save_feed_state(saved.feed_state)
                return saved.delivery
        return _take_over(saved, using=using)


def _take_over(saved: Copy, *, using: Collector) -> Delivery:
    """Put right what is known of a file that another invocation saved and perhaps did not live to tell of."""
    using.ledger.record_delivery(saved.run_id, saved.feed, saved.delivery)
    using.ledger.save_feed_state(saved.feed_state)
    return saved.delivery


def _give_up(feed: str, error: CovidStatsError, task: _Task, *, using: Collector) -> Delivery:
    """Write down why there is no file, unless another invocation has saved one meanwhile."""
    saved = using.files.find(task.run_id, feed)
    if saved is not None:
        return _take_over(saved, using=using)
    source = scrub_address(using.urls[feed])
    delivery = Delivery(status="failed", reason=scrub(str(error)), source_url=source)
    using.ledger.record_delivery(task.run_id, feed, delivery)
    return delivery


def _obtain(feed: str, last: FeedState | None, run_id: str, *, body: IO[bytes], using: Collector) -> Copy:
    """Get the feed's bytes into `body`: from its server, or from the last copy where the server says it still holds.

    Raises UpstreamUnavailable and FeedRefused.
    """
    url, limits = using.urls[feed], using.limits
    source = scrub_address(url)
    until = using.clock() + limits.total_seconds

    def try_once(known: Validators, seconds: float) -> Answer | None:
        with subsegment("download", conditional=bool(known.as_headers())) as span:
            answer = download(url, into=body, known=known, limits=limits, seconds=seconds)
            span.annotate(bytes=answer.bytes if answer else 0, modified=answer is not None)
            return answer

    def ask(known: Validators) -> Answer | None:
        return persist(
            lambda seconds: try_once(known, seconds),
            attempts=limits.attempts,
            backoff_seconds=limits.backoff_seconds,
            left=lambda: until - using.clock(),
            sleep=using.sleep,
        )

    answer = None
    if last is not None and last.source_url == source and (last.etag or last.last_modified):
        answer = ask(Validators(etag=last.etag, last_modified=last.last_modified)) or _reread(last, body, using=using)
    answer = answer or ask(Validators())
    assert answer is not None, "only a conditional request is answered by 304"
    return Copy(
        run_id=run_id,
        feed=feed,
        sha256=answer.sha256,
        bytes=answer.bytes,
        source_url=source,
        etag=answer.validators.etag,
        last_modified=answer.validators.last_modified,
        changed_run_id=last.changed_run_id if last is not None and last.sha256 == answer.sha256 else run_id,
    )


def _reread(last: FeedState, body: IO[bytes], *, using: Collector) -> Answer | None:
    """The last copy's bytes; None where its file is gone or is not what was remembered."""
    kept = using.files.read(last.last_run_id, last.feed, into=body)
    if kept is None or kept.sha256 != last.sha256:
        return None
    return Answer(
        sha256=kept.sha256,
        bytes=kept.bytes,
        validators=Validators(etag=last.etag, last_modified=last.last_modified),
    )


def _observe(run_id: str, deliveries: Mapping[str, Delivery], last: Mapping[str, FeedState], line: Line) -> None:
    for status in sorted({delivery.status for delivery in deliveries.values()}):
        line.bind(**{status: " ".join(sorted(feed for feed, said in deliveries.items() if said.status == status))})
    failed = {feed: said.reason for feed, said in sorted(deliveries.items()) if said.status == "failed"}
    line.bind(outcome="failed" if failed else "ok", reason="; ".join(f"{feed}: {why}" for feed, why in failed.items()))
    line.measure("Bytes", **{f"bytes_{feed}": said.bytes for feed, said in deliveries.items()})
    line.measure("Seconds", **_ages(run_id, deliveries, last))
    line.measure("Count", feeds_failed=len(failed))


def _ages(run_id: str, deliveries: Mapping[str, Delivery], last: Mapping[str, FeedState]) -> dict[str, int]:
    """Since when each feed has had the bytes of its last copy; a feed that was never seen has no age."""
    since = {feed: state.changed_run_id for feed, state in last.items() if feed in deliveries}
    since |= {feed: run_id for feed, said in deliveries.items() if said.status == "new"}
    now = parse_time(run_id)
    return {f"age_{feed}": max(int((now - parse_time(then)).total_seconds()), 0) for feed, then in since.items()}
