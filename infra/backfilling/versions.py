"""What a backfill carries: the feeds' files as they stood at one time, again and again."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from infra.local.day_folders import Day
from shared.dataset import Dataset


@dataclass(frozen=True)
class Content:
    """A file's bytes, read when they are needed."""

    name: str
    """Tells its content from others of the same source: a path, or the hash of a blob."""
    read: Callable[[], bytes] = field(compare=False)

    @property
    def sha256(self) -> str:
        return self._facts[0]

    @property
    def size(self) -> int:
        """In bytes."""
        return self._facts[1]

    @cached_property
    def _facts(self) -> tuple[str, int]:
        data = self.read()
        return hashlib.sha256(data).hexdigest(), len(data)


@dataclass(frozen=True, kw_only=True)
class DatedCopy:
    """All feeds as they stood at one time."""

    time: str
    """Also the run's id."""
    files: Mapping[str, Content]
    """Feed -> its file; a feed that was not there is not among them."""
    note: str
    """Where they are from: a folder, a commit."""


@dataclass(frozen=True, kw_only=True)
class FeedVersion:
    """One feed's file from one time on; without a content it was taken away."""

    time: str
    feed: str
    content: Content | None
    note: str


def interleave(found: Iterable[FeedVersion]) -> Iterator[DatedCopy]:
    """The state of all feeds at each time at which any of them changed, oldest first."""
    standing: dict[str, Content] = {}
    by_time: dict[str, list[FeedVersion]] = {}
    for version in found:
        by_time.setdefault(version.time, []).append(version)
    for time, changes in sorted(by_time.items()):
        for change in changes:
            if change.content is None:
                standing.pop(change.feed, None)
            else:
                standing[change.feed] = change.content
        note = ", ".join(dict.fromkeys(change.note for change in changes))
        yield DatedCopy(time=time, files=dict(standing), note=note)


def of_days(days: Sequence[Day], dataset: Dataset) -> Iterator[DatedCopy]:
    """Day folders: each is known from 17:00Z of its day."""
    for day in days:
        files = {
            feed.name: Content(str(path), path.read_bytes)
            for feed in dataset.feeds
            if not isinstance(path := day.files.get(feed.file_name, b""), bytes)
        }
        yield DatedCopy(time=day.fetch_at, files=files, note=str(day.date))
