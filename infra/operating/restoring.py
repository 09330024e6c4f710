"""Tables and objects as they were at a time: what differs is found, and written over what is there."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.errors import CommandFailed
from infra.waiting import wait_for
from shared.runs import State, run_id_at

_SECONDS = 6 * 3600.0
"""How long DynamoDB may take to restore a table; minutes are usual."""

type Item = Mapping[str, Any]
type Key = tuple[str, ...]
type Items = Mapping[Key, Item]


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What was put back."""

    written: int
    deleted: int


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


def _of_dataset(items: dict[Key, Item], only: str) -> dict[Key, Item]:
    """Those whose partition is the dataset's; all where none is named."""
    return {key: item for key, item in items.items() if not only or key[0].partition("#")[0] == only}


def _is_active(client: Any, table: str) -> bool:
    return bool(client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE")


def _items(client: Any, table: str, names: list[str]) -> dict[Key, Item]:
    """Key -> item, of a whole table."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {tuple(str(item[name]) for name in names): item for page in pages for item in page["Items"]}


# --- bucket ----------------------------------------------------------------------------------------------------------


def restore_bucket(client: Any, bucket: str, at: dt.datetime, *, only: str = "") -> Brought:
    """Make every object the version it was at that time; one that came later is deleted, unless it is a raw file.

    `only`: a dataset; files of others stay as they are. Raises CommandFailed where nothing is as old as that.
    """
    back, away = bucket_plan(client, bucket, at, only=only)
    for key, version in back:
        source = {"Bucket": bucket, "Key": key, "VersionId": version["VersionId"]}
        client.copy_object(Bucket=bucket, Key=key, CopySource=source)
    for key in away:
        client.delete_object(Bucket=bucket, Key=key)
    return Brought(written=len(back), deleted=len(away))


def bucket_plan(
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
