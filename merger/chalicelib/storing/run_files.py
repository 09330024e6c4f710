"""The files of a run in S3: raw feeds, change sets and snapshots."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from shared.changes import ChangeSet
from shared.errors import ObjectMissing
from shared.keys import change_set_key, parse_raw_key, raw_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SPOOLED = 8 * 1024 * 1024
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class RawFile:
    """What is known of a raw file without reading it."""

    sha256: str
    bytes: int


class RunFiles:
    """Reads and writes a run's objects through a low-level S3 client."""

    def __init__(self, client: Any, *, bucket: str, dataset: str) -> None:
        self._client, self._bucket, self._dataset = client, bucket, dataset

    def raw_file(self, run_id: str, feed: str) -> RawFile:
        """Hash and size of a raw file, without reading it. Raises ObjectMissing."""
        key = raw_key(self._dataset, run_id, feed)
        with _missing(key):
            reply = self._client.head_object(Bucket=self._bucket, Key=key)
        # A file that was put by hand has no hash in its metadata; its ETag tells it from others as well.
        return RawFile(sha256=reply["Metadata"].get("sha256") or reply["ETag"], bytes=reply["ContentLength"])

    def open_raw(self, run_id: str, feed: str) -> BinaryIO:
        """The file as a stream, to be read once. Raises ObjectMissing."""
        return self._open(raw_key(self._dataset, run_id, feed))

    def arrived(self, run_id: str) -> frozenset[str]:
        """The feeds whose raw file of this run is there."""
        reply = self._client.list_objects_v2(
            Bucket=self._bucket, Prefix=raw_key(self._dataset, run_id, "").removesuffix(".csv")
        )
        return frozenset(parse_raw_key(item["Key"])[2] for item in reply.get("Contents", []))

    def change_set(self, run_id: str) -> ChangeSet:
        return ChangeSet.from_json(self.read(change_set_key(self._dataset, run_id)))

    def read(self, key: str) -> bytes:
        """The bytes of an object. Raises ObjectMissing."""
        body: bytes = self._open(key).read()
        return body

    def read_array(self, key: str) -> "NDArray[np.uint8]":
        """The bytes as an array, a block at a time: memory of arrays is had in large pages, that of `bytes` is not.

        Raises ObjectMissing.
        """
        import numpy as np  # deferred: most of what reads files has no arrays

        reply = self._get(key)
        data = np.empty(reply["ContentLength"], dtype=np.uint8)
        view, at = memoryview(data), 0
        for block in reply["Body"].iter_chunks(_BLOCK):  # `readinto` is not in every botocore that Lambda has had
            view[at : at + len(block)] = block
            at += len(block)
        return data

    def _open(self, key: str) -> BinaryIO:
        body: BinaryIO = self._get(key)["Body"]
        return body

    def _get(self, key: str) -> Mapping[str, Any]:
        with _missing(key):
            reply: Mapping[str, Any] = self._client.get_object(Bucket=self._bucket, Key=key)
        return reply

    def write(self, key: str, pieces: Iterable[bytes | memoryview], *, content_type: str) -> None:
        """Write an object piece by piece; repeating it gives the same object."""
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as file:
            for piece in pieces:
                file.write(piece)
            self.write_file(key, file, content_type=content_type)

    def copy(self, origin: str, target: str) -> None:
        """The same object under another key, without its bytes going through here."""
        self._client.copy_object(Bucket=self._bucket, Key=target, CopySource={"Bucket": self._bucket, "Key": origin})

    def write_file(self, key: str, file: IO[bytes], *, content_type: str) -> None:
        file.seek(0)
        self._client.put_object(Bucket=self._bucket, Key=key, Body=file, ContentType=content_type)


@contextlib.contextmanager
def _missing(key: str) -> Iterator[None]:
    """The client's error for an absent object becomes ObjectMissing; every other one passes."""
    try:
        yield
    except Exception as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        if code in ("404", "NoSuchKey", "NotFound"):
            raise ObjectMissing(f"{key} is not in the bucket") from error
        raise
