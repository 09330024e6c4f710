"""The table of vintages in S3: one object a run, packed CSV as a whole, and its directory beside it.

It is written when a run commits, from that of the run before and the run's change set; where that is missing it is made
anew from all change sets.
"""

import gzip
from collections.abc import Callable, Iterable
from typing import Any

from chalicelib.vintages.version_blocks import Change, Directory, Laid, begin, extend
from chalicelib.vintages.vintage_names import DIRECTORY, TABLE
from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.keys import change_set_key, view_key
from shared.runs import Run


class VintageWriter:
    """Writes the table as it is after a run."""

    def __init__(self, s3: Any, *, bucket: str, dataset: Dataset) -> None:
        self._s3, self._bucket, self._dataset = s3, bucket, dataset

    def write(self, run: Run, *, base: str | None, all_runs: Callable[[], Iterable[Run]]) -> Directory:
        """`base` is the committed run before it; `all_runs` are the committed ones, oldest first.

        Raises KeyError-like errors of the store where a change set is gone.
        """
        laid = self._read(base) if base else None
        if laid:
            grown = extend(laid, [self._change(run)], self._dataset)
        else:
            runs = [it for it in all_runs() if it.run_id < run.run_id]
            grown = begin([self._change(it) for it in (*runs, run)], self._dataset)
        self.put(run.run_id, grown)
        return grown.directory

    def put(self, run_id: str, laid: Laid) -> None:
        """The directory goes last: it says that the table is there."""
        directory = gzip.compress(laid.directory.to_json(), compresslevel=6, mtime=0)
        for name, body, kind in ((TABLE, laid.data, "text/csv"), (DIRECTORY, directory, "application/json")):
            self._s3.put_object(
                Bucket=self._bucket,
                Key=view_key(self._dataset.name, run_id, name),
                Body=body,
                ContentType=f"{kind}; charset=utf-8",
                ContentEncoding="gzip",
            )

    def _read(self, run_id: str) -> Laid | None:
        directory = self._find(view_key(self._dataset.name, run_id, DIRECTORY))
        data = self._find(view_key(self._dataset.name, run_id, TABLE)) if directory else None
        if not directory or data is None:
            return None
        return Laid(data=data, directory=Directory.from_json(gzip.decompress(directory)))

    def _change(self, run: Run) -> Change:
        reply = self._s3.get_object(Bucket=self._bucket, Key=change_set_key(self._dataset.name, run.run_id))
        return ChangeSet.from_json(reply["Body"].read()), run.known_from or run.run_id

    def _find(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        return body
