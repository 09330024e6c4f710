"""Bring a stage back to what it was at a time: its tables by point-in-time recovery, its bucket by object versions.

The tables keep their names and streams: DynamoDB restores beside them, and what differs is copied over. Raw files
that came later stay: from them the runs after that time can be made again.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.operating.commands import FindStage, find_stage, print_json, stage_parser
from infra.progress import Report
from infra.terminal import PrintableConsole, Terminal
from infra.waiting import wait_for
from shared.errors import EventMalformed
from shared.runs import State, parse_time, run_id_at

_SECONDS = 6 * 3600.0
"""How long DynamoDB may take to restore a table; minutes are usual."""

type Item = Mapping[str, Any]
type ItemKey = tuple[str, ...]
type Items = Mapping[ItemKey, Item]


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What was put back."""

    written: int
    deleted: int


def restore(stage: Stage, at: dt.datetime, *, backups: Mapping[str, str] | None = None, report: Report) -> None:
    """Bucket first, the ledger last: whoever looks meanwhile is never pointed to something that is not there yet.

    Meanwhile no run can commit: one that begins waits, with the files that it collects, and is merged afterwards with
    what was restored. Where this breaks off the stage stays closed, and the same again ends it.
    `backups`: table name -> ARN of an on-demand backup to take in place of point-in-time recovery.
    Raises CommandFailed while a run is open: its writes and these would mix; and where nothing is as old as that.
    """
    _close(stage, f"a restore to {run_id_at(at)} is at work")
    try:
        brought = restore_bucket(stage.client("s3"), stage.place.bucket, at, only=stage.named)
    except CommandFailed:  # nothing was changed
        _open(stage)
        raise
    report(f"{stage.place.bucket}: {brought.written} objects brought back, {brought.deleted} newer ones put away")
    client, rows, runs = stage.client("dynamodb"), stage.settings["OBSERVATIONS_TABLE"], stage.place.runs_table
    for table, prepare in ((rows, as_they_were), (runs, with_what_is_open)):
        backup = (backups or {}).get(table, "")
        brought = restore_table(client, table, at, backup=backup, prepare=prepare, only=stage.named)
        report(f"{table}: {brought.written} items written, {brought.deleted} deleted")
    _open(stage)


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


# --- tables ----------------------------------------------------------------------------------------------------------


def as_they_were(wanted: Items, _there: Items) -> Items:
    """Nothing of what is there now has to stay."""
    return wanted


def with_what_is_open(wanted: Items, there: Items) -> Items:
    """The ledger as it was, but for runs that began meanwhile, which wait, and the door that they wait at."""
    open_runs = {
        key: item for key, item in there.items() if item.get("state", {}).get("S") in (State.COLLECTING, State.MERGING)
    }
    doors = {
        key: {"dataset": item["dataset"], "run_id": item["run_id"], **wanted.get(key, {}), "closed": item["closed"]}
        for key, item in there.items()
        if "closed" in item
    }
    return {**wanted, **open_runs, **doors}


def restore_table(
    client: Any,
    table: str,
    at: dt.datetime,
    *,
    backup: str = "",
    prepare: Callable[[Items, Items], Items],
    only: str = "",
) -> Brought:
    """Make the table's items what they were at that time, or in the backup of this ARN; what is so already stays.

    `prepare` makes of the items as they were, and as they are, the items that are wanted. `only`: a dataset; the items
    of others stay as they are.
    """
    beside = f"{table}-restored"
    if backup:
        client.restore_table_from_backup(TargetTableName=beside, BackupArn=backup)
    else:
        client.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=beside, RestoreDateTime=at)
    try:
        wait_for(lambda: _is_active(client, beside), seconds=_SECONDS, what=f"{beside} is there")
        names = [part["AttributeName"] for part in client.describe_table(TableName=table)["Table"]["KeySchema"]]
        wanted, there = (_of_dataset(_items(client, it, names), only) for it in (beside, table))
        wanted = dict(prepare(wanted, there))
        changed = [item for key, item in wanted.items() if there.get(key) != item]
        surplus = [there[key] for key in there.keys() - wanted.keys()]
        for item in changed:
            client.put_item(TableName=table, Item=item)
        for item in surplus:
            client.delete_item(TableName=table, Key={name: item[name] for name in names})
    finally:
        client.delete_table(TableName=beside)
    return Brought(written=len(changed), deleted=len(surplus))


def _of_dataset(items: dict[ItemKey, Item], only: str) -> dict[ItemKey, Item]:
    """Those whose partition is the dataset's; all where none is named."""
    return {key: item for key, item in items.items() if not only or key[0].partition("#")[0] == only}


def _is_active(client: Any, table: str) -> bool:
    return bool(client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE")


def _items(client: Any, table: str, names: list[str]) -> dict[ItemKey, Item]:
    """Key -> item, of a whole table."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {tuple(str(item[name]) for name in names): item for page in pages for item in page["Items"]}


# --- bucket ----------------------------------------------------------------------------------------------------------


def restore_bucket(client: Any, bucket: str, at: dt.datetime, *, only: str = "") -> Brought:
    """Make every object the version it was at that time; one that came later is deleted, unless it is a raw file.

    `only`: a dataset; files of others stay as they are. Raises CommandFailed where nothing is as old as that.
    """
    back, away = _bucket_plan(client, bucket, at, only=only)
    for key, version in back:
        source = {"Bucket": bucket, "Key": key, "VersionId": version["VersionId"]}
        client.copy_object(Bucket=bucket, Key=key, CopySource=source)
    for key in away:
        client.delete_object(Bucket=bucket, Key=key)
    return Brought(written=len(back), deleted=len(away))


def _bucket_plan(
    client: Any, bucket: str, at: dt.datetime, *, only: str
) -> tuple[list[tuple[str, Mapping[str, Any]]], list[str]]:
    """(key, version) of what is brought back, and keys of what is put away. Raises CommandFailed as above."""
    found = [(key, them) for key, them in _versions(client, bucket) if not only or key.split("/")[1:2] == [only]]
    oldest = min((version["LastModified"] for _, versions in found for version in versions), default=at)
    if oldest > at:
        raise CommandFailed(
            f"nothing in {bucket} is as old as {run_id_at(at)}: the oldest is of {run_id_at(oldest)}, by the clock,"
            " whatever days its runs are of; nothing was changed"
        )
    back, away = list[tuple[str, Mapping[str, Any]]](), list[str]()
    for key, versions in found:
        then = next((version for version in versions if version["LastModified"] <= at), None)
        if then and then["IsLatest"]:
            continue
        if then and "Size" in then:
            back.append((key, then))
        elif "Size" in versions[0] and not key.startswith("raw/"):
            away.append(key)
    return back, away


def _versions(client: Any, bucket: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(key, its versions and delete markers, newest first); a delete marker has no Size."""
    found = dict[str, list[dict[str, Any]]]()
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            found.setdefault(version["Key"], []).append(version)
    for key, versions in found.items():
        yield key, sorted(versions, key=lambda it: (not it["IsLatest"], -it["LastModified"].timestamp()))


def main(arguments: list[str], *, find: FindStage = find_stage, answer: Callable[[str], str] = input) -> int:
    """Bring a stage's bucket and tables back to what they were at a time. Shows what it will do, and asks."""
    parser = stage_parser("restore", main.__doc__)
    parser.add_argument("--time", required=True, help="such as 2020-10-25T17:00:00Z, within the last 35 days")
    parser.add_argument("--yes", action="store_true", help="do it without asking")
    parsed = parser.parse_args(arguments)
    at = read_time(parsed.time, now=dt.datetime.now(dt.UTC))
    stage = find(parsed.stage).of(parsed.dataset)
    terminal = Terminal(PrintableConsole(stderr=True, highlight=False)) if parsed.json else Terminal()
    of = f", dataset {stage.named}," if stage.named else ""
    terminal.say(f"stage {stage.name}{of} is to be what it was at {parsed.time}, by the clock:")
    for line in plan(stage, at):
        terminal.say(f"  {line}")
    if not parsed.yes:
        confirm(stage.name, answer)
    told, began = list[str](), time.monotonic()

    def report(text: str) -> None:
        told.append(text)
        terminal.say(text)

    restore(stage, at, report=report)
    seconds = round(time.monotonic() - began)
    if parsed.json:
        print_json({"stage": stage.name, "time": parsed.time, "done": told, "seconds": seconds})
        return 0
    terminal.say(f"stage {stage.name} is as it was at {parsed.time}, after {seconds} s; raw files since then are kept")
    return 0


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


def plan(stage: Stage, at: dt.datetime) -> list[str]:
    """What a restore would do, as far as can be known before. Raises CommandFailed where it would change nothing."""
    back, away = _bucket_plan(stage.client("s3"), stage.place.bucket, at, only=stage.named)
    runs = [run.run_id for one in stage.each for run in one.ledger.newest_first()]
    later = sorted((run_id for run_id in runs if run_id > run_id_at(at)), reverse=True)
    if not back and not away and not later:
        raise CommandFailed(
            f"nothing in stage {stage.name} has changed since {run_id_at(at)}; nothing is to be restored"
        )
    tables = [stage.settings["OBSERVATIONS_TABLE"], stage.place.runs_table]
    return [
        f"{stage.place.bucket}: {len(back)} objects brought back, {len(away)} newer ones put away (as versions)",
        f"{' and '.join(tables)}: items as they were then",
        f"{len(later)} runs after it are forgotten" + (f", {later[-1]} to {later[0]}" if later else ""),
    ]


def confirm(stage: str, answer: Callable[[str], str]) -> None:
    """Raises CommandFailed unless the stage's name is typed; where nobody can be asked, YES=1 has to say it."""
    try:
        typed = answer(f"Type the stage's name, {stage}, to go on: ")
    except EOFError:
        raise CommandFailed("restore asks before it begins; YES=1 answers for you") from None
    if typed.strip() != stage:
        raise CommandFailed("nothing was changed")
