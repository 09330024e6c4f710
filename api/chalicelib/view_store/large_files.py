"""A table that is larger than an answer may be, as a file that S3 gives itself.

It is put together when it is first asked for, from blocks that are there already, and then stays beside the views of
its run; whoever asks is sent to it by an address that holds for some minutes.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from chalicelib.web.documents import CSV

PART_BYTES = 8_000_000
"""S3 takes parts of at least 5 MiB, but for the last."""
SECONDS = 300
"""How long the address holds."""


class LargeFiles:
    """Files of one bucket."""

    def __init__(self, s3: Any, *, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def address(self, key: str, pieces: Iterable[str], *, file_name: str) -> str:
        """Where the file is, which is written first if it is not there."""
        if not self._is_there(key):
            self._write(key, pieces)
        params = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": CSV,
            "ResponseContentDisposition": f'attachment; filename="{file_name}"',
        }
        address: str = self._s3.generate_presigned_url("get_object", Params=params, ExpiresIn=SECONDS)
        return address

    def _is_there(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def _write(self, key: str, pieces: Iterable[str]) -> None:
        """In parts, so that memory holds one; what is written halfway is not there, and dropped after a day."""
        place = {"Bucket": self._bucket, "Key": key}
        upload = self._s3.create_multipart_upload(**place, ContentType=CSV)["UploadId"]
        parts = []
        for n, body in enumerate(_parts(pieces), start=1):
            tag = self._s3.upload_part(**place, UploadId=upload, PartNumber=n, Body=body)["ETag"]
            parts.append({"PartNumber": n, "ETag": tag})
        self._s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})


def _parts(pieces: Iterable[str]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        body = piece.encode()
        held.append(body)
        size += len(body)
        if size >= PART_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
