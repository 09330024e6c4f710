"""What the services say of themselves: every field and every metric of the one line that an invocation writes.

This is the contract of log queries, alarms and the dashboard. Tests hold the handlers to it, and the templates: a
metric that a template names must be declared here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.dataset import Dataset
from shared.observation import DIMENSIONS, NAMESPACE

__all__ = ["DIMENSIONS", "NAMESPACE"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that CloudWatch draws. All have the dimensions `stage`, `service`, `handler`."""

    unit: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Says:
    """What the line of one handler holds beside what all have."""

    always: frozenset[str] = frozenset()
    sometimes: frozenset[str] = frozenset()
    """Where it applies: a merge's counts only where there was a merge."""


FIELDS: Mapping[str, str] = {
    "event": "`invocation`: what tells our lines from the platform's",
    "version": "the release: `shared/version.py`",
    "service": "fetcher, merger, notifier or api",
    "handler": "the function's name in the service's app.py",
    "stage": "the stage",
    "cold_start": "whether this was the first invocation of its process",
    "trace_id": "the trace of this invocation, for X-Ray and `make trace`; empty outside a trace",
    "request_id": "Lambda's id of the invocation: the platform's own lines have it",
    "outcome": "`ok`, what the handler says of itself, or the class of the error",
    "error": "the error's message",
    "waits": "what the run has to give way to before it goes on",
    "passed_over": "items of the ledger that could not be read and were left out, and why",
    "dataset": "the dataset that was worked on; several of a batch, with blanks between",
    "run_id": "the run that was worked on; several of a batch, with blanks between",
    "state": "the run's state then; several of a batch, with blanks between",
    "reason": "why it ended as it did, or why a feed was not fetched",
    "new": "feeds with other bytes than the last copy, with blanks between",
    "same": "feeds with the bytes of the last copy",
    "failed": "feeds that could not be fetched",
    "absent": "feeds that were left out because the run had ended",
    "bytes_{feed}": "size of the feed's file, in bytes; 0 where it failed",
    "age_{feed}": "since the run that saw the feed's bytes first, in seconds",
    "feed": "the feed that arrived",
    "way": "`same` (no byte changed), `delta` or `full`: how rows were compared",
    "ended": "dataset, run id and state of each run that the watch brought to an end",
    "wanted": "dataset, run id and feeds of each run that the watch had feeds fetched again for",
    "notices": "what the watch announced",
    "again": "mails and views that the watch asked for again",
    "command": "`approve`, `redrive`, `resend` or `annotate`; who gave it is in the ledger, not here",
    "fetch": "whether feeds are missing that the fetcher must get",
    "mails": "kinds of the mails that were sent",
    "route": "the route that answered, with its placeholders: no path, no query",
    "method": "the request's method",
    "status": "the answer's HTTP status",
}
"""Name -> meaning of what is not a metric; `{feed}` stands for each feed of the dataset.

None holds personal data or a secret: see `shared.scrubbing`.
"""

METRICS: Mapping[str, Metric] = {
    "invocations": Metric(unit="Count", meaning="1 of every line"),
    "errors": Metric(unit="Count", meaning="1 where something failed, also where a retry is expected to mend it"),
    "duration": Metric(
        unit="Milliseconds", meaning="the handler's own time: of a fetch, a mail, a rendering, a request"
    ),
    "merge_duration": Metric(unit="Milliseconds", meaning="the same of those invocations that merged"),
    "feeds_failed": Metric(unit="Count", meaning="feeds that could not be fetched"),
    "bytes_fetched": Metric(unit="Bytes", meaning="size of all files of the run's feeds"),
    "bytes_read": Metric(unit="Bytes", meaning="size of the files that were merged; 0 where no byte had changed"),
    "rows_added": Metric(unit="Count", meaning="rows that a run added"),
    "rows_changed": Metric(unit="Count", meaning="rows that a run changed"),
    "rows_removed": Metric(unit="Count", meaning="rows that a run removed"),
    "rows_rejected": Metric(unit="Count", meaning="rows that a run would have changed, had the gate let it pass"),
    "rows_written": Metric(unit="Count", meaning="puts and deletes sent to the store, repairs among them"),
    "runs_rejected": Metric(unit="Count", meaning="runs that ended REJECTED"),
    "runs_ended": Metric(unit="Count", meaning="runs that the watch brought to an end"),
    "notices_written": Metric(unit="Count", meaning="notices that the watch wrote: a stale feed, a missed run"),
    "requested_again": Metric(unit="Count", meaning="mails and views that were due and that the watch asked for again"),
    "commit_age": Metric(unit="Seconds", meaning="since the newest committed run, at each watch; the longest of all"),
    "good_run_age": Metric(
        unit="Seconds",
        meaning="since the newest run that was committed or found nothing new; of all datasets the longest, and less"
        " what a schedule is longer than a day",
    ),
    "feed_age": Metric(
        unit="Seconds",
        meaning="since the used rows of a feed changed: of all feeds of all datasets the longest, and less what the"
        " first threshold of a dataset is longer than that of a daily one",
    ),
    "open_age": Metric(unit="Seconds", meaning="since the beginning of the oldest run that has not ended; 0: none"),
    "views_age": Metric(unit="Seconds", meaning="`commit_age`, and how long views lag behind where they lag most"),
    "items_passed_over": Metric(unit="Count", meaning="items of the ledger that could not be read and were left out"),
    "mails_sent": Metric(unit="Count", meaning="mails that went out"),
    "events_sent": Metric(unit="Count", meaning="events about ends of runs that were put on the bus"),
    "records_failed": Metric(unit="Count", meaning="stream records that will be tried again"),
    "views_rendered": Metric(unit="Count", meaning="runs whose views were rendered"),
    "views_failed": Metric(unit="Count", meaning="runs whose views could not be rendered"),
}
"""Name -> metric. None is of one feed or dataset: each name costs, and alarms and the dashboard know them all."""

_EVERY_LINE = frozenset(
    {"event", "version", "service", "handler", "stage", "cold_start", "trace_id", "request_id", "outcome"}
) | {
    "invocations",
    "errors",
    "duration",
}
_ROWS = frozenset({"rows_added", "rows_changed", "rows_removed", "rows_rejected", "rows_written"})
_MERGE = _ROWS | {"bytes_read", "runs_rejected"}

HANDLERS: Mapping[str, Says] = {
    "fetcher.fetch": Says(
        always=frozenset({"dataset", "run_id", "state", "reason", "feeds_failed", "bytes_fetched", "bytes_{feed}"}),
        sometimes=frozenset({"new", "same", "failed", "absent", "age_{feed}"}),
    ),
    "merger.on_feed_arrived": Says(
        always=frozenset({"dataset", "run_id", "feed"}),
        sometimes=frozenset({"state", "way", "reason", "merge_duration"}) | _MERGE,
    ),
    "merger.watch": Says(
        always=frozenset(
            {"ended", "notices", "again", "wanted"}
            | {"runs_ended", "notices_written", "requested_again", "good_run_age", "open_age"}
        ),
        sometimes=frozenset({"commit_age", "views_age", "feed_age"}) | _MERGE,
    ),
    "merger.operate": Says(
        always=frozenset({"dataset", "run_id", "command", "state", "reason", "fetch"}),
        sometimes=frozenset({"waits", "way", "merge_duration"}) | _MERGE,
    ),
    "notifier.on_run_ended": Says(
        always=frozenset({"dataset", "run_id", "state", "mails", "mails_sent", "events_sent", "records_failed"})
    ),
    "api.serve": Says(always=frozenset({"dataset", "route", "method", "status"})),
    "api.refresh_views": Says(always=frozenset({"dataset", "run_id", "state", "views_rendered", "views_failed"})),
}
"""`service.handler` -> what its line says. Where a handler raised, what it would always say may be missing."""


def field_names(dataset: Dataset) -> frozenset[str]:
    """Every field by the name that it has for this dataset."""
    return frozenset(name for pattern in FIELDS for name in _names(pattern, dataset))


def fields_always(handler: str, dataset: Dataset) -> frozenset[str]:
    """Names that every line of this handler has."""
    return frozenset(name for known in _EVERY_LINE | HANDLERS[handler].always for name in _names(known, dataset))


def fields_at_all(handler: str, dataset: Dataset) -> frozenset[str]:
    """Names that a line of this handler may have."""
    some = HANDLERS[handler].sometimes | {"error", "passed_over", "items_passed_over"}
    return fields_always(handler, dataset) | {name for known in some for name in _names(known, dataset)}


def _names(pattern: str, dataset: Dataset) -> list[str]:
    return [pattern.format(feed=feed) for feed in sorted(dataset.feed_names)] if "{feed}" in pattern else [pattern]
