"""A whole merge in a process of its own, with a folder for S3 and a ledger that says yes: what memory does it take?"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.ledger.items import Head, Notice
from shared.runs import Run, State
from tests.bench.scale_data import REGIONS

BASE, RUN = "2020-10-25T17:00:00Z", "2020-10-26T17:00:00Z"
_DAYS = {BASE: "before", RUN: "after"}

type Task = Callable[[], object]


class FolderS3:
    """Enough of an S3 client for `RunFiles`; raw files are those of the two generated days."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        kind, run_id, *rest = key.split("/")
        return self._folder / _DAYS[run_id] / rest[0] if kind == "raw" else self._folder / key.replace("/", " ")

    def head_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]:  # noqa: N803  # boto's names
        return {"Metadata": {"sha256": Key}, "ContentLength": self._path(Key).stat().st_size}

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]:  # noqa: N803
        return {"Body": self._path(Key).open("rb", buffering=0), "ContentLength": self._path(Key).stat().st_size}

    def put_object(self, *, Bucket: str, Key: str, Body: Any, ContentType: str) -> None:  # noqa: N803
        with self._path(Key).open("wb") as file:
            shutil.copyfileobj(Body, file)


class YesLedger:
    """A ledger with one committed run, or none, that lets the next one do whatever it asks for."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self.committed: Head | None = None

    def claim(self, run_id: str, *, owner: str, now: int, until: int) -> Run:
        return Run(run_id=run_id, state=State.MERGING, attempts=1, lease_owner=owner, lease_until=until)

    def head(self) -> Head:
        return self._head

    def begin_writing(self, run: Run, *, base: str, now: int, until: int) -> Head:
        return self._head

    def notices(self) -> Iterator[Notice]:
        return iter(())

    def newest_first(self, **_: object) -> Iterator[Run]:
        return iter(())

    def commit(self, run: Run, *, head: Head, base: str, ended: object, told: object = ()) -> None:
        self.committed = head


def first_load(folder: str) -> Task:
    """The first run: everything is new."""
    return _merge(folder, BASE, Head(), delta_from=0)


def full(folder: str) -> Task:
    """The day after, all lines parsed."""
    return _merge(folder, RUN, _after_first(), delta_from=1 << 50)


def delta(folder: str) -> Task:
    """The day after, changed lines parsed."""
    return _merge(folder, RUN, _after_first(), delta_from=0)


def _after_first() -> Head:
    shas = {feed.name: f"raw/{REGIONS.name}/{BASE}/{feed.name}.csv" for feed in REGIONS.feeds}
    return Head(head=BASE, sources=shas, seen=shas, rules=_rules())


def _rules() -> str:
    from chalicelib.runs.merge_tools import RULES

    return f"{RULES}-{REGIONS.fingerprint}"


def _merge(folder: str, run_id: str, head: Head, *, delta_from: int) -> Task:
    from chalicelib.runs.merge_tools import Policy, Tools
    from chalicelib.runs.merging import merge_run
    from chalicelib.storing.run_files import RunFiles

    ledger: Any = YesLedger(head)
    tools = Tools(
        dataset=REGIONS,
        ledger=ledger,
        files=RunFiles(FolderS3(Path(folder)), bucket="bench", dataset=REGIONS.name),
        write_rows=lambda requests, check: sum(1 for _ in requests),
        fetch_again=lambda _: None,
        policy=Policy(
            max_removed_percent=1,
            revision_warn_percent=10,
            max_attempts=3,
            lease_seconds=3600,
            delta_from_bytes=delta_from,
            most_bytes=1 << 50,
            most_odd_bytes=1 << 50,
        ),
        clock=lambda: int(time.time() * 1000),
    )

    def run() -> object:
        outcome = merge_run(run_id, owner="bench", tools=tools)
        assert outcome is not None and outcome.state == "COMMITTED", outcome
        return outcome.way, dict(outcome.counts)

    return run
