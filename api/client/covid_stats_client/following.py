"""Staying in step with /changes: a log on disk in which every committed run is once, whatever crashes.

The log is its own bookmark: a line a run, and the last whole line says where to go on. A line that was being written
when the process died is cut off and read again; what was written is on disk before it is handed on.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from covid_stats_client.client import Client


class Follower:
    """Keeps a log of change sets. Runs that are backfilled, before the first, are not among later changes."""

    def __init__(self, client: Client, log: str | Path) -> None:
        self._client, self._path = client, Path(log)

    def poll(self) -> list[dict[str, Any]]:
        """The change sets of the runs that were committed since the last call, once they are in the log.

        Two processes that follow into one log take turns. Raises ApiError; what came before it is in the log.
        """
        new = []
        with self._locked() as file:
            last = _cut_to_whole_lines(file)
            for change in self._client.changes(since=last):
                if last is not None and change["run_id"] <= last:
                    continue
                file.write(_line(change))
                file.flush()
                os.fsync(file.fileno())
                last = change["run_id"]
                new.append(change)
        return new

    def changes(self) -> Iterator[dict[str, Any]]:
        """Every change set of the log, oldest first."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield json.loads(line, parse_float=Decimal)

    def rows(self) -> pd.DataFrame:
        """The state after the last run of the log: a row a date (and series), in that order."""
        state: dict[tuple[str, str], dict[str, Any]] = {}
        for change in self.changes():
            if change["base_run_id"] is None:
                state.clear()  # a first load is all there is
            for row in change["added"]:
                state[_key(row)] = dict(row)
            for row in change["changed"]:
                state[_key(row)] |= {name: field["new"] for name, field in row["fields"].items()}
            for row in change["removed"]:
                del state[_key(row)]
        frame = pd.DataFrame([state[key] for key in sorted(state)]).convert_dtypes()
        if len(frame):
            frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
        return frame

    @contextlib.contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The log, open at its end, for this process alone."""
        with self._path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def _cut_to_whole_lines(file: BinaryIO) -> str | None:
    """Cut off a line that is not whole; the run of the last one, None where there is none."""
    file.seek(0)
    end, last = 0, None
    for line in file:
        if not line.endswith(b"\n"):
            break
        end, last = end + len(line), line
    file.truncate(end)
    file.seek(end)
    return str(json.loads(last)["run_id"]) if last else None


def _line(change: dict[str, Any]) -> bytes:
    return json.dumps(change, ensure_ascii=False, separators=(",", ":"), default=_plain).encode() + b"\n"


def _plain(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["date"], row.get("series", "")
