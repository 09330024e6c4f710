"""Commits runs as the merger leaves them: a snapshot, a change set, a run in the ledger."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.attributes import to_item
from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.exact import Number
from shared.keys import change_set_key, snapshot_key
from shared.summary import LISTED, Summary
from tests.shared.in_memory import BUCKET, Cloud

type Key = tuple[str, str]
type Rows = Mapping[Key, Sequence[Number | None]]
"""(series, date) -> values in the order of the measures."""


@dataclass
class Committer:
    """Holds what the store would, and makes the records of its stream."""

    cloud: Cloud
    dataset: Dataset
    rows: dict[Key, Sequence[Number | None]] = field(default_factory=dict)
    head: str | None = None

    def commit(
        self, run_id: str, rows: Rows, *, rows_since: Mapping[str, str] | None = None, **attributes: Any
    ) -> dict[str, Any]:
        """Make `rows` the head; the stream record of it. Nothing changed gives an UNCHANGED run."""
        change = self._difference(run_id, rows)
        if change.empty:
            return self.end(run_id, "UNCHANGED", base_run_id=self.head)
        s3 = self.cloud.s3
        s3.put_object(Bucket=BUCKET, Key=change_set_key(self.dataset.name, run_id), Body=change.to_json())
        s3.put_object(Bucket=BUCKET, Key=snapshot_key(self.dataset.name, run_id), Body=self._snapshot(run_id, rows))
        counts = {name: len(getattr(change, name)) for name in ("added", "changed", "removed")}
        record = self.end(
            run_id,
            "COMMITTED",
            base_run_id=self.head,
            summary=replace(self._summary(change, rows), rows_since=rows_since or {}).as_map(),
            **counts | attributes,
        )
        self.rows, self.head = dict(rows), run_id
        self.put_head()
        return record

    def put_head(self, **more: Any) -> None:
        """The head, with what a run that found nothing new has moved of it."""
        newest = max((date for _, date in self.rows), default="")
        self._put(
            {"dataset": f"{self.dataset.name}#head", "run_id": "head"}
            | {"head": self.head, "newest": newest, "rows": len(self.rows)}
            | more
        )

    def end(self, run_id: str, state: str, **attributes: Any) -> dict[str, Any]:
        """A run that ended in a state; the stream record of it."""
        values = {"dataset": self.dataset.name, "run_id": run_id, "state": state, "known_from": run_id}
        item = self._put(values | {"traces": {}, "deliveries": {}} | attributes)
        keys = {name: item[name] for name in ("dataset", "run_id")}
        return {
            "eventID": f"event-{run_id}",
            "eventName": "MODIFY",
            "eventSource": "aws:dynamodb",
            "dynamodb": {"Keys": keys, "NewImage": item, "SequenceNumber": f"1{run_id[:10].replace('-', '')}"},
        }

    def _put(self, values: Mapping[str, Any]) -> dict[str, Any]:
        item = to_item(values)
        self.cloud.put(**item)
        return item

    def _row(self, key: Key, values: Sequence[Number | None]) -> dict[str, Any]:
        series, date = key
        named = dict(zip(self.dataset.measure_names, values, strict=True))
        return {"date": date} | ({"series": series} if self.dataset.has_series else {}) | named

    def _difference(self, run_id: str, rows: Rows) -> ChangeSet:
        def changed(key: Key) -> dict[str, Any]:
            names = self.dataset.measure_names
            pairs = zip(names, self.rows[key], rows[key], strict=True)
            fields = {name: {"old": old, "new": new} for name, old, new in pairs if old != new}
            series = {"series": key[0]} if self.dataset.has_series else {}
            return {"date": key[1]} | series | {"fields": fields}

        return ChangeSet(
            run_id=run_id,
            base_run_id=self.head,
            added=[self._row(key, rows[key]) for key in sorted(rows) if key not in self.rows],
            changed=[changed(key) for key in sorted(rows) if key in self.rows and self.rows[key] != rows[key]],
            removed=[self._row(key, self.rows[key]) for key in sorted(self.rows) if key not in rows],
        )

    def _snapshot(self, run_id: str, rows: Rows) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["series", "date", *self.dataset.measure_names, "run_id"])
        writer.writerows([*key, *values, run_id] for key, values in sorted(rows.items()))
        return out.getvalue().encode()

    def _summary(self, change: ChangeSet, rows: Rows) -> Summary:
        first = self.head is None
        latest = max(rows, key=lambda key: (key[1], key[0]), default=None)
        return Summary(
            latest=self._row(latest, rows[latest]) if latest else {},
            latest_increments=dict.fromkeys(self.dataset.measure_names),
            rows=len(rows),
            first_load=first,
            added=[] if first else [dict(row) | {"increments": {}} for row in change.added[-LISTED:]],
            changed=list(change.changed[-LISTED:]),
            removed=list(change.removed[-LISTED:]),
            warnings=[],
            recovered=[],
        )
