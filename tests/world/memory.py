"""Saving and restoring what moto holds: so that a thousand crash points start from one state that was built once.

moto has no such thing, so this reads its tables and buckets directly; the system under test only ever sees clients.
"""

import copy
import json
from dataclasses import dataclass
from typing import Any

from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.s3.utils import _VersionedKeyStore

from shared.attributes import from_item

_REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What the tables and the buckets hold."""

    tables: dict[str, Any]
    sequences: dict[str, int]
    buckets: dict[str, dict[str, Any]]


def _tables() -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][_REGION].tables


def _buckets() -> Any:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets


def save() -> Saved:
    return Saved(
        tables={name: copy.deepcopy(table.items) for name, table in _tables().items()},
        sequences={
            name: table.stream_shard.starting_sequence_number for name, table in _tables().items() if table.stream_shard
        },
        buckets={
            name: {key: copy.copy(bucket.keys[key]) for key in bucket.keys} for name, bucket in _buckets().items()
        },
    )


def restore(saved: Saved) -> None:
    reset_model_data()  # moto remembers all items there ever were, for a dashboard: gigabytes in the end
    for name, table in _tables().items():
        table.items = copy.deepcopy(saved.tables[name])
        if table.stream_shard:
            table.stream_shard.items = []
            table.stream_shard.starting_sequence_number = saved.sequences[name]
    for name, bucket in _buckets().items():
        bucket.keys = _VersionedKeyStore()
        for key, value in saved.buckets[name].items():
            bucket.keys[key] = copy.copy(value)


def items(table: str) -> list[dict[str, Any]]:
    """All items of a table, as Python values."""
    ranges = _tables()[table].items.values()
    return [from_item(item.to_json()["Attributes"]) for found in ranges for item in found.values()]


def files(bucket: str) -> dict[str, bytes]:
    """Key -> bytes of all objects."""
    keys = _buckets()[bucket].keys
    return {key: keys[key].value for key in keys}


def take_stream_records(table: str) -> list[dict[str, Any]]:
    """What a table's stream says since the last call, as Lambda is given it.

    moto tells of an upsert in two records, the first with nothing but the key, and of writes that change nothing:
    DynamoDB does neither.
    """
    shard = _tables()[table].stream_shard
    records = [_as_json(record.to_json()) for record in shard.items]
    shard.starting_sequence_number += len(shard.items)
    shard.items = []
    return [record for record in records if _is_real(record["dynamodb"])]


def _is_real(change: dict[str, Any]) -> bool:
    new = change.get("NewImage")
    return new != change.get("OldImage") and new != change["Keys"]


def _as_json(record: dict[str, Any]) -> Any:
    return json.loads(json.dumps(record, default=lambda time: int(time.timestamp())))


def make_job(glue: Any, name: str) -> None:
    """A job of Glue, of which as many may run at once as are started."""
    glue.create_job(
        Name=name,
        Role="arn:aws:iam::123456789012:role/engine",
        Command={"Name": "glueetl", "ScriptLocation": "s3://none/start.py"},
        ExecutionProperty={"MaxConcurrentRuns": 1_000_000},
    )


def end_job(name: str, run: str, *, state: str) -> None:
    """What became of a job that was started: moto ends all of them well by itself."""
    from moto.glue.models import glue_backends  # deferred: few worlds have an engine

    found = glue_backends[DEFAULT_ACCOUNT_ID][_REGION].get_job_run(name, run)
    found._transitions = [(state, state)]
    found._status = state
