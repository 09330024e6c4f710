"""Collect the feeds of one run: all at once, each saved as soon as it is whole, one's failure not the other's.

In a run's order: the run begins; a feed is received; the ledger says what was received; the raw file is put, which
starts the merger; the feed's last copy is remembered. A crash between any two of these, and the event again, ends
in the same state: what is in S3 already is not asked for again, and the rest follows from its metadata.
"""

import datetime as dt
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO

from chalicelib.downloading import DownloadLimits, ReceivedBody, download
from chalicelib.failed_requests import failed_delivery
from chalicelib.feed_addresses import FeedAddress
from chalicelib.feed_versions import known_since, state_after, went_back_to
from chalicelib.fetch_log import note_deliveries
from chalicelib.fetch_orders import FetchOrder, fetch_order
from chalicelib.rawfiles import Copy, RawFiles
from chalicelib.retrying import persist
from chalicelib.validators import Validators, to_ask_by
from shared.errors import FeedRefused, UpstreamUnavailable
from shared.ledger import Ledger
from shared.ledger.items import FeedState
from shared.observation import Line
from shared.runs import Delivery, State, parse_time
from shared.tracing import carried, current_header, follow, subsegment

_IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a feed held in memory before the rest goes to disk."""


@dataclass(frozen=True, kw_only=True)
class Collector:
    """What collecting works with."""

    addresses: Mapping[str, FeedAddress]
    """Feed -> where it is, for every feed of the dataset."""
    limits: DownloadLimits
    ledger: Ledger
    files: RawFiles
    clock: Callable[[], float]
    """Seconds of a clock that never goes back; only for the limits."""
    sleep: Callable[[float], None]


def collect(event: object, *, using: Collector, line: Line) -> dict[str, object]:
    """Handle an event that wants feeds: `{"run_id", "feeds": {name: status}}`; one that is left out is `absent`.

    What has arrived already is not fetched again. Raises EventMalformed; a feed's failure is written on the run and
    raises nothing; a failure of S3 or DynamoDB is raised once the other feeds are through, so that the event is
    delivered again.
    """
    order = fetch_order(event)
    run_id = order.run_id
    line.bind(run_id=run_id)
    task = _open(order, using=using)
    line.bind(state=task.state)
    last = using.ledger.feed_states()
    feeds = using.addresses
    with ThreadPoolExecutor(max_workers=len(feeds)) as pool:
        collect_feed = carried(_collect_feed)
        futures = {feed: pool.submit(collect_feed, feed, last.get(feed), task, using=using) for feed in feeds}
    deliveries = {feed: future.result() for feed, future in futures.items()}
    note_deliveries(line, run_id, deliveries, last)
    return {"run_id": run_id, "feeds": {feed: delivery.status for feed, delivery in deliveries.items()}}


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What is to be done for a run."""

    run_id: str
    time: dt.datetime
    """For which it is fetched: that of the schedule, the watch or the command."""
    trace: str
    fresh: bool
    """Begun by this invocation: nothing of it can be in S3."""
    state: State
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    """What became of the feeds before."""

    @property
    def open(self) -> bool:
        """Feeds are still waited for; of another run only what it has is put right."""
        return self.state is State.COLLECTING


def _open(order: FetchOrder, *, using: Collector) -> _Task:
    trace = current_header()
    if using.ledger.begin(order.run_id):
        follow("schedule")
        return _Task(run_id=order.run_id, time=order.time, trace=trace, fresh=True, state=State.COLLECTING)
    run = using.ledger.get(order.run_id)
    if order.again:
        follow("merger", order.trace)
    elif run.state is State.COLLECTING and run.redriven_at:
        follow("merger", run.traces.get("merger", ""))
    else:
        follow("schedule")
    time = max(order.time, parse_time(run.redriven_at)) if run.redriven_at else order.time
    return _Task(run_id=order.run_id, time=time, trace=trace, fresh=False, state=run.state, deliveries=run.deliveries)


def _collect_feed(feed: str, last: FeedState | None, task: _Task, *, using: Collector) -> Delivery:
    began = using.clock()
    with (
        subsegment("collect", feed=feed) as span,
        tempfile.SpooledTemporaryFile(_IN_MEMORY) as body,
    ):
        saved = None if task.fresh else using.files.find(task.run_id, feed)
        if saved is None and not task.open:
            return Delivery(status="absent")
        if saved is None:
            try:
                copy = _obtain(feed, last, task, body=body, using=using)
            except (UpstreamUnavailable, FeedRefused) as error:
                span.fail(error)
                return _give_up(feed, error, last, task, took=using.clock() - began, using=using)
            span.annotate(status=copy.delivery.status, bytes=copy.bytes)
            using.ledger.record_delivery(task.run_id, feed, copy.delivery)  # before the file: the merger reads it
            saved = using.files.save(copy, body, trace=task.trace)
            if saved == copy:
                using.ledger.save_feed_state(state_after(last, saved))
                return saved.delivery
        return _take_over(saved, last, using=using)


def _take_over(saved: Copy, last: FeedState | None, *, using: Collector) -> Delivery:
    """Put right what is known of a file that another invocation saved and perhaps did not live to tell of."""
    using.ledger.record_delivery(saved.run_id, saved.feed, saved.delivery)
    using.ledger.save_feed_state(state_after(last, saved))
    return saved.delivery


def _give_up(
    feed: str,
    error: UpstreamUnavailable | FeedRefused,
    last: FeedState | None,
    task: _Task,
    *,
    took: float,
    using: Collector,
) -> Delivery:
    """Write down why there is no file, unless another invocation has saved one meanwhile."""
    saved = using.files.find(task.run_id, feed)
    if saved is not None:
        return _take_over(saved, last, using=using)
    delivery = failed_delivery(
        error,
        before=task.deliveries.get(feed),
        time=task.time,
        took=dt.timedelta(seconds=took),
        source_url=using.addresses[feed].shown,
    )
    using.ledger.record_delivery(task.run_id, feed, delivery)
    return delivery


def _obtain(feed: str, last: FeedState | None, task: _Task, *, body: IO[bytes], using: Collector) -> Copy:
    """Get the feed's bytes into `body`: from its server, or from the last copy where the server says it still holds.

    Raises UpstreamUnavailable and FeedRefused.
    """
    address, limits, run_id = using.addresses[feed], using.limits, task.run_id
    until = using.clock() + limits.total_seconds

    def try_once(known: Validators, seconds: float) -> ReceivedBody | None:
        with subsegment("download", conditional=bool(known.as_headers())) as span:
            answer = download(address, into=body, known=known, limits=limits, seconds=seconds, now=task.time)
            span.annotate(bytes=answer.bytes if answer else 0, modified=answer is not None)
            return answer

    def ask(known: Validators) -> ReceivedBody | None:
        return persist(
            lambda seconds: try_once(known, seconds),
            attempts=limits.attempts,
            backoff_seconds=limits.backoff_seconds,
            left=lambda: until - using.clock(),
            sleep=using.sleep,
        )

    answer, received_run_id = None, run_id
    known = to_ask_by(last, source_url=address.shown, run_id=run_id)
    if last is not None and known.as_headers():
        answer = ask(known)
        if answer is None:
            answer, received_run_id = _reread(last, body, using=using), last.received_run_id or last.last_run_id
    if answer is None:
        answer, received_run_id = ask(Validators()), run_id
    assert answer is not None, "only a conditional request is answered by 304"
    return Copy(
        run_id=run_id,
        feed=feed,
        sha256=answer.sha256,
        bytes=answer.bytes,
        source_url=address.shown,
        etag=answer.validators.etag,
        last_modified=answer.validators.last_modified,
        changed_run_id=known_since(last, answer.sha256) or run_id,
        received_run_id=received_run_id,
        went_back_to=went_back_to(last, answer.sha256, run_id=run_id),
    )


def _reread(last: FeedState, body: IO[bytes], *, using: Collector) -> ReceivedBody | None:
    """The last copy's bytes; None where its file is gone or is not what was remembered."""
    kept = using.files.read(last.last_run_id, last.feed, into=body)
    if kept is None or kept.sha256 != last.sha256:
        return None
    return ReceivedBody(
        sha256=kept.sha256,
        bytes=kept.bytes,
        validators=Validators(etag=last.etag, last_modified=last.last_modified),
    )
