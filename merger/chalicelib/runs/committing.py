"""The end of a merge: files, then rows, then the commit point; or the way back.

Everything before the commit point can be repeated: files are written under the run's own keys, rows are wishes for a
state, and the transaction moves the head only from the run this one was compared with. A run that began to write
rows is on the head's `dirty` list until a commit or a roll-back; whoever writes next puts right what it left.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.runs.merge_tools import Outcome, Tools
from shared.attributes import Value
from shared.dataset import ONE_SERIES
from shared.errors import HeadMoved, LeaseLost, ObjectMissing
from shared.keys import change_set_key, index_key, snapshot_key
from shared.ledger_items import Head, Notice
from shared.runs import ENDED_BADLY, Run, State
from shared.tracing import subsegment

if TYPE_CHECKING:  # numpy and pandas are imported where rows are compared: an unchanged run needs neither
    from chalicelib.comparing.full_merge import Merged


_MOST_TOLD = 50
"""Notices whose recovery one digest tells: a transaction takes 100 items."""


def commit_unchanged(
    run: Run,
    head: Head,
    shas: Mapping[str, str],
    tools: Tools,
    *,
    way: str,
    size: int = 0,
    moved: frozenset[str] = frozenset(),
) -> Outcome:
    """One transaction: the run ends, and the head remembers that these files give the same rows."""
    new_head = Head(
        head=head.head,
        latest=run.run_id,
        newest=head.newest,
        rows=head.rows,
        sources=head.sources,
        seen=shas,
        rules=head.rules,
        rows_since=_rows_since(run, head, shas, moved),
    )
    ended: dict[str, Value] = {
        "state": State.UNCHANGED,
        "base_run_id": head.head,
        "added": 0,
        "changed": 0,
        "removed": 0,
        "reason": "",
    }
    tools.ledger.commit(run, head=new_head, base=head.head, ended=ended)
    return Outcome(state=State.UNCHANGED, way=way, bytes_read=size)


def commit_changes(
    run: Run,
    head: Head,
    shas: Mapping[str, str],
    merged: "Merged",
    tools: Tools,
    *,
    way: str,
    size: int,
) -> Outcome:
    """Files, then rows, then the commit point. With nothing changed, only rows that others left wrong are written."""
    from chalicelib.storing.wanted_rows import find_wanted, table_of_keys  # deferred: brings numpy

    changes, snapshot = merged.changes, merged.snapshot
    dirty = _touched_by(head.dirty, tools)
    if not changes.empty:
        _write_files(run, head, merged, tools)
    before = tools.ledger.begin_writing(run, base=head.head, now=tools.clock(), until=run.lease_until)
    if before.dirty - head.dirty:
        raise HeadMoved(f"runs {sorted(before.dirty - head.dirty)} wrote rows meanwhile; run {run.run_id} looks again")
    touched = (changes.added, changes.after, changes.removed, table_of_keys(dirty))
    wanted = find_wanted(merged.old if changes.empty else snapshot, touched, dataset=tools.dataset.name)
    with subsegment("write_rows", rows=len(wanted)):
        written = tools.write_rows(wanted.requests(), _in_time(run, tools))
    if changes.empty:
        return commit_unchanged(run, head, shas, tools, way=way, size=size, moved=merged.moved)
    over = (notice for notice in tools.ledger.notices() if _is_over(notice, run, merged.moved))
    told = list(itertools.islice(over, _MOST_TOLD))
    counts = {"added": len(changes.added), "changed": len(changes.after), "removed": len(changes.removed)}
    ended: dict[str, Value] = {
        "state": State.COMMITTED,
        "reason": "",
        "base_run_id": head.head or None,
        "summary": _summary(run, head, shas, merged, told, tools),
        **counts,
    }
    new_head = Head(
        head=run.run_id,
        latest=run.run_id,
        newest=snapshot.newest,
        rows=len(snapshot.joined),
        sources=shas,
        seen=shas,
        rules=tools.rules,
        rows_since=_rows_since(run, head, shas, merged.moved),
    )
    tools.ledger.commit(run, head=new_head, base=head.head, ended=ended, told=told)
    return Outcome(state=State.COMMITTED, way=way, rows_written=written, bytes_read=size, counts=counts)


def _write_files(run: Run, head: Head, merged: "Merged", tools: Tools) -> None:
    from chalicelib.comparing.differences import change_set_json  # deferred: brings numpy
    from chalicelib.storing.snapshots import csv_pieces, index_pieces

    json_pieces = change_set_json(
        merged.changes,
        run_id=run.run_id,
        base_run_id=head.head or None,
        with_series=tools.dataset.has_series,
        decimals=tools.dataset.decimals,
    )
    name, binary = tools.dataset.name, "application/octet-stream"
    tools.files.write(change_set_key(name, run.run_id), json_pieces, content_type="application/json")
    tools.files.write(snapshot_key(name, run.run_id), csv_pieces(merged.snapshot), content_type="text/csv")
    tools.files.write(index_key(name, run.run_id), index_pieces(merged.snapshot), content_type=binary)


def _rows_since(run: Run, head: Head, shas: Mapping[str, str], moved: frozenset[str]) -> dict[str, str]:
    """Feed -> the run that last found its used rows changed: this one where they moved or nothing is known."""
    return {feed: run.run_id if feed in moved else head.rows_since.get(feed, run.run_id) for feed in shas}


def _summary(
    run: Run, head: Head, shas: Mapping[str, str], merged: "Merged", told: list[Notice], tools: Tools
) -> dict[str, Any]:
    from chalicelib.comparing.run_warnings import find_notes, find_warnings  # deferred: brings numpy
    from chalicelib.runs.summarising import recoveries, summarise, went_back

    bad = _bad_since(head.head, run, tools)
    stale = [
        (tools.dataset.feed(str(notice.details["feed"])).title, str(notice.details["since"])[:10])
        for notice in told
        if notice.kind == "stale"
    ]
    missed = [notice.text for notice in told if notice.kind != "stale"]
    return summarise(
        merged,
        tools.dataset,
        warnings=[*went_back(run), *find_warnings(merged, tools.dataset, tools.policy.limits(tools.dataset))],
        notes=find_notes(merged, tools.dataset),
        recovered=recoveries(bad, stale, missed),
        rows_since=_rows_since(run, head, shas, merged.moved),
    ).as_map()


def _bad_since(base: str, run: Run, tools: Tools) -> Iterator[tuple[str, str, str]]:
    """Runs between the base and this one that ended badly: no digest has told of their recovery."""
    between = list(tools.ledger.newest_first(since=base, upto=run.run_id))
    for other in reversed(between):
        if other.run_id not in (base, run.run_id) and other.state in ENDED_BADLY:
            yield other.run_id, other.state, other.reason


def _is_over(notice: Notice, run: Run, moved: frozenset[str]) -> bool:
    """Whether a feed that was announced as stale has other rows in this run, or a missed run has a successor."""
    if notice.recovered_by:
        return False
    if notice.kind == "stale":
        return str(notice.details["feed"]) in moved
    return str(notice.details["run_id"]) < run.run_id


def _touched_by(runs: Iterable[str], tools: Tools) -> set[tuple[str, str]]:
    """(series, date) of every row that these interrupted runs may have written.

    A run without a change set changed nothing itself: it was putting right what the others had left.
    """
    keys = set[tuple[str, str]]()
    for run in runs:
        with contextlib.suppress(ObjectMissing):
            keys |= {(name or ONE_SERIES, date) for name, date in tools.files.change_set(run).touched}
    return keys


def _in_time(run: Run, tools: Tools) -> Callable[[], None]:
    """A check that raises LeaseLost once the claim has run out: one lease for the run and for its writing."""

    def check() -> None:
        if tools.clock() >= run.lease_until:
            raise LeaseLost(f"run {run.run_id} has been merging for longer than its lease; another may have taken over")

    return check


def lease(tools: Tools) -> int:
    return int(tools.policy.lease_seconds * 1000)


def end_without_commit(
    run: Run, tools: Tools, state: State, reason: str, *, rejected_by: str = "", rejected_rows: int = 0
) -> Outcome:
    """End a run that commits nothing, putting right what an earlier attempt of it may have written."""
    _roll_back(run, tools)
    ended: dict[str, Value] = {"state": state, "reason": reason}
    if rejected_by:
        ended["rejected_by"] = rejected_by
    if not tools.ledger.end(run, ended):
        raise HeadMoved(f"run {run.run_id} changed hands")
    return Outcome(state=state, reason=reason, counts={"rejected": rejected_rows} if rejected_by else {})


def give_up(run: Run, tools: Tools) -> Outcome:
    attempts = tools.policy.max_attempts
    return end_without_commit(
        run, tools, State.FAILED, f"merging was begun {attempts} times and did not come to an end"
    )


def _roll_back(run: Run, tools: Tools) -> None:
    """Make the rows those of the head again, where this run had begun to write."""
    head = tools.ledger.head()
    if run.run_id not in head.dirty:
        return
    from chalicelib.storing.snapshots import empty_snapshot, read_index  # deferred: brings numpy
    from chalicelib.storing.wanted_rows import find_wanted, table_of_keys

    old = (
        read_index(tools.files.read_array(index_key(tools.dataset.name, head.head)), tools.dataset)
        if head.head
        else empty_snapshot(tools.dataset)
    )
    before = tools.ledger.begin_writing(run, base=head.head, now=tools.clock(), until=run.lease_until)
    in_time = _in_time(run, tools)
    wanted = find_wanted(old, [table_of_keys(_touched_by(before.dirty, tools))], dataset=tools.dataset.name)
    tools.write_rows(wanted.requests(), in_time)
    in_time()
    tools.ledger.end_writing(run, base=head.head)
