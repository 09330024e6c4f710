"""Bring a stage back to what it was at a time: its tables by point-in-time recovery, its bucket by object versions.

The tables keep their names and streams: DynamoDB restores beside them, and what differs is copied over. Raw files
that came later stay: from them the runs after that time can be made again.
"""

import argparse
import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.operating.commands import find_stage
from infra.terminal import Terminal
from infra.waiting import wait_for
from shared.runs import State, parse_time, run_id_at

_SECONDS = 6 * 3600.0
"""How long DynamoDB may take to restore a table; minutes are usual."""

type Item = Mapping[str, Any]
type Key = tuple[str, ...]
type Items = Mapping[Key, Item]
type Report = Callable[[str], None]


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
        brought = restore_bucket(stage.client("s3"), stage.place.bucket, at)
    except CommandFailed:  # nothing was changed
        stage.ledger.open()
        raise
    report(f"{stage.place.bucket}: {brought.written} objects brought back, {brought.deleted} newer ones put away")
    client, rows, runs = stage.client("dynamodb"), stage.settings["OBSERVATIONS_TABLE"], stage.place.runs_table
    for table, prepare in ((rows, as_they_were), (runs, with_what_is_open)):
        brought = restore_table(client, table, at, backup=(backups or {}).get(table, ""), prepare=prepare)
        report(f"{table}: {brought.written} items written, {brought.deleted} deleted")
    stage.ledger.open()


def _close(stage: Stage, why: str) -> None:
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
    client: Any, table: str, at: dt.datetime, *, backup: str = "", prepare: Callable[[Items, Items], Items]
) -> Brought:
    """Make the table's items what they were at that time, or in the backup of this ARN; what is so already stays.

    `prepare` makes of the items as they were, and as they are, the items that are wanted.
    """
    beside = f"{table}-restored"
    if backup:
        client.restore_table_from_backup(TargetTableName=beside, BackupArn=backup)
    else:
        client.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=beside, RestoreDateTime=at)
    try:
        wait_for(lambda: _is_active(client, beside), seconds=_SECONDS, what=f"{beside} is there")
        names = [part["AttributeName"] for part in client.describe_table(TableName=table)["Table"]["KeySchema"]]
        wanted, there = _items(client, beside, names), _items(client, table, names)
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


def _is_active(client: Any, table: str) -> bool:
    return bool(client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE")


def _items(client: Any, table: str, names: list[str]) -> dict[Key, Item]:
    """Key -> item, of a whole table."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {tuple(str(item[name]) for name in names): item for page in pages for item in page["Items"]}


# --- bucket ----------------------------------------------------------------------------------------------------------


def restore_bucket(client: Any, bucket: str, at: dt.datetime) -> Brought:
    """Make every object the version it was at that time; one that came later is deleted, unless it is a raw file.

    Raises CommandFailed where nothing is as old as that.
    """
    found = list(_versions(client, bucket))
    oldest = min((version["LastModified"] for _, versions in found for version in versions), default=at)
    if oldest > at:
        raise CommandFailed(
            f"nothing in {bucket} is as old as {run_id_at(at)}: the oldest is of {run_id_at(oldest)}, by the clock,"
            " whatever days its runs are of; nothing was changed"
        )
    written = deleted = 0
    for key, versions in found:
        then = next((version for version in versions if version["LastModified"] <= at), None)
        if then and then["IsLatest"]:
            continue
        if then and "Size" in then:
            source = {"Bucket": bucket, "Key": key, "VersionId": then["VersionId"]}
            client.copy_object(Bucket=bucket, Key=key, CopySource=source)
            written += 1
        elif "Size" in versions[0] and not key.startswith("raw/"):
            client.delete_object(Bucket=bucket, Key=key)
            deleted += 1
    return Brought(written=written, deleted=deleted)


def _versions(client: Any, bucket: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(key, its versions and delete markers, newest first); a delete marker has no Size."""
    found = dict[str, list[dict[str, Any]]]()
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            found.setdefault(version["Key"], []).append(version)
    for key, versions in found.items():
        yield key, sorted(versions, key=lambda it: (not it["IsLatest"], -it["LastModified"].timestamp()))


def main(arguments: list[str]) -> int:
    """Bring a stage's bucket and tables back to what they were at a time."""
    parser = argparse.ArgumentParser(prog="python -m infra restore", description=main.__doc__)
    parser.add_argument("--stage", default="", help="a stage on AWS; empty for the local cloud that runs here")
    parser.add_argument("--time", required=True, help="such as 2020-10-25T17:00:00Z, within the last 35 days")
    args = parser.parse_args(arguments)
    stage, terminal = find_stage(args.stage), Terminal()
    began = time.monotonic()
    restore(stage, parse_time(args.time), report=terminal.say)
    terminal.say(f"stage {stage.name} is as it was at {args.time}, after {time.monotonic() - began:.0f} s")
    return 0
