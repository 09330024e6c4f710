"""Bring a stage back to what it was at a time: its tables by point-in-time recovery, its bucket by object versions.

The tables keep their names and streams: DynamoDB restores beside them, and what differs is copied over. Raw files
that came later stay: from them the runs after that time can be made again.
"""

import datetime as dt
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.operating.commands import FindStage, find_stage, print_json, stage_parser
from infra.operating.restoring import (
    Brought,
    as_they_were,
    bucket_plan,
    restore_bucket,
    restore_table,
    with_what_is_open,
)
from infra.progress import Report
from infra.terminal import PrintableConsole, Terminal
from shared.errors import EventMalformed
from shared.runs import State, parse_time, run_id_at


@dataclass(frozen=True, kw_only=True)
class RestorePlan:
    """What a restore would do, as far as can be known before."""

    bucket: str
    tables: Sequence[str]
    back: int
    """Objects that become an older version of themselves."""
    away: int
    """Objects that came later."""
    later: frozenset[str]
    """`{dataset} {run id}` of each run after the time."""

    @property
    def lines(self) -> list[str]:
        """For the operator who is to agree to it."""
        return [
            f"{self.bucket}: {self.back} objects brought back, {self.away} newer ones put away (as versions)",
            f"{' and '.join(self.tables)}: items as they were then",
            f"{len(self.later)} runs after it are forgotten{_from_to(self.later)}",
        ]


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restore did: counted as it was done, not as it was planned."""

    objects: Brought
    items: Mapping[str, Brought]
    """Table -> its items."""
    forgotten: frozenset[str]
    """`{dataset} {run id}` of each run that was in the ledger before and is not any more."""

    def otherwise(self, shown: RestorePlan) -> list[str]:
        """What came out otherwise than the plan that was shown; nothing where it did what it was to do."""
        lines = list[str]()
        if self.objects != (planned := Brought(written=shown.back, deleted=shown.away)):
            lines.append(
                f"{shown.bucket}: {self.objects.written} objects brought back and {self.objects.deleted} put away,"
                f" where {planned.written} and {planned.deleted} were shown: it changed meanwhile"
            )
        if kept := shown.later - self.forgotten:
            lines.append(
                f"{len(kept)} runs after that time are still in the ledger{_from_to(kept)}: the tables that DynamoDB"
                " gave are not of that time (a local cloud gives their present state)"
            )
        if more := self.forgotten - shown.later:
            lines.append(f"{len(more)} runs more than shown are forgotten{_from_to(more)}")
        return lines


def _from_to(runs: Collection[str]) -> str:
    times = sorted(run.split()[1] for run in runs)
    return f", {times[0]} to {times[-1]}" if times else ""


def restore(stage: Stage, at: dt.datetime, *, backups: Mapping[str, str] | None = None, report: Report) -> Restored:
    """What was done.

    Bucket first, the ledger last: whoever looks meanwhile is never pointed to something that is not there yet.

    Meanwhile no run can commit: one that begins waits, with the files that it collects, and is merged afterwards with
    what was restored. Where this breaks off the stage stays closed, and the same again ends it.
    `backups`: table name -> ARN of an on-demand backup to take in place of point-in-time recovery.
    Raises CommandFailed while a run is open: its writes and these would mix; and where nothing is as old as that.
    """
    _close(stage, f"a restore to {run_id_at(at)} is at work")
    before = _runs(stage)
    try:
        objects = restore_bucket(stage.client("s3"), stage.place.bucket, at, only=stage.named)
    except CommandFailed:  # nothing was changed
        _open(stage)
        raise
    report(f"{stage.place.bucket}: {objects.written} objects brought back, {objects.deleted} newer ones put away")
    items = dict[str, Brought]()
    client, rows, runs = stage.client("dynamodb"), stage.settings["OBSERVATIONS_TABLE"], stage.place.runs_table
    for table, prepare in ((rows, as_they_were), (runs, with_what_is_open)):
        backup = (backups or {}).get(table, "")
        brought = items[table] = restore_table(client, table, at, backup=backup, prepare=prepare, only=stage.named)
        report(f"{table}: {brought.written} items written, {brought.deleted} deleted")
    forgotten = before - _runs(stage)
    report(f"ledger: {len(forgotten)} runs forgotten{_from_to(forgotten)}")
    _open(stage)
    return Restored(objects=objects, items=items, forgotten=forgotten)


def _runs(stage: Stage) -> frozenset[str]:
    """`{dataset} {run id}` of each run of each dataset that is meant."""
    return frozenset(f"{one.dataset.name} {run.run_id}" for one in stage.each for run in one.ledger.newest_first())


def _open(stage: Stage) -> None:
    for one in stage.each:
        one.ledger.open()


def _close(stage: Stage, why: str) -> None:
    """Close each dataset that is to be restored. Raises CommandFailed, all of them open, where a run is at work."""
    closed = list[Stage]()
    for one in stage.each:
        try:
            _close_one(one, why)
        except CommandFailed:
            for before in closed:
                before.ledger.open()
            raise
        closed.append(one)


def _close_one(stage: Stage, why: str) -> None:
    """Raises CommandFailed where a run is at work; those that wait since a restore broke off go on waiting."""
    ledger = stage.ledger
    broke_off = bool(ledger.head().closed)
    ledger.close(why)
    now = int(time.time() * 1000)
    at_work = [
        run.run_id
        for run in ledger.newest_first()
        if not run.state.ended and (not broke_off or (run.state is State.MERGING and run.lease_until > now))
    ]
    if at_work:
        if not broke_off:
            ledger.open()
        raise CommandFailed(f"runs {at_work} of stage {stage.name} are open; wait until they have ended")


def main(arguments: list[str], *, find: FindStage = find_stage, answer: Callable[[str], str] = input) -> int:
    """Bring a stage's bucket and tables back to what they were at a time. Shows what it will do, and asks.

    Exits with 1 when something came out otherwise than shown.
    """
    parser = stage_parser("restore", main.__doc__)
    parser.add_argument("--time", required=True, help="such as 2020-10-25T17:00:00Z, within the last 35 days")
    parser.add_argument("--yes", action="store_true", help="do it without asking")
    parsed = parser.parse_args(arguments)
    at = read_time(parsed.time, now=dt.datetime.now(dt.UTC))
    stage = find(parsed.stage).of(parsed.dataset)
    terminal = Terminal(PrintableConsole(stderr=True, highlight=False)) if parsed.json else Terminal()
    of = f", dataset {stage.named}," if stage.named else ""
    terminal.say(f"stage {stage.name}{of} is to be what it was at {parsed.time}, by the clock:")
    shown = plan(stage, at)
    for line in shown.lines:
        terminal.say(f"  {line}")
    if not parsed.yes:
        confirm(stage.name, answer)
    lines, began = list[str](), time.monotonic()

    def report(text: str) -> None:
        lines.append(text)
        terminal.say(text)

    done = restore(stage, at, report=report)
    seconds, otherwise = round(time.monotonic() - began), done.otherwise(shown)
    for line in otherwise:
        terminal.say(f"otherwise than shown: {line}")
    if parsed.json:
        result = {"forgotten": done.forgotten, "otherwise": otherwise, "seconds": seconds}
        print_json({"stage": stage.name, "time": parsed.time, "done": lines} | result)
    elif not otherwise:
        terminal.say(
            f"stage {stage.name} is as it was at {parsed.time}, after {seconds} s; raw files since then are kept"
        )
    return 1 if otherwise else 0


_REACH = dt.timedelta(days=35)
"""How far back DynamoDB's point-in-time recovery goes."""


def read_time(text: str, *, now: dt.datetime) -> dt.datetime:
    """The time to restore to. Raises CommandFailed for what is none, lies ahead, or is further back than can be had."""
    try:
        at = parse_time(text)
    except EventMalformed as error:
        raise CommandFailed(f"TIME: {error}") from None
    if at >= now:
        raise CommandFailed(f"TIME is {text}, and now is {run_id_at(now)}: what is to come cannot be restored")
    if now - at > _REACH:
        oldest = run_id_at(now - _REACH)
        raise CommandFailed(f"TIME is {text}; point-in-time recovery reaches back 35 days, to {oldest}")
    return at


def plan(stage: Stage, at: dt.datetime) -> RestorePlan:
    """What a restore would do. Raises CommandFailed where it would change nothing."""
    back, away = bucket_plan(stage.client("s3"), stage.place.bucket, at, only=stage.named)
    later = frozenset(run for run in _runs(stage) if run.split()[1] > run_id_at(at))
    if not back and not away and not later:
        raise CommandFailed(
            f"nothing in stage {stage.name} has changed since {run_id_at(at)}; nothing is to be restored"
        )
    tables = (stage.settings["OBSERVATIONS_TABLE"], stage.place.runs_table)
    return RestorePlan(bucket=stage.place.bucket, tables=tables, back=len(back), away=len(away), later=later)


def confirm(stage: str, answer: Callable[[str], str]) -> None:
    """Raises CommandFailed unless the stage's name is typed; where nobody can be asked, YES=1 has to say it."""
    try:
        typed = answer(f"Type the stage's name, {stage}, to go on: ")
    except EOFError:
        raise CommandFailed("restore asks before it begins; YES=1 answers for you") from None
    if typed.strip() != stage:
        raise CommandFailed("nothing was changed")
