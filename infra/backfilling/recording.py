"""Writing backfilled runs to a stage: files first, then the run's item in the ledger, one run after the other.

An item is written once, with the end that the run has: the ledger's stream tells of a run that ended only where an item
that was there changes, so neither mails nor views come of it. Files are packed and kept by their content, under a
prefix that no event listens to. Nothing that is there is written over.
"""

import gzip
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib.runs.merge_tools import RULES
from chalicelib.storing.row_writes import write_rows
from chalicelib.storing.run_files import RunFiles
from chalicelib.storing.snapshots import read_index
from chalicelib.storing.wanted_rows import find_wanted
from infra.backfilling.carrying import STANDING, Record, Standing
from infra.backfilling.versions import Content
from infra.deploying.deployed import Stage
from shared.attributes import Value, from_item, to_item
from shared.dataset import Dataset
from shared.expressions import assignments
from shared.keys import index_key, past_file_key
from shared.ledger.items import HEAD
from shared.runs import Run, State

_WRITERS = 4
_PACKED = 2
"""gzip's level: a file of numbers packs to a fifth, as fast as it is sent."""
_LEASE_MS = 15 * 60 * 1000
"""How long nobody else may write rows while those of the backfill's last run are."""


class Recorder:
    """Writes the runs of one dataset into a stage."""

    def __init__(self, stage: Stage, dataset: Dataset) -> None:
        self._stage, self._dataset = stage, dataset
        self._s3, self._bucket = stage.client("s3"), stage.place.bucket
        self._dynamodb, self._table = stage.client("dynamodb"), stage.place.runs_table
        self._files = RunFiles(self._s3, bucket=self._bucket, dataset=dataset.name)
        self._kept = set(self._kept_already())
        self._writers = ThreadPoolExecutor(_WRITERS)

    def items(self) -> list[Mapping[str, Any]]:
        """All runs of the dataset as the ledger has them, oldest first."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="dataset = :d",
            ExpressionAttributeValues=to_item({":d": self._dataset.name}),
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def standing(self, items: Sequence[Mapping[str, Any]]) -> Standing | None:
        """What the last of these backfilled runs left; None where none of them was committed."""
        committed = [item for item in items if item["state"] == State.COMMITTED]
        if not committed:
            return None
        run_id = committed[-1]["run_id"]
        last = next(item for item in reversed(items) if STANDING in item)
        snapshot = read_index(self._files.read_array(index_key(self._dataset.name, run_id)), self._dataset)
        return Standing(run_id=run_id, snapshot=snapshot, **last[STANDING])

    def write(self, record: Record) -> bool:
        """One run; False where a run of this time is there already."""
        objects = [*record.files.items()]
        contents = {sha: it for sha, it in record.contents.items() if sha not in self._kept}
        work = [
            *(self._writers.submit(self._put, key, pieces) for key, pieces in objects),
            *(self._writers.submit(self._keep, sha, content) for sha, content in contents.items()),
        ]
        for one in work:
            one.result()
        self._kept |= contents.keys()
        key: dict[str, Value] = {"dataset": self._dataset.name, "run_id": record.run_id}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item(key | dict(record.values)),
                ConditionExpression="attribute_not_exists(run_id)",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def adopt(self, standing: Standing, committed: Sequence[str]) -> bool:
        """Make the last backfilled run the head of a dataset that has none; what has one keeps it.

        False where another run is writing, so that it is not known yet which comes first.

        `committed` are all backfilled runs that were: while rows are written they are the head's `dirty` ones, so
        that whoever takes over after a crash puts right every row that may have been written.
        """
        me = standing.run_id
        if self._head():
            return True
        if not self._move_head(
            "SET writing = :me, writing_until = :until ADD dirty :all",
            {":me": me, ":until": _now() + _LEASE_MS, ":all": frozenset(committed), ":now": _now()},
            condition="attribute_not_exists(writing) OR writing = :me OR writing_until < :now",
        ):
            return bool(self._head())
        snapshot = standing.snapshot
        wanted = find_wanted(snapshot, [snapshot.joined], dataset=self._dataset.name)
        write_rows(self._dynamodb, self._stage.settings["OBSERVATIONS_TABLE"], wanted.requests(), check=lambda: None)
        sets, names, values = assignments(
            {
                "head": me,
                "latest": me,
                "newest": snapshot.newest,
                "rows": len(snapshot.joined),
                "sources": dict(standing.seen),
                "seen": dict(standing.seen),
                "rules": f"{RULES}-{self._dataset.fingerprint}",
                "rows_since": dict(standing.rows_since),
            }
        )
        update = f"SET {sets} REMOVE writing, writing_until, dirty"
        return self._move_head(update, values | {":me": me}, names, condition="writing = :me") or bool(self._head())

    def _head(self) -> str:
        return self._stage.ledger.head().head

    def _move_head(
        self, update: str, values: Mapping[str, Value], names: Mapping[str, str] | None = None, *, condition: str
    ) -> bool:
        """Change the head pointer of a dataset that was never committed to; False where it is not as it should be."""
        more = {"ExpressionAttributeNames": dict(names)} if names else {}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=to_item({"dataset": self._dataset.name + HEAD, "run_id": "head"}),
                UpdateExpression=update,
                ConditionExpression=f"attribute_not_exists(head) AND ({condition})",
                ExpressionAttributeValues=to_item(values),
                **more,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _put(self, key: str, pieces: Any) -> None:
        kind = {"json": "application/json", "csv": "text/csv"}.get(key.rpartition(".")[2], "application/octet-stream")
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=b"".join(pieces()), ContentType=kind)

    def _keep(self, sha: str, content: Content) -> None:
        body = gzip.compress(content.read(), compresslevel=_PACKED, mtime=0)
        self._s3.put_object(
            Bucket=self._bucket, Key=past_file_key(self._dataset.name, sha), Body=body, ContentType="application/gzip"
        )

    def _kept_already(self) -> Iterator[str]:
        prefix = past_file_key(self._dataset.name, "").removesuffix(".gz")
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (item["Key"].removeprefix(prefix).removesuffix(".gz") for item in page.get("Contents", ()))


def run_of(item: Mapping[str, Any]) -> Run:
    return Run.from_values(item)


def _now() -> int:
    return int(time.time() * 1000)
