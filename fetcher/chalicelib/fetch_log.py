"""What the fetcher's handler says of itself on its line."""

from collections.abc import Mapping

from shared.ledger.items import FeedState
from shared.observation import Line
from shared.runs import Delivery, parse_time


def note_deliveries(line: Line, run_id: str, deliveries: Mapping[str, Delivery], last: Mapping[str, FeedState]) -> None:
    """Statuses, reasons, sizes and ages of all feeds; `last` is what was known of each before."""
    for status in sorted({delivery.status for delivery in deliveries.values()}):
        line.bind(**{status: " ".join(sorted(feed for feed, it in deliveries.items() if it.status == status))})
    failed = {feed: it.reason for feed, it in sorted(deliveries.items()) if it.status == "failed"}
    line.bind(outcome="failed" if failed else "ok", reason="; ".join(f"{feed}: {why}" for feed, why in failed.items()))
    line.bind(**{f"bytes_{feed}": it.bytes for feed, it in deliveries.items()}, **_ages(run_id, deliveries, last))
    line.measure("Bytes", bytes_fetched=sum(it.bytes for it in deliveries.values()))
    line.measure("Count", feeds_failed=len(failed))


def _ages(run_id: str, deliveries: Mapping[str, Delivery], last: Mapping[str, FeedState]) -> dict[str, int]:
    """Since when each feed has had the bytes of its last copy; a feed that was never seen has no age."""
    since = {feed: state.changed_run_id for feed, state in last.items() if feed in deliveries}
    since |= {feed: run_id for feed, it in deliveries.items() if it.status == "new"}
    now = parse_time(run_id)
    return {f"age_{feed}": max(int((now - parse_time(then)).total_seconds()), 0) for feed, then in since.items()}
