"""The replay corpus beside the checkout: what the feeds say, merged, day by day. Tests without it skip, saying so."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.recomputed import Series

FEEDS = Path(os.environ.get("FEEDS_CORPUS") or Path(__file__).parents[3] / "shared" / "feeds")


@dataclass(frozen=True, kw_only=True)
class OracleDay:
    """One day of the corpus."""

    date: str
    rows: Series
    """The merged rows; recoveries that fell back to 0 are null, as they were no longer reported."""


def oracle_days(split: str, *, cut: str, into: Path) -> Iterator[OracleDay]:
    """`cut` is the time of day at which the feeds are read: 23:59, 17:00 or 06:30."""
    if not (FEEDS / "corpus.py").exists():
        pytest.skip(f"there is no replay corpus at {FEEDS}")
    command = [sys.executable, str(FEEDS / "corpus.py"), "oracle", split, "--into", str(into), "--cut", cut]
    subprocess.run(command, check=True, capture_output=True)
    for path in sorted(into.glob("*.json")):
        oracle = json.loads(path.read_text())
        yield OracleDay(date=oracle["date"], rows=_as_reported(oracle["merged"]))


def _as_reported(merged: dict[str, list[int]]) -> Series:
    rows, positive = {}, False
    for date in sorted(merged):
        cases, deaths, recoveries = merged[date]
        positive = positive or recoveries > 0
        rows[date] = [cases, deaths, None if positive and recoveries == 0 else recoveries]
    return rows
