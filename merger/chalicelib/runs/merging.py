"""The merge of one run: claim it, find what changed, pass the gate, commit.

    claim ─▶ superseded? ─▶ same bytes? ─▶ merge ─▶ contract, gate ─▶ files ─▶ rows ─▶ commit point

A crash anywhere is followed by the same steps with the same result; see `chalicelib.runs.committing`.
"""

import datetime as dt
import functools
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.runs.committing import commit_changes, commit_unchanged, end_without_commit, give_up, lease
from chalicelib.runs.engine_orders import adopted, order, result_for
from chalicelib.runs.merge_tools import Comparison, Outcome, Tools, Way
from shared.dataset import Dataset
from shared.errors import ContractBroken, GateClosed, HeadMoved, LeaseHeld, ObjectMissing
from shared.ledger.items import Head
from shared.runs import Run, State, parse_time
from shared.tracing import subsegment

if TYPE_CHECKING:  # numpy is imported where rows are compared: an unchanged run does not need it
    from chalicelib.comparing.full_merge import Merged, Open


def merge_run(run_id: str, *, owner: str, tools: Tools, result_of: int = 0) -> Outcome | None:
    """Carry a run whose feeds have all arrived to its end, or to the engine that then merges it.

    `result_of` is the attempt whose result from the engine is there, where that is why. None where the run has ended,
    or where another invocation is at it: that one carries it on, or the watch does when its lease has run out.
    Whatever it raises (LeaseHeld while another run's rows are being written, say), it has given the run back: the same
    call, repeated by anyone, takes it up again.
    """
    attempts = 0
    try:
        run = _claim(run_id, owner, tools, result_of=result_of)
        if run is None:
            return None
        attempts = run.attempts
        return _bring_to_an_end(run, tools)
    except Exception as error:
        _let_go(run_id, error, owner=owner, attempts=attempts, tools=tools)
        raise


def _claim(run_id: str, owner: str, tools: Tools, *, result_of: int) -> Run | None:
    now = tools.clock()
    try:
        return tools.ledger.claim(run_id, owner=owner, now=now, until=now + lease(tools), result_of=result_of)
    except LeaseHeld:
        return None


def _let_go(run_id: str, error: Exception, *, owner: str, attempts: int, tools: Tools) -> None:
    """Give the run back for whoever comes next; where that fails too, its lease runs out by itself."""
    gave_way = isinstance(error, (LeaseHeld, HeadMoved))
    try:
        tools.ledger.let_go(run_id, owner=owner, attempts=attempts, forgiven=gave_way)
    except Exception as another:
        error.add_note(f"nor could the lease on run {run_id} be given back: {another}")


def _bring_to_an_end(run: Run, tools: Tools) -> Outcome:
    head = tools.ledger.head()
    if head.closed:
        raise LeaseHeld(head.closed)
    if run.attempts - run.attempts_forgiven > tools.policy.max_attempts:
        return give_up(run, tools)
    try:
        return _merge_claimed(run, head, tools)
    except ContractBroken as error:
        return end_without_commit(run, tools, State.REJECTED, str(error), rejected_by="contract")
    except GateClosed as error:
        return end_without_commit(run, tools, State.REJECTED, str(error), rejected_by="gate", rejected_rows=error.rows)


def _merge_claimed(run: Run, head: Head, tools: Tools) -> Outcome:
    newer = max(head.head, head.latest)
    if newer > run.run_id:
        how = "was committed" if newer == head.head else "found nothing changed"
        reason = f"run {newer}, which is newer, {how} first"
        return end_without_commit(run, tools, State.SUPERSEDED, reason, superseded_by=newer)
    raw = {feed.name: tools.files.raw_file(run.run_id, feed.name) for feed in tools.dataset.feeds}
    shas = {feed: file.sha256 for feed, file in raw.items()}
    compared = Comparison(run=run, head=head, shas=shas)
    if head.head and head.seen == shas and head.rules == tools.rules and head.settled:
        return commit_unchanged(compared, tools)
    compared = replace(compared, sizes={feed: file.bytes for feed, file in raw.items()})
    if _is_for_engine(compared.size, tools):
        compared = replace(compared, result=result_for(compared, tools))
        if compared.result is None:
            with subsegment("order", bytes=compared.size):
                order(compared, tools, latest_day=_latest_day(run, tools))
            return Outcome(state=State.MERGING, way="engine", bytes_read=0)
    else:
        tools.check_fits(compared.size, most=tools.policy.most_bytes)
    with subsegment("merge", bytes=compared.size) as span:
        from chalicelib.comparing.gate import (  # deferred: brings numpy; within, to be seen in the trace
            check_gate,
            check_rows,
        )

        merged, way = _merge(compared, tools)
        compared = replace(compared, way=way)
        span.annotate(way=way, rows=len(merged.snapshot.joined))
    check_rows(merged, tools.dataset)
    if not run.approved_by:
        with subsegment("gate"):
            check_gate(merged, tools.dataset, tools.policy.limits(tools.dataset))
    if merged.changes.empty and head.head and head.settled:
        return commit_unchanged(compared, tools, moved=merged.moved)
    return commit_changes(compared, merged, tools)


def _merge(compared: Comparison, tools: Tools) -> "tuple[Merged, Way]":
    from chalicelib.comparing.delta_merge import delta_merge  # deferred: brings numpy
    from chalicelib.comparing.full_merge import full_merge

    if compared.result is not None:
        return adopted(compared.result, compared, tools), "engine"
    run, head = compared.run, compared.head
    feeds = [feed.name for feed in tools.dataset.feeds]
    files = _openers(run.run_id, feeds, tools)
    found: dict[str, Any] = {
        "old": tools.snapshot_of(head.head),
        "dataset": tools.dataset,
        "run_id": run.run_id,
        "latest_day": _latest_day(run, tools),
    }
    large = compared.size >= tools.policy.delta_from_bytes
    if head.head and large and head.rules == tools.rules and _has_sources(head, feeds, tools):
        merged = delta_merge(files, old_files=_openers(head.head, feeds, tools), **found)
        if merged:
            return merged, "delta"
    return full_merge(files, most_odd=tools.policy.most_odd_bytes, **found), "full"


def _is_for_engine(size: int, tools: Tools) -> bool:
    """Whether the distributed engine merges files of so many bytes."""
    use = tools.policy.engine if tools.engine is not None else ""
    return use == "spark" or (use == "large" and size > tools.policy.most_bytes)


def _latest_day(run: Run, tools: Tools) -> int:
    return last_day_allowed(parse_time(run.run_id).date(), tools.dataset)


def _openers(run_id: str, feeds: Iterable[str], tools: Tools) -> "dict[str, Open]":
    """Each feed's file is opened when it is read, so that one is open at a time."""
    return {feed: functools.partial(tools.files.open_raw, run_id, feed) for feed in feeds}


def last_day_allowed(run_day: dt.date, dataset: Dataset) -> int:
    """The ordinal of the last date that a run's files may have: one period after the run's day."""
    return run_day.toordinal() + dataset.period.longest_days


def _has_sources(head: Head, feeds: Iterable[str], tools: Tools) -> bool:
    """Whether the files that the head's snapshot was made from are still there, as they were."""
    try:
        return all(tools.files.raw_file(head.head, feed).sha256 == head.sources.get(feed) for feed in feeds)
    except ObjectMissing:
        return False
