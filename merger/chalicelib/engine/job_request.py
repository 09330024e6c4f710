"""What the merger orders of the distributed engine, and where it lies.

jobs/{dataset}/{run_id}/{attempt}/request.json    the order
jobs/{dataset}/{run_id}/{attempt}/parts/...       what the job found, in parts
jobs/{dataset}/{run_id}/{attempt}/result.json     what the parts are; written last

An attempt has keys of its own: a job that was started twice, or that ends after another took its place, writes where
nobody looks, or the same bytes again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.errors import EventMalformed
from shared.keys import job_folder


@dataclass(frozen=True, kw_only=True)
class RawObject:
    """A feed's file."""

    key: str
    sha256: str
    """As the merger saw it when it ordered; empty where it is not known."""
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Base:
    """The committed state that the files are compared with."""

    run_id: str = ""
    """Empty before the first commit."""
    index: str = ""
    """Key of its index; empty where it is kept in parts alone."""
    parts: tuple[str, ...] = ()
    """Keys of its Parquet parts, by their number; empty where it has none."""


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """One attempt's order."""

    dataset: str
    run_id: str
    attempt: int
    rules: str
    """Fingerprint of the declaration and of the rules of merging, as the head has it."""
    latest_day: int
    """Ordinal of the last date that is allowed."""
    files: Mapping[str, RawObject]
    base: Base

    @property
    def folder(self) -> str:
        """What the keys of this attempt begin with."""
        return job_folder(self.dataset, self.run_id, self.attempt)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "JobRequest":
        """Raises EventMalformed for what is no request."""
        try:
            values: dict[str, Any] = json.loads(data)
            values["files"] = {feed: RawObject(**file) for feed, file in values["files"].items()}
            values["base"] = Base(**values["base"] | {"parts": tuple(values["base"]["parts"])})
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EventMalformed(f"a request to the engine cannot be read: {error!r}") from error
