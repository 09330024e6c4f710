"""Raw files in S3: each is written once, and says in its metadata all that is known of its bytes."""

import hashlib
import tempfile
from dataclasses import dataclass
from typing import IO, Any

from shared.keys import raw_key
from shared.runs import Delivery

_CHUNK = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What is known of the bytes of one feed in one run."""

    run_id: str
    feed: str
    sha256: str
    bytes: int
    source_url: str
    etag: str
    last_modified: str
    changed_run_id: str
    """The run that saw these bytes first."""
    received_run_id: str
    """The run that last received them from the server, rather than its word that they still hold."""
    went_back_to: str = ""
    """The older run that had these bytes, where others came in between."""

    @property
    def delivery(self) -> Delivery:
        return Delivery(
            status="new" if self.changed_run_id == self.run_id else "same",
            sha256=self.sha256,
            bytes=self.bytes,
            source_url=self.source_url,
            etag=self.etag,
            last_modified=self.last_modified,
            went_back_to=self.went_back_to,
        )


@dataclass(frozen=True, kw_only=True)
class SavedContent:
    """What was read."""

    sha256: str
    bytes: int


class RawFiles:
    """The `raw/` part of the data bucket."""

    def __init__(self, client: Any, *, bucket: str, dataset: str) -> None:
        self._client, self._bucket, self._dataset = client, bucket, dataset

    def find(self, run_id: str, feed: str) -> Copy | None:
        """What was saved for this feed of this run; None where nothing was.

        S3 says 403 for an absent key unless the role may list the bucket: that right is needed.
        """
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=raw_key(self._dataset, run_id, feed))
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        metadata = head["Metadata"]
        return Copy(
            run_id=run_id,
            feed=feed,
            sha256=metadata.get("sha256") or self._sha256(run_id, feed),
            bytes=head["ContentLength"],
            source_url=metadata.get("source-url", ""),
            etag=metadata.get("upstream-etag", ""),
            last_modified=metadata.get("upstream-last-modified", ""),
            changed_run_id=metadata.get("changed-run-id", run_id),
            received_run_id=metadata.get("received-run-id", run_id),
            went_back_to=metadata.get("went-back-to", ""),
        )

    def _sha256(self, run_id: str, feed: str) -> str:
        """Of a file that an operator put there by hand, and that says nothing of itself."""
        with tempfile.TemporaryFile() as body:
            content = self.read(run_id, feed, into=body)
        return content.sha256 if content is not None else ""

    def save(self, copy: Copy, body: IO[bytes], *, trace: str) -> Copy:
        """Write the file, once; the copy that stands then: this one, or the one that was saved before it."""
        body.seek(0)
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=raw_key(self._dataset, copy.run_id, copy.feed),
                Body=body,
                ContentLength=copy.bytes,
                ContentType="text/csv",
                IfNoneMatch="*",
                Metadata=_metadata(copy, trace=trace),
            )
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 412:
                raise
            before = self.find(copy.run_id, copy.feed)
            if before is None:  # deleted in this very moment
                raise
            return before
        return copy

    def read(self, run_id: str, feed: str, *, into: IO[bytes]) -> SavedContent | None:
        """Copy a raw file's bytes into a file that is emptied first; None where there is no such raw file."""
        into.seek(0)
        into.truncate()
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=raw_key(self._dataset, run_id, feed))["Body"]
        except self._client.exceptions.NoSuchKey:
            return None
        size, digest = 0, hashlib.sha256()
        for chunk in body.iter_chunks(_CHUNK):
            size += len(chunk)
            digest.update(chunk)
            into.write(chunk)
        return SavedContent(sha256=digest.hexdigest(), bytes=size)


def _metadata(copy: Copy, *, trace: str) -> dict[str, str]:
    values = {
        "sha256": copy.sha256,
        "source-url": copy.source_url,
        "upstream-etag": copy.etag,
        "upstream-last-modified": copy.last_modified,
        "changed-run-id": copy.changed_run_id,
        "received-run-id": copy.received_run_id,
        "went-back-to": copy.went_back_to,
        "trace": trace,
    }
    return {name: value for name, value in values.items() if value}
