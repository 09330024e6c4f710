"""Where the job reads and writes: a bucket, or a folder that stands for one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Objects(Protocol):
    """Objects by their keys."""

    def size(self, key: str) -> int: ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """From a byte up to another; fewer where the object ends before."""
        ...

    def write(self, key: str, data: bytes) -> None: ...


type Connect = Callable[[], Objects]
"""Makes the connection in the process that uses it: connections are not sent to others."""


class Bucket:
    """A bucket of S3, by a low-level client."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def size(self, key: str) -> int:
        return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])

    def read(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        if end is not None and end <= start:
            return b""
        wanted = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        try:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=key, **wanted)["Body"].read()
        except self._client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") == "InvalidRange":  # it begins behind the end
                return b""
            raise
        return body

    def write(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data)


class Folder:
    """A folder with a file for each object."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self, key: str) -> int:
        return (self._path / key).stat().st_size

    def read(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        with (self._path / key).open("rb") as file:
            file.seek(start)
            return file.read(-1 if end is None else max(0, end - start))

    def write(self, key: str, data: bytes) -> None:
        path = self._path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_bytes(data)
        fresh.replace(path)
