"""What is restored, and how it is asked for, with a client that records; end to end in `test_life_of_a_stage.py`."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.errors import CommandFailed
from infra.operating.restoring import (
    Brought,
    Items,
    as_they_were,
    restore_bucket,
    restore_table,
    with_what_is_open,
)
from tests.proof.restoring import Begins, CommittedTwice, calls_of_a_restore, committed_twice

AT = dt.datetime(2026, 3, 1, 20, tzinfo=dt.UTC)


class Pages:
    def __init__(self, *pages: Mapping[str, Any]) -> None:
        self._pages = pages

    def paginate(self, **_: Any) -> Iterator[Mapping[str, Any]]:
        return iter(self._pages)


class Tables:
    """DynamoDB with two tables' items; what is asked of it beside reading is recorded."""

    def __init__(self, **items: list[dict[str, Any]]) -> None:
        self._items = items
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803  # boto3's own name
        keys = [{"AttributeName": "series"}, {"AttributeName": "date"}]
        return {"Table": {"TableStatus": "ACTIVE", "KeySchema": keys, "TableName": TableName}}

    def get_paginator(self, _: str) -> Any:
        items = self._items

        class Scan:
            def paginate(self, *, TableName: str, **_: Any) -> Iterator[Mapping[str, Any]]:  # noqa: N803
                yield from ({"Items": [item]} for item in items[TableName.replace("-", "_")])

        return Scan()

    def __getattr__(self, name: str) -> Any:
        return lambda **arguments: self.calls.append((name, arguments))


class Objects:
    """S3 with versions; what is asked of it beside reading is recorded."""

    def __init__(self, *versions: dict[str, Any]) -> None:
        self._versions = versions
        self.calls: list[tuple[str, str, str]] = []

    def get_paginator(self, _: str) -> Pages:
        return Pages(*({"Versions" if "Size" in it else "DeleteMarkers": [it]} for it in self._versions))

    def copy_object(self, *, Key: str, CopySource: dict[str, str], **_: Any) -> None:  # noqa: N803
        self.calls.append(("copy", Key, CopySource["VersionId"]))

    def delete_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        self.calls.append(("delete", Key, ""))


def version(key: str, number: int, hours: int, *, latest: bool = False, deleted: bool = False) -> dict[str, Any]:
    """A version that came so many hours after (or, negative, before) the time."""
    entry = {"Key": key, "VersionId": f"v{number}", "LastModified": AT + dt.timedelta(hours=hours), "IsLatest": latest}
    return entry if deleted else entry | {"Size": 1}


def row(date: str, cases: int) -> dict[str, Any]:
    return {"series": {"S": "US"}, "date": {"S": date}, "cases": {"N": str(cases)}}


def test_a_table_is_restored_beside_itself_and_only_what_differs_is_copied_over() -> None:
    client = Tables(
        rows=[row("2020-03-01", 1), row("2020-03-02", 9), row("2020-03-04", 4)],
        rows_restored=[row("2020-03-01", 1), row("2020-03-02", 2), row("2020-03-03", 3)],
    )
    assert restore_table(client, "rows", AT, prepare=as_they_were) == Brought(written=2, deleted=1)
    assert client.calls == [
        (
            "restore_table_to_point_in_time",
            {"SourceTableName": "rows", "TargetTableName": "rows-restored", "RestoreDateTime": AT},
        ),
        ("put_item", {"TableName": "rows", "Item": row("2020-03-02", 2)}),
        ("put_item", {"TableName": "rows", "Item": row("2020-03-03", 3)}),
        ("delete_item", {"TableName": "rows", "Key": {"series": {"S": "US"}, "date": {"S": "2020-03-04"}}}),
        ("delete_table", {"TableName": "rows-restored"}),
    ]


def test_a_backup_takes_the_place_of_a_time() -> None:
    client = Tables(rows=[], rows_restored=[])
    brought = restore_table(client, "rows", AT, backup="arn:of:a:backup", prepare=as_they_were)
    assert brought == Brought(written=0, deleted=0)
    assert client.calls[0] == (
        "restore_table_from_backup",
        {"TargetTableName": "rows-restored", "BackupArn": "arn:of:a:backup"},
    )


def test_a_time_before_all_there_is_changes_nothing() -> None:
    client = Objects(
        version("snapshots/us-covid/later.csv", 1, 1, latest=True), version("raw/later/nyt.csv", 1, 2, latest=True)
    )
    with pytest.raises(CommandFailed, match="nothing in data is as old as 2026-03-01T20:00:00Z: the oldest is of"):
        restore_bucket(client, "data", AT)
    assert client.calls == []


def test_objects_become_what_they_were_and_raw_files_that_came_later_stay() -> None:
    client = Objects(
        version("as-it-was", 1, -5, latest=True),
        version("overwritten", 1, -9),
        version("overwritten", 2, -5),
        version("overwritten", 3, 1, latest=True),
        version("deleted", 1, -5),
        version("deleted", 2, 1, latest=True, deleted=True),
        version("deleted-before", 1, -9),
        version("deleted-before", 2, -5, deleted=True),
        version("deleted-before", 3, 1, latest=True),
        version("snapshots/us-covid/later.csv", 1, 1, latest=True),
        version("raw/later/nyt.csv", 1, 1, latest=True),
    )
    assert restore_bucket(client, "data", AT) == Brought(written=2, deleted=2)
    assert client.calls == [
        ("copy", "overwritten", "v2"),
        ("copy", "deleted", "v1"),
        ("delete", "deleted-before", ""),
        ("delete", "snapshots/us-covid/later.csv", ""),
    ]


def item(sort: str, **values: str) -> dict[str, Any]:
    return {"dataset": {"S": "us-covid"}, "run_id": {"S": sort}} | {name: {"S": it} for name, it in values.items()}


def test_runs_that_began_meanwhile_and_the_door_that_they_wait_at_stay() -> None:
    was: Items = {("1",): item("1", state="COMMITTED"), ("head",): item("head", head="1")}
    now: Items = {
        ("1",): item("1", state="COMMITTED"),
        ("2",): item("2", state="COMMITTED"),
        ("3",): item("3", state="COLLECTING"),
        ("head",): item("head", head="2", closed="a restore is at work"),
    }
    head = item("head", head="1", closed="a restore is at work")
    assert with_what_is_open(was, now) == {("1",): was["1",], ("3",): now["3",], ("head",): head}
    empty = item("head", closed="a restore is at work")
    assert with_what_is_open({}, now) == {("3",): now["3",], ("head",): empty}


# --- what happens meanwhile ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def twice() -> Iterator[CommittedTwice]:
    with committed_twice() as found:
        yield found


def test_a_run_that_begins_at_any_call_of_a_restore_comes_out_whole(twice: CommittedTwice) -> None:
    assert len(list(calls_of_a_restore(twice, Begins.WHOLE))) > 20


@pytest.mark.parametrize("begins", [Begins.COLLECTING, Begins.REJECTED], ids=lambda it: it.name)
def test_so_does_one_that_is_still_collecting_or_is_to_be_rejected(twice: CommittedTwice, begins: Begins) -> None:
    """At every eighth call here, at all of them in `make proof`."""
    assert len(list(calls_of_a_restore(twice, begins, every=8))) == 3
