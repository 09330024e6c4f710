"""Days of the real feeds, one run a day: through the merge in full and by delta, and through all handlers.

Each day is held to what an independent program found in its files, where there is such an oracle, and to the model.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.comparing.delta_merge import delta_merge
from chalicelib.comparing.full_merge import Merged
from chalicelib.comparing.gate import GateLimits, check_gate, check_rows
from chalicelib.storing.snapshots import Snapshot
from shared.changes import ChangeSet
from shared.dataset import ONE_SERIES, Dataset
from shared.errors import ContractBroken, GateClosed
from shared.keys import change_set_key
from shared.runs import State
from tests.merger.merges import entries, keyed, merge, opened, output, state, through_storage
from tests.proof.days import Days, Files
from tests.proof.findings import Finding, Kind
from tests.proof.model import Rows, Verdict, change_set, judge, latest_date
from tests.world import World

type Comparison = tuple[str, Any, Any]
"""What it is about, as it must be, as it is."""

LIMITS = GateLimits(max_removed_percent=1, revision_warn_percent=10)
STALE_AFTER = 3
"""Days; the default of `STALE_AFTER_DAYS`."""


@dataclass(kw_only=True)
class Replay:
    """What came of it."""

    days: int = 0
    deltas: int = 0
    """Days that were merged by delta, too."""
    ends: Counter[str] = field(default_factory=Counter)
    """State -> days whose run ended in it."""
    mails: Counter[str] = field(default_factory=Counter)
    """Kind -> mails."""
    findings: list[Finding] = field(default_factory=list)


# --- through the merge ---------------------------------------------------------------------------------------------


def merge_days(days: Days, *, report: Callable[[int], None] = lambda _: None) -> Replay:
    """Each day's files merged in full and, where that can be, by delta, with what was committed last."""
    replay, dataset = Replay(), days.dataset
    before = Rows()
    old: Snapshot | None = None
    old_files: Files = {}
    for day, files in days.each():
        replay.days += 1
        report(replay.days)
        latest = latest_date(day)
        wanted = judge(dataset, before, files, known=days.oracle.get(day), latest=latest)
        replay.ends[wanted.state] += 1
        found: list[Comparison] = []
        if wanted.state is not State.INCOMPLETE:
            full, ended = _merge(dataset, files, old, day, latest=latest)
            found.append(("end", (wanted.state, wanted.rejected_by), ended))
            if full is not None and wanted.state in (State.COMMITTED, State.UNCHANGED):
                found.append(("rows", wanted.rows, keyed(full.snapshot.reported)))
                found.append(("changes", change_set(dataset, before, wanted.rows), entries(full.changes, dataset)))
            if old is not None:
                delta = delta_merge(
                    opened(files),
                    old_files=opened(old_files),
                    old=old,
                    dataset=dataset,
                    run_id=day,
                    latest_day=dt.date.fromisoformat(latest).toordinal(),
                )
                replay.deltas += delta is not None
                if delta is not None and full is not None:
                    found.append(("merge by delta", output(full, dataset), output(delta, dataset)))
                    found.append(("snapshot by delta", state(full.snapshot), state(delta.snapshot)))
            if full is not None and ended[0] is State.COMMITTED:
                old, old_files = through_storage(full.snapshot, dataset), files
        replay.findings += _compare(f"{days.name}, {day}", found, wanted)
        before = wanted.rows if wanted.state is State.COMMITTED else before
    replay.findings += _unseen(days, replay)
    return replay


def _merge(
    dataset: Dataset, files: Files, old: Snapshot | None, day: str, *, latest: str
) -> tuple[Merged | None, tuple[State, str]]:
    """The merge, and how the run would end; None where a file breaks its contract."""
    try:
        full = merge(dataset, files, old=old, run_id=day, latest_day=dt.date.fromisoformat(latest).toordinal())
        check_rows(full, dataset)
    except ContractBroken:
        return None, (State.REJECTED, "contract")
    try:
        check_gate(full, dataset, LIMITS)
    except GateClosed:
        return full, (State.REJECTED, "gate")
    return full, (State.UNCHANGED if full.changes.empty and old is not None else State.COMMITTED, "")


# --- through all handlers ------------------------------------------------------------------------------------------


def live_days(
    world: World, days: Days, *, most: int | None = None, report: Callable[[int], None] = lambda _: None
) -> Replay:
    """One run a day at 17:00 and a watch at 23:59: ends, change sets, rows, what is served, and mails."""
    replay, dataset = Replay(), world.dataset
    before = Rows()
    stale = _Stale()
    for day, files in days.each():
        if replay.days == most:
            break
        replay.days += 1
        report(replay.days)
        mails_before = len(world.platform.mails)
        world.publish(files, at=f"{day}T12:00:00Z")
        for handler, time in (("fetch", "17:00:00"), ("watch", "23:59:00")):
            world.schedule(handler, f"{day}T{time}Z")
            world.settle()
        wanted = judge(dataset, before, files, known=days.oracle.get(day))
        kinds = Counter({_MAILS[wanted.state]: 1} if wanted.state in _MAILS else {})
        kinds["stale"] += stale.due(day, files)
        replay.ends[wanted.state] += 1
        mails = Counter(mail.kind for mail in world.platform.mails[mails_before:])
        replay.mails += mails
        where = f"{days.name}, {day}, all handlers"
        replay.findings += _compare(where, _ends(world, f"{day}T17:00:00Z", wanted, before), wanted)
        replay.findings += _compare_mails(where, +kinds, mails)
        before = wanted.rows if wanted.state is State.COMMITTED else before
    errors = [*world.platform.errors, *world.platform.dead_letters]
    replay.findings += [Finding(kind=Kind.LOSS, where=f"{days.name}, all handlers", what=repr(it)) for it in errors]
    return replay


_MAILS = {State.COMMITTED: "digest", State.REJECTED: "failure", State.INCOMPLETE: "failure"}


def _ends(world: World, run_id: str, wanted: Verdict, before: Rows) -> Iterator[Comparison]:
    run = world.run(run_id)
    yield "end", (wanted.state, wanted.rejected_by), (run.state, run.rejected_by)
    committed = wanted.state is State.COMMITTED
    kept = world.files().get(change_set_key(world.dataset.name, run_id))
    yield "whether there is a change set", committed, kept is not None
    if committed and kept is not None:
        found = ChangeSet.from_json(kept)
        changes = change_set(world.dataset, before, wanted.rows)
        yield "changes", changes, {name: list(getattr(found, name)) for name in changes}
    rows = wanted.rows if committed else before
    yield "rows", rows, {key: {k: v for k, v in row.items() if k != "run_id"} for key, row in world.rows().items()}
    yield "served", rows, {(row.pop("series", ONE_SERIES), row.pop("date")): row for row in world.get("/data").json}


@dataclass
class _Stale:
    """How many mails on feeds that stand still are due."""

    seen: dict[str, tuple[str, dt.date]] = field(default_factory=dict)
    """Feed -> the hash of its bytes, and the day on which they came."""
    announced: set[tuple[str, dt.date]] = field(default_factory=set)
    last: dict[str, dt.date] = field(default_factory=dict)
    """Feed -> the day on which it was last there."""

    def due(self, day: str, files: Files) -> int:
        today = dt.date.fromisoformat(day)
        for feed, data in files.items():
            sha256 = hashlib.sha256(data).hexdigest()
            if self.seen.get(feed, ("", today))[0] != sha256:
                self.seen[feed] = sha256, today
            self.last[feed] = today
        due = {(feed, since) for feed, (_, since) in self.seen.items() if (self.last[feed] - since).days >= STALE_AFTER}
        new = due - self.announced
        self.announced |= new
        return len(new)


# --- comparing -----------------------------------------------------------------------------------------------------


def _compare(where: str, found: Iterable[Comparison], wanted: Verdict) -> Iterator[Finding]:
    for what, right, left in found:
        if left != right:
            missing = isinstance(right, dict) and isinstance(left, dict) and right.keys() - left.keys()
            shown = _shown(right, left)
            text = f"{what}: {shown}" + (f" ({wanted.why})" if wanted.why else "")
            yield Finding(kind=Kind.LOSS if missing else Kind.DIFFERENCE, where=where, what=text)


def _compare_mails(where: str, wanted: Counter[str], found: Counter[str]) -> Iterator[Finding]:
    for kind, left, right in ((Kind.LOSS, wanted, found), (Kind.DUPLICATE, found, wanted)):
        if surplus := left - right:
            yield Finding(kind=kind, where=where, what=f"mails: {dict(surplus)}")


def _shown(wanted: Any, found: Any) -> str:
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = [key for key in {**wanted, **found} if wanted.get(key) != found.get(key)]
        return f"{len(keys)} differ, {keys[0]}: {wanted.get(keys[0])} became {found.get(keys[0])}"[:600]
    return f"{wanted} became {found}"[:600]


def _unseen(days: Days, replay: Replay) -> Iterator[Finding]:
    if replay.days < len(days.oracle):
        yield Finding(
            kind=Kind.LOSS,
            where=days.name,
            what=f"{replay.days} of the {len(days.oracle)} days of the oracle are there",
        )
