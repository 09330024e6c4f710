"""Reading the table of vintages: the whole of it as it lies, or a part in order of series, date and time.

A part is put together from the members of each block that may hold some of it, so that a question about one series
reads little of a table of a million versions.
"""

import functools
import gzip
import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib.vintages.version_blocks import Block, Directory
from chalicelib.vintages.version_lines import (
    Chunk,
    Columns,
    VersionPlace,
    place_of,
    place_of_line,
    read_lines,
    split_lines,
)
from chalicelib.vintages.version_table import Version
from chalicelib.vintages.vintage_names import DIRECTORY, TABLE
from shared.dataset import ONE_SERIES, Dataset
from shared.keys import view_key

_KEPT_DIRECTORIES, _KEPT_PARTS = 4, 64
_TOGETHER = 16
"""Members that are read by one call."""
_READERS = 8
_LAST = "\U0010ffff"
"""Sorts after every date and series."""


class VintageReader:
    """Reads what a run's refresh wrote (`chalicelib.vintages.vintage_store`); a run's table never changes."""

    def __init__(self, s3: Any, *, bucket: str, dataset: Dataset) -> None:
        self._s3, self._bucket, self._dataset = s3, bucket, dataset
        self._columns = Columns.of(dataset)
        self.directory: Callable[[str], Directory | None] = functools.lru_cache(_KEPT_DIRECTORIES)(self._directory)
        self._part = functools.lru_cache(_KEPT_PARTS)(self._read_part)

    def whole(self, run_id: str) -> bytes | None:
        """The whole table as packed CSV; None where the run has none."""
        return self._get(view_key(self._dataset.name, run_id, TABLE))

    def address(self, run_id: str, *, seconds: int, file_name: str) -> str:
        """Where S3 itself gives the whole table, for so long."""
        wanted = {
            "Bucket": self._bucket,
            "Key": view_key(self._dataset.name, run_id, TABLE),
            "ResponseContentDisposition": f'attachment; filename="{file_name}"',
        }
        return str(self._s3.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))

    def select(
        self,
        run_id: str,
        *,
        series: str | None = None,
        start: str | None = None,
        end: str | None = None,
        after: VersionPlace | None = None,
    ) -> Iterator[Version]:
        """The versions of one series, or of all, with start <= date <= end, in order, from a place in it on.

        What is before `after` is left out, what stands there as well is not. Nothing where the run has no table.
        """
        directory = self.directory(run_id)
        if directory is None:
            return iter(())
        if series is None and not self._dataset.has_series:
            series = ONE_SERIES  # all there is, of which dates alone say where a part of it begins
        low = (series, start or "", "") if series is not None else ("", "", "")
        low = max(low, after) if after else low
        high = (series, end or _LAST, _LAST) if series is not None else (_LAST, _LAST, _LAST)
        wanted = [chunks for block in directory.blocks if (chunks := _between(block, low, high))]
        if len(wanted) > 1:
            with ThreadPoolExecutor(_READERS) as readers:  # what each block begins with, at once
                list(readers.map(lambda chunks: self._part(run_id, *_span(chunks[:_TOGETHER])), wanted))
        found = heapq.merge(*(self._versions(run_id, chunks, low, high) for chunks in wanted), key=place_of)
        return (it for it in found if (start or "") <= it.date <= (end or _LAST))

    def _versions(
        self, run_id: str, chunks: Sequence[Chunk], low: VersionPlace, high: VersionPlace
    ) -> Iterator[Version]:
        for first in range(0, len(chunks), _TOGETHER):
            part = self._part(run_id, *_span(chunks[first : first + _TOGETHER]))
            begin, end = bisect_left(part, low, key=self._place), bisect_right(part, high, key=self._place)
            yield from read_lines("\n".join(part[begin:end]), self._columns)

    def _place(self, line: str) -> VersionPlace:
        return place_of_line(line, self._columns)

    def _read_part(self, run_id: str, start: int, end: int) -> Sequence[str]:
        """Lines: they are read when they are wanted, which of a part are few."""
        key = view_key(self._dataset.name, run_id, TABLE)
        reply = self._s3.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-{end - 1}")
        return split_lines(reply["Body"].read())

    def _directory(self, run_id: str) -> Directory | None:
        body = self._get(view_key(self._dataset.name, run_id, DIRECTORY))
        return None if body is None else Directory.from_json(gzip.decompress(body))

    def _get(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        return body


def _between(block: Block, low: VersionPlace, high: VersionPlace) -> Sequence[Chunk]:
    """The members of a block that may hold places from `low` to `high`."""
    firsts = [chunk.first for chunk in block.chunks]
    begin = max(0, bisect_right(firsts, low) - 1)
    return block.chunks[begin : bisect_right(firsts, high)]


def _span(chunks: Sequence[Chunk]) -> tuple[int, int]:
    return chunks[0].offset, chunks[-1].offset + chunks[-1].length
