"""The replay corpus beside the checkout: real versions of both feeds, and what an independent program found in them."""

import calendar
import datetime as dt
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.runs import parse_time

FEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "feeds"
"""Beside the checkout; never part of it."""

WHY_NOT = f"the replay corpus is not at {FEEDS}"

CUTS = {"23:59": "oracle", "06:30": "oracle-0630", "17:00": "oracle-1700"}
"""Hour at which a job polls (UTC) -> the oracle's archive."""


class Corpus:
    """One split of it, its versions unpacked into a folder."""

    def __init__(self, folder: Path, *, into: Path) -> None:
        self._folder, self._into = folder, into
        self._manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        with tarfile.open(folder / "pack.tar.xz", "r:xz") as pack:
            pack.extractall(into, filter="data")

    def days(self, cut: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        """(day, feed -> the version that stood at the cut), for every day on which one stood."""
        day, last = (dt.date.fromisoformat(self._manifest[name]) for name in ("first_day", "last_day"))
        while day <= last:
            if standing := self._standing(_cut_of(day, cut)):
                yield day.isoformat(), standing
            day += dt.timedelta(days=1)

    def read(self, version: str) -> bytes:
        return (self._into / version).read_bytes()

    def oracle(self, cut: str) -> dict[str, Any]:
        """Day -> what the oracle found; empty where it was not asked."""
        path = self._folder / f"{CUTS[cut]}.tar.xz"
        if not path.exists():
            return {}
        with tarfile.open(path, "r:xz") as archive:
            return {
                Path(member.name).stem: json.loads(file.read())
                for member in archive
                if (file := archive.extractfile(member)) is not None
            }

    def _standing(self, at: int) -> dict[str, str]:
        found: dict[str, tuple[int, str]] = {}
        for version in self._manifest["versions"]:
            time = _epoch(version["utc"])
            if time <= at and time >= found.get(version["feed"], (0, ""))[0]:
                found[version["feed"]] = time, version["member"]
        return {feed: member for feed, (_, member) in found.items()}


def odd_dates() -> bytes:
    """A file that once was in a side branch upstream: its dates read YYYY-DD-MM."""
    with tarfile.open(FEEDS / "extras" / "side-branch-YYYY-DD-MM.tar.xz", "r:xz") as archive:
        member = archive.extractfile(archive.getnames()[0])
        assert member is not None
        return member.read()


def _cut_of(day: dt.date, cut: str) -> int:
    hours, minutes = map(int, cut.split(":"))
    seconds = 59 if cut == "23:59" else 0
    return calendar.timegm(day.timetuple()) + hours * 3600 + minutes * 60 + seconds


def _epoch(utc: str) -> int:
    return int(parse_time(utc).timestamp())
