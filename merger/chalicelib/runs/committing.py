"""The end of a merge: files, then rows, then the commit point; or the way back.

Everything before the commit point can be repeated: files are written under the run's own keys, rows are wishes for a
state, and the transaction moves the head only from the run this one was compared with. A run that began to write
rows is on the head's `dirty` list until a commit or a roll-back; whoever writes next puts right what it left. A writer
that was paused beyond its lease may write once more after another has committed: whoever did not finish before a commit
is `late` until the next one, and a writer that learns that its time is up puts itself on the list again.
"""

import contextlib
import functools
import gzip
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.runs.finality import NAME as OUTLOOK
from chalicelib.runs.finality import in_words_of
from chalicelib.runs.merge_tools import Comparison, Outcome, Tools
from shared.attributes import Value
from shared.dataset import ONE_SERIES
from shared.errors import HeadMoved, LeaseHeld, LeaseLost, ObjectMissing
from shared.keys import change_set_key, index_key, snapshot_key, snapshot_part_key, view_key
from shared.ledger.items import Annotation, Head, Notice
from shared.runs import ENDED_BADLY, RejectedBy, Run, State
from shared.scrubbing import scrub
from shared.tracing import subsegment

if TYPE_CHECKING:  # numpy is imported where rows are compared: an unchanged run does not need it
    from chalicelib.comparing.full_merge import Merged


_MOST_RECOVERED = 50
"""Notices whose recovery one digest reports: a transaction takes 100 items."""
_MOST_ANNOTATIONS = 20
"""Operators' notes that one digest has; the next has those behind them."""


def commit_unchanged(
    compared: Comparison, tools: Tools, *, moved: frozenset[str] = frozenset(), late: frozenset[str] = frozenset()
) -> Outcome:
    """One transaction: the run ends, and the head remembers that these files give the same rows.

    `moved` are feeds whose used rows changed without a change of the joined ones.
    """
    run, head = compared.run, compared.head
    rows_since = _rows_since(compared, moved)
    new_head = replace(head, latest=run.run_id, seen=compared.shas, late=late, rows_since=rows_since)
    ended: dict[str, Value] = {
        "state": State.UNCHANGED,
        "base_run_id": head.head,
        "added": 0,
        "changed": 0,
        "removed": 0,
        "reason": "",
    }
    tools.ledger.commit(run, head=new_head, base=head.head, ended=ended)
    return Outcome(state=State.UNCHANGED, way=compared.way, bytes_read=compared.size)


def commit_changes(compared: Comparison, merged: "Merged", tools: Tools) -> Outcome:
    """Files, then rows, then the commit point. With nothing changed, only rows that others left wrong are written."""
    from chalicelib.storing.wanted_rows import find_wanted, table_of_keys  # deferred: brings numpy

    run, head, changes, snapshot = compared.run, compared.head, merged.changes, merged.snapshot
    touched = _touched_by(head, tools)
    if not changes.empty:
        _write_files(compared, merged, tools)
    before = tools.ledger.begin_writing(run, base=head.head, now=tools.clock(), until=run.lease_until)
    if (before.dirty | before.late) - (head.dirty | head.late):
        others = sorted(before.dirty - head.dirty)
        raise HeadMoved(f"others wrote rows meanwhile: {others}; run {run.run_id} looks again")
    keys = (changes.added, changes.after, changes.removed, table_of_keys(touched))
    wanted = find_wanted(merged.old if changes.empty else snapshot, keys, dataset=tools.dataset.name)
    with _leaving_no_rows(run, head, tools):
        with subsegment("write_rows", rows=len(wanted)):
            written = tools.write_rows(wanted.requests(), _in_time(run, tools))
        if changes.empty:
            return commit_unchanged(compared, tools, moved=merged.moved, late=before.dirty)
        return _commit_rows(compared, merged, tools, written=written, late=before.dirty)


@contextlib.contextmanager
def _leaving_no_rows(run: Run, head: Head, tools: Tools) -> Iterator[None]:
    """A writer whose time was up, and who has written all the same, says so."""
    try:
        yield
    except (LeaseLost, HeadMoved):
        tools.ledger.left_rows(run, base=head.head)
        raise


def _commit_rows(
    compared: Comparison, merged: "Merged", tools: Tools, *, written: int, late: frozenset[str]
) -> Outcome:
    """The commit point: the rows are written, the head moves, the run ends."""
    run, head, changes, snapshot = compared.run, compared.head, merged.changes, merged.snapshot
    over = (notice for notice in tools.ledger.notices() if _is_over(notice, run, merged.moved))
    recovered = list(itertools.islice(over, _MOST_RECOVERED))
    written_down = (note for note in tools.ledger.annotations() if not note.reported_by)
    annotations = list(itertools.islice(written_down, _MOST_ANNOTATIONS))
    counts = {"added": len(changes.added), "changed": len(changes.after), "removed": len(changes.removed)}
    ended: dict[str, Value] = {
        "state": State.COMMITTED,
        "reason": "",
        "base_run_id": head.head or None,
        "summary": _summary(compared, merged, recovered, annotations, tools),
        **counts,
    }
    new_head = Head(
        head=run.run_id,
        latest=run.run_id,
        newest=snapshot.newest,
        rows=len(snapshot.joined),
        sources=compared.shas,
        seen=compared.shas,
        rules=tools.rules,
        late=late,
        rows_since=_rows_since(compared, merged.moved),
        engine_attempt=run.engine_attempt if compared.result else 0,
        parts=len(compared.result.parts) if compared.result else 0,
    )
    tools.ledger.commit(run, head=new_head, base=head.head, ended=ended, recovered=recovered, annotations=annotations)
    return Outcome(
        state=State.COMMITTED, way=compared.way, rows_written=written, bytes_read=compared.size, counts=counts
    )


def _write_files(compared: Comparison, merged: "Merged", tools: Tools) -> None:
    from chalicelib.comparing.differences import change_set_json  # deferred: brings numpy
    from chalicelib.storing.snapshots import csv_pieces, index_pieces

    run, head = compared.run, compared.head
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
    for number, part in enumerate(compared.result.parts if compared.result else ()):
        tools.files.copy(part.snapshot.key, snapshot_part_key(name, run.run_id, number))


def _rows_since(compared: Comparison, moved: frozenset[str]) -> dict[str, str]:
    """Feed -> the run that last found its used rows changed: this one where they moved or nothing is known."""
    run, since = compared.run, compared.head.rows_since
    return {feed: run.run_id if feed in moved else since.get(feed, run.run_id) for feed in compared.shas}


def _summary(
    compared: Comparison, merged: "Merged", recovered: list[Notice], annotations: list[Annotation], tools: Tools
) -> dict[str, Any]:
    from chalicelib.comparing.run_warnings import find_notes, find_warnings  # deferred: brings numpy
    from chalicelib.runs.summarising import recoveries, summarise, went_back

    bad = _bad_since(compared.head.head, compared.run, tools)
    stale = [
        (tools.dataset.feed(str(notice.details["feed"])).title, str(notice.details["since"])[:10])
        for notice in recovered
        if notice.kind == "stale"
    ]
    missed = [notice.text for notice in recovered if notice.kind != "stale"]
    return summarise(
        merged,
        tools.dataset,
        warnings=[*went_back(compared.run), *find_warnings(merged, tools.dataset, tools.policy.limits(tools.dataset))],
        notes=find_notes(merged, tools.dataset),
        recovered=recoveries(bad, stale, missed),
        rows_since=_rows_since(compared, merged.moved),
        annotations=[note.sentence for note in annotations],
        outlook=functools.partial(_outlook, compared, tools),
    ).as_map()


def _outlook(
    compared: Comparison, tools: Tools, latest: Mapping[str, Any], days: Mapping[str, int | None]
) -> dict[str, str]:
    """By what the api kept of the run before; nothing where it has not, or not yet."""
    if not compared.head.head:
        return {}
    try:
        kept = tools.files.read(view_key(tools.dataset.name, compared.head.head, OUTLOOK))
    except ObjectMissing:
        return {}
    return in_words_of(gzip.decompress(kept), latest, days, tools.dataset, run_id=compared.run.run_id)


def _bad_since(base: str, run: Run, tools: Tools) -> Iterator[tuple[str, str, str]]:
    """Runs between the base and this one that ended badly: no digest has reported their recovery."""
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
    return str(notice.details.get("run_id", "9")) < run.run_id


def _touched_by(head: Head, tools: Tools) -> set[tuple[str, str]]:
    """(series, date) of every row that writers who did not finish may have written.

    A writer touches what differs between its files and the head that it was compared with. A later attempt of the same
    run, compared with a later head, has put another change set in place of that one; but a row that differs between the
    two heads is in the change set of a run that was committed in between. A run without a change set changed nothing
    itself: it was putting right what others had left.
    """
    runs, keys = set[str](), set[tuple[str, str]]()
    for name in head.dirty | head.late:
        run_id, _, base = name.partition("#")
        runs |= {run_id, *_committed_since(base, head, tools)}
    for run in runs:
        with contextlib.suppress(ObjectMissing):
            keys |= {(name or ONE_SERIES, date) for name, date in tools.files.change_set(run).touched}
    return keys


def _committed_since(base: str, head: Head, tools: Tools) -> Iterator[str]:
    """The runs that were committed after `base`, up to the head."""
    run_id = head.head
    while run_id and run_id > base:
        yield run_id
        run_id = tools.ledger.get(run_id).base_run_id or ""


def _in_time(run: Run, tools: Tools) -> Callable[[], None]:
    """A check that raises LeaseLost once the claim has run out: one lease for the run and for its writing."""

    def check() -> None:
        if tools.clock() >= run.lease_until:
            raise LeaseLost(f"run {run.run_id} has been merging for longer than its lease; another may have taken over")

    return check


def lease(tools: Tools) -> int:
    return int(tools.policy.lease_seconds * 1000)


def end_without_commit(
    run: Run,
    tools: Tools,
    state: State,
    reason: str,
    *,
    rejected_by: RejectedBy = "",
    rejected_rows: int = 0,
    superseded_by: str = "",
) -> Outcome:
    """End a run that commits nothing, putting right what an earlier attempt of it may have written."""
    _roll_back(run, tools)
    ended: dict[str, Value] = {"state": state, "reason": reason}
    ended |= {"rejected_by": rejected_by} if rejected_by else {}
    ended |= {"superseded_by": superseded_by} if superseded_by else {}
    _end(run, tools, ended)
    return Outcome(state=state, reason=reason, counts={"rejected": rejected_rows} if rejected_by else {})


def _end(run: Run, tools: Tools, ended: Mapping[str, Value]) -> None:
    if not tools.ledger.end(run, ended):
        raise HeadMoved(f"run {run.run_id} changed hands")


def give_up(run: Run, tools: Tools) -> Outcome:
    """End a run as FAILED, whatever stands in the way: rows that cannot be taken back stay marked as dirty."""
    reason = f"merging was begun {tools.policy.max_attempts} times and did not come to an end"
    if run.engine_trouble:
        reason += f"; the engine's last job ended {run.engine_trouble}"
    try:
        return end_without_commit(run, tools, State.FAILED, reason)
    except (LeaseHeld, HeadMoved):  # others are at work: it is for the next attempt to look again
        raise
    except Exception as error:
        reason = f"{reason}; nor could rows be taken back that it wrote, which the next run puts right: {error}"
        _end(run, tools, {"state": State.FAILED, "reason": scrub(reason)})
        return Outcome(state=State.FAILED, reason=reason)


def _roll_back(run: Run, tools: Tools) -> None:
    """Make the rows those of the head again, where this run had begun to write."""
    head = tools.ledger.head()
    if not any(name.partition("#")[0] == run.run_id for name in head.dirty):
        return
    from chalicelib.storing.wanted_rows import find_wanted, table_of_keys  # deferred: brings numpy

    old = tools.snapshot_of(head.head)
    before = tools.ledger.begin_writing(run, base=head.head, now=tools.clock(), until=run.lease_until)
    in_time = _in_time(run, tools)
    wanted = find_wanted(old, [table_of_keys(_touched_by(before, tools))], dataset=tools.dataset.name)
    with _leaving_no_rows(run, head, tools):
        tools.write_rows(wanted.requests(), in_time)
        in_time()
    tools.ledger.end_writing(run, base=head.head, late=before.dirty)
