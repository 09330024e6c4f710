"""The barrier: every raw file announces itself; whoever sees the last one merges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.runs.merge_tools import Outcome, Tools
from chalicelib.runs.merging import merge_run
from shared.events import member
from shared.keys import parse_raw_key, parse_result_key
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


@dataclass(frozen=True, kw_only=True)
class ResultArrived:
    """The engine's result for an attempt of a run is in S3. Also twice, late, or by a job that nobody waits for."""

    dataset: str
    run_id: str
    attempt: int


def result_arrived(event: Mapping[str, Any]) -> ResultArrived | None:
    """From EventBridge's `Object Created`; None where it is of another kind of object."""
    found = parse_result_key(str(member(event, "detail", "object", "key")))
    return ResultArrived(dataset=found[0], run_id=found[1], attempt=found[2]) if found else None


def handle_result(arrived: ResultArrived, *, owner: str, tools: Tools) -> Outcome | None:
    """Take the result; None where the run does not wait for it, or another is at it."""
    run = tools.ledger.get(arrived.run_id)
    follow("engine", run.traces.get("merger", ""), state=run.state)
    if run.state.ended or run.engine_attempt != arrived.attempt:
        return None
    return merge_run(run.run_id, owner=owner, tools=tools, result_of=arrived.attempt)


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
