"""From one version of the feeds to what a run of it leaves: by the merger's code, without a cloud.

What it needs of the run before it holds in memory, so that a version costs one reading of the files that are new.
"""

import io
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from chalicelib.comparing.differences import change_set_json
from chalicelib.comparing.full_merge import Merged, full_merge
from chalicelib.comparing.gate import GateLimits, check_gate, check_rows
from chalicelib.comparing.run_warnings import find_notes, find_warnings
from chalicelib.csv_reading.feed_reader import FeedRows, read_feed
from chalicelib.runs.merging import last_day_allowed
from chalicelib.runs.summarising import summarise
from chalicelib.storing.snapshots import Snapshot, csv_pieces, empty_snapshot, index_pieces
from infra.backfilling.versions import Content, DatedCopy
from shared.attributes import Value
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken, GateClosed
from shared.keys import change_set_key, index_key, snapshot_key
from shared.runs import State, parse_time

STANDING = "standing"
"""The attribute of a backfilled run from which a backfill that was stopped goes on."""

_REMEMBERED = 8
"""Files whose rows are kept: the other feeds' files stand while one changes."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the next version is compared with."""

    run_id: str = ""
    """The last committed run of the backfill; empty before the first."""
    snapshot: Snapshot
    seen: Mapping[str, str] = field(default_factory=dict)
    """Feed -> sha256 of the last file that gave these rows."""
    rows_since: Mapping[str, str] = field(default_factory=dict)
    """Feed -> the run that last found its used rows changed."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is to be written down of one version."""

    run_id: str
    state: State
    values: Mapping[str, Value]
    """The run's attributes in the ledger."""
    files: Mapping[str, Callable[[], Iterable[bytes | memoryview]]] = field(default_factory=dict)
    """Key -> the pieces of an object."""
    contents: Mapping[str, Content] = field(default_factory=dict)
    """sha256 -> a feed's file."""


class Carrier:
    """Carries version after version, each compared with the last one that was committed."""

    def __init__(self, dataset: Dataset, *, limits: GateLimits, source: str, standing: Standing | None = None) -> None:
        self._dataset, self._limits, self._source = dataset, limits, source
        self._read: OrderedDict[tuple[str, Content], FeedRows] = OrderedDict()
        self._last: Mapping[str, str] = standing.seen if standing else {}
        self.standing = standing or Standing(snapshot=empty_snapshot(dataset))

    def carry(self, version: DatedCopy) -> Record:
        """A version in which all feeds are there. What contract or gate refuses is a REJECTED run."""
        shas = {feed: content.sha256 for feed, content in version.files.items()}
        if self.standing.run_id and self.standing.seen == shas:
            return self._record(version, State.UNCHANGED, _COUNTS)
        try:
            merged = self._merge(version)
            check_rows(merged, self._dataset)
            check_gate(merged, self._dataset, self._limits)
        except ContractBroken as error:
            return self._record(version, State.REJECTED, {"reason": str(error), "rejected_by": "contract"})
        except GateClosed as error:
            return self._record(version, State.REJECTED, {"reason": str(error), "rejected_by": "gate"})
        rows_since = {
            feed: version.time if feed in merged.moved else self.standing.rows_since.get(feed, version.time)
            for feed in shas
        }
        base = self.standing.run_id
        unchanged = merged.changes.empty and bool(base)
        self.standing = Standing(
            run_id=base if unchanged else version.time,
            snapshot=self.standing.snapshot if unchanged else merged.snapshot,
            seen=shas,
            rows_since=rows_since,
        )
        if unchanged:
            return self._record(version, State.UNCHANGED, _COUNTS)
        return self._committed(version, merged, base, rows_since)

    def _merge(self, version: DatedCopy) -> Merged:
        run_day = parse_time(version.time).date()
        return full_merge(
            {feed: _Opener(content) for feed, content in version.files.items()},
            old=self.standing.snapshot,
            dataset=self._dataset,
            run_id=version.time,
            latest_day=last_day_allowed(run_day, self._dataset),
            read_rows=self._read_rows,
        )

    def _read_rows(
        self, opener: "_Opener", feed: Feed, dataset: Dataset, *, latest_day: int, most_odd: int | None
    ) -> FeedRows:
        """As `read_feed`; a file that was read before has no date that is to come now."""
        key = feed.name, opener.content
        if key not in self._read:
            self._read[key] = read_feed(opener, feed, dataset, latest_day=latest_day, most_odd=most_odd)
            if len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]

    def _committed(self, version: DatedCopy, merged: Merged, base: str, rows_since: Mapping[str, str]) -> Record:
        changes, dataset = merged.changes, self._dataset
        summary = summarise(
            merged,
            dataset,
            warnings=find_warnings(merged, dataset, self._limits),
            notes=find_notes(merged, dataset),
            rows_since=rows_since,
        )
        named: dict[str, Any] = {"with_series": dataset.has_series, "decimals": dataset.decimals}
        files: dict[str, Callable[[], Iterable[bytes | memoryview]]] = {
            change_set_key(dataset.name, version.time): lambda: change_set_json(
                changes, run_id=version.time, base_run_id=base or None, **named
            ),
            snapshot_key(dataset.name, version.time): lambda: csv_pieces(merged.snapshot),
            index_key(dataset.name, version.time): lambda: index_pieces(merged.snapshot),
        }
        values: dict[str, Value] = {
            "added": len(changes.added),
            "changed": len(changes.after),
            "removed": len(changes.removed),
            "base_run_id": base or None,
            "summary": summary.as_map(),
        }
        return self._record(version, State.COMMITTED, values, files=files)

    def _record(self, version: DatedCopy, state: State, values: Mapping[str, Value], **more: Any) -> Record:
        deliveries: dict[str, Value] = {
            feed: {
                "status": "same" if self._last.get(feed) == content.sha256 else "new",
                "sha256": content.sha256,
                "bytes": content.size,
            }
            for feed, content in version.files.items()
        }
        self._last = {feed: content.sha256 for feed, content in version.files.items()}
        fields: dict[str, Value] = {
            "state": state,
            "reason": "",
            "known_from": version.time,
            "arrived": frozenset(version.files),
            "deliveries": deliveries,
            "traces": {},
            "source": f"{self._source} {version.note}",
        }
        if state is State.UNCHANGED:
            fields["base_run_id"] = self.standing.run_id
        if state is not State.REJECTED:
            fields[STANDING] = {"seen": dict(self.standing.seen), "rows_since": dict(self.standing.rows_since)}
        return Record(
            run_id=version.time,
            state=state,
            values=fields | dict(values),
            contents={content.sha256: content for content in version.files.values()},
            **more,
        )


_COUNTS: Mapping[str, Value] = {"added": 0, "changed": 0, "removed": 0}


class _Opener:
    """Opens a content as the merger opens a file."""

    def __init__(self, content: Content) -> None:
        self.content = content

    def __call__(self) -> BinaryIO:
        return io.BytesIO(self.content.read())
