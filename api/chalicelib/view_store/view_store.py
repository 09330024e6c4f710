"""Reading what is served: the pointer, the views of a run, and change sets, from S3 through a small memory.

The pointer is asked for again when it is older than `ttl` seconds, with If-None-Match, so that it costs a round trip
and no body. Views of a run never change, so they are kept. Nothing here writes.
"""

import datetime as dt
import gzip
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.view_store.bundles import media_type_of, open_bundle
from chalicelib.web.assets import asset_document
from chalicelib.web.documents import Document
from chalicelib.web.problems import ViewsMissing
from shared.keys import change_set_key, current_views_key, snapshot_key, static_key, view_key

KEPT = 64
"""Views kept in memory; a deployment has 12 of each run, and `as_of` asks for older runs."""


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """Which run's views are served."""

    run_id: str
    etag: str


class ViewStore:
    """What refresh_views left in the bucket."""

    def __init__(
        self,
        client: Any,
        *,
        bucket: str,
        dataset: str,
        ttl: float,
        clock: Callable[[], float] = time.monotonic,
        late: Callable[[str, str], Document] | None = None,
    ) -> None:
        """`late` gives a view (of a run, by name) that was not rendered; it raises ViewsMissing."""
        self._late = late
        self._client, self._bucket, self._dataset, self._ttl, self._clock = client, bucket, dataset, ttl, clock
        self._pointer: Pointer | None = None
        self._read_at = float("-inf")
        self._views: OrderedDict[tuple[str, str], Document] = OrderedDict()
        self._bundles: OrderedDict[tuple[str, str], Mapping[str, Document]] = OrderedDict()

    def current(self, *, fresh: bool = False) -> str | None:
        """The run whose views are served, None before the first commit; `fresh` asks S3 in any case."""
        if fresh or self._clock() - self._read_at > self._ttl:
            pointer = self._read_pointer()
            if pointer != self._pointer:
                self._views.clear()  # a run may have been rendered anew
                self._bundles.clear()
            self._pointer, self._read_at = pointer, self._clock()
        return self._pointer.run_id if self._pointer else None

    def view(self, run_id: str, name: str) -> Document:
        """One view (`daily.json`). Raises ViewsMissing."""
        key = (run_id, name)
        if key not in self._views:
            self._views[key] = self._read_view(run_id, name)
            if len(self._views) > KEPT:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return self._views[key]

    def file_address(self, run_id: str, name: str, pieces: Iterable[str], *, file_name: str) -> str:
        """Where S3 gives a file beside the views of a run; it is made of the pieces where it is not there yet."""
        from chalicelib.view_store.large_files import LargeFiles  # deferred: few tables are so large

        files = LargeFiles(self._client, bucket=self._bucket)
        return files.address(view_key(self._dataset, run_id, f"whole/{name}"), pieces, file_name=file_name)

    def bundle(self, run_id: str, name: str, *, keep: bool = True) -> Mapping[str, Document]:
        """The documents of an object that holds several, kept in memory if wanted. Raises ViewsMissing."""
        key = (run_id, name)
        if key not in self._bundles:
            body = self._get(view_key(self._dataset, run_id, name))
            if body is None and self._late is not None:
                body = self._late(run_id, name).plain
            if body is None:
                raise ViewsMissing(run_id)
            if not keep:
                return open_bundle(body)
            self._bundles[key] = open_bundle(body)
            if len(self._bundles) > KEPT:
                self._bundles.popitem(last=False)
        self._bundles.move_to_end(key)
        return self._bundles[key]

    def asset(self, name: str) -> Document | None:
        """A static file that this version of the service does not carry, kept beside the pages that need it."""
        packed = self._get(static_key(f"{name}.gz"))
        return None if packed is None else asset_document(name, gzip.decompress(packed))

    def change_set(self, run_id: str) -> bytes:
        """A committed run's change set as JSON. Raises ViewsMissing where it is gone."""
        body = self._get(change_set_key(self._dataset, run_id))
        if body is None:
            raise ViewsMissing(run_id)
        return body

    def snapshot(self, run_id: str) -> bytes | None:
        """All rows after a run, as the merger wrote them; None where they are gone."""
        return self._get(snapshot_key(self._dataset, run_id))

    def committed_at(self, run_id: str) -> dt.datetime | None:
        """When a run's change set was written, just before its commit, by the clock; None where it is gone."""
        try:
            reply = self._client.head_object(Bucket=self._bucket, Key=change_set_key(self._dataset, run_id))
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        written: dt.datetime = reply["LastModified"]
        return written

    def _read_view(self, run_id: str, name: str) -> Document:
        packed = self._get(view_key(self._dataset, run_id, f"{name}.gz"))
        if packed is not None:
            return Document(media_type_of(name), packed=packed)
        if self._late is None:
            raise ViewsMissing(run_id)
        return self._late(run_id, name)

    def _read_pointer(self) -> Pointer | None:
        condition = {"IfNoneMatch": self._pointer.etag} if self._pointer else {}
        try:
            reply = self._client.get_object(Bucket=self._bucket, Key=current_views_key(self._dataset), **condition)
        except self._client.exceptions.NoSuchKey:
            return None
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 304:
                return self._pointer
            raise
        return Pointer(run_id=json.loads(reply["Body"].read())["run_id"], etag=reply["ETag"])

    def _get(self, key: str) -> bytes | None:
        try:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        return body
