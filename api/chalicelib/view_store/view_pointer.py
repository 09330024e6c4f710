"""The one pointer that says which run's views are served: moved by compare-and-swap, and never backwards."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.web.documents import JSON
from shared.errors import HeadMoved
from shared.keys import current_views_key

_ATTEMPTS = 8


class PointerWriter:
    """Moves a dataset's `current.json` among the views in a bucket: `{"run_id", "views": {name: digest}}`."""

    def __init__(self, s3: Any, *, bucket: str, dataset: str) -> None:
        self._s3, self._bucket, self._key = s3, bucket, current_views_key(dataset)

    def move(self, wanted: Mapping[str, Any]) -> Sequence[str]:
        """Point at this run's views; gives the names of those whose bytes may have changed for readers.

        Where it points there already, an earlier attempt may have died before it returned them: then all names.
        """
        body = json.dumps(wanted, separators=(",", ":")).encode()
        for _ in range(_ATTEMPTS):
            current, condition = self._read()
            if current == wanted:
                return list(wanted["views"])
            if current and current["run_id"] > wanted["run_id"]:
                return []
            if self._swap(body, condition):
                before = (current or {}).get("views", {})
                return [name for name, digest in wanted["views"].items() if before.get(name) != digest]
        raise HeadMoved(f"{self._key} was moved by others {_ATTEMPTS} times in a row")

    def _swap(self, body: bytes, condition: Mapping[str, str]) -> bool:
        """False where somebody else was faster."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=body, ContentType=JSON, **condition)
        except self._s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
                return False
            raise
        return True

    def _read(self) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """The pointer and the condition under which it may be replaced."""
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=self._key)
        except self._s3.exceptions.NoSuchKey:
            return None, {"IfNoneMatch": "*"}
        return json.loads(reply["Body"].read()), {"IfMatch": reply["ETag"]}
