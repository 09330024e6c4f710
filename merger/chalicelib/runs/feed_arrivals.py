"""The barrier: every raw file announces itself; whoever sees the last one merges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.runs.merge_tools import Outcome, Tools
from chalicelib.runs.merging import merge_run
from shared.events import member
from shared.keys import parse_raw_key
from shared.runs import Run, State
from shared.tracing import follow


@dataclass(frozen=True, kw_only=True)
class FeedArrived:
    """A raw file is in S3. Also sent twice, late, or in another order than the files came."""

    dataset: str
    run_id: str
    feed: str


def feed_arrived(event: Mapping[str, Any]) -> FeedArrived:
    """From EventBridge's `Object Created`. Raises EventMalformed, naming what is missing."""
    dataset, run_id, feed = parse_raw_key(str(member(event, "detail", "object", "key")))
    return FeedArrived(dataset=dataset, run_id=run_id, feed=feed)


def handle_arrival(arrived: FeedArrived, *, owner: str, tools: Tools) -> Outcome | None:
    """Note the arrival, and merge when it was the last; None while others are missing or another is at it.

    Raises SettingInvalid for a feed that the dataset does not have.
    """
    tools.dataset.feed(arrived.feed)
    run = tools.ledger.arrive(arrived.run_id, arrived.feed)
    follow("fetcher", run.traces.get("fetcher", ""), state=run.state)
    if run.state.ended or not run.arrived >= tools.dataset.feed_names:
        return None
    return merge_run(arrived.run_id, owner=owner, tools=tools)


def take_in(run: Run, tools: Tools) -> Run:
    """The run with the arrival of every file that is there: the event of it was lost."""
    if run.state is State.COLLECTING and not run.arrived >= tools.dataset.feed_names:
        for feed in sorted((tools.files.arrived(run.run_id) & tools.dataset.feed_names) - run.arrived):
            run = tools.ledger.arrive(run.run_id, feed)
    return run
