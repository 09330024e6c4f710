"""The real vintages of the weekly hospital admissions through all handlers, held to a recomputation with csv and dicts.

Rows of ten regions come and go between preliminary and consolidated releases for months; the declaration lets them.
"""

import csv
import io
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.changes import ChangeSet
from shared.datasets import find_dataset
from shared.keys import change_set_key
from shared.runs import State
from tests.proof.findings import Finding, Kind
from tests.world import World

ADMISSIONS = find_dataset("us-hospital-admissions")
COLUMNS = {"covid": "totalconfc19newadm", "flu": "totalconfflunewadm", "rsv": "totalconfrsvnewadm"}

type Rows = Mapping[tuple[str, str], Mapping[str, int | None]]
"""(date, jurisdiction) -> measure -> number."""


@dataclass(kw_only=True)
class Releases:
    """What came of them."""

    days: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """State -> releases whose run ended in it."""
    regions_gone: int = 0
    """Releases without the regions' rows that the one before had."""
    findings: list[Finding] = field(default_factory=list)

    def hold(self, where: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        """What must be and what is, by what it is about."""
        for what, right in wanted.items():
            if found.get(what) != right:
                shown = f"{what}: {right} became {found.get(what)}"
                self.findings.append(Finding(kind=Kind.DIFFERENCE, where=where, what=shown[:600]))


def releases(archive: Path) -> list[tuple[str, bytes]]:
    """(day, the file), oldest first."""
    with tarfile.open(archive, "r:xz") as pack:
        found = {
            Path(member.name).parent.name: file.read()
            for member in pack
            if member.name.endswith("nhsn.csv") and (file := pack.extractfile(member)) is not None
        }
    return sorted(found.items())


def rows_of(data: bytes) -> Rows:
    """The rows of a release, as anyone would read them."""
    return {
        (row["weekendingdate"][:10], row["jurisdiction"]): {
            measure: int(float(row[column])) if row[column] else None for measure, column in COLUMNS.items()
        }
        for row in csv.DictReader(io.StringIO(data.decode()))
    }


def changes_of(old: Rows, new: Rows) -> dict[str, list[dict[str, Any]]]:
    """`added`, `changed` and `removed` of a change set."""
    both = sorted(new.keys() & old.keys())
    fields = {
        key: {
            name: {"old": old[key][name], "new": new[key][name]} for name in COLUMNS if old[key][name] != new[key][name]
        }
        for key in both
    }
    return {
        "added": [_row(key, new[key]) for key in sorted(new.keys() - old.keys())],
        "changed": [_row(key, {"fields": fields[key]}) for key in both if fields[key]],
        "removed": [_row(key, old[key]) for key in sorted(old.keys() - new.keys())],
    }


def _row(key: tuple[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {"series": key[1], "date": key[0], **values}


def release_days(world: World, days: Sequence[tuple[str, bytes]], *, views_of_every: int = 1) -> Releases:
    """A run and a watch for each release: how it ends, its change set, the store, what is served, and mails.

    Views are rendered of every nth release and of the last; what an earlier record asks for is lost on the way.
    """
    replay, before = Releases(), dict[tuple[str, str], Mapping[str, int | None]]()
    for number, (day, data) in enumerate(days, start=1):
        replay.days += 1
        renders = number % views_of_every == 0 or number == len(days)
        mails = len(world.platform.mails)
        world.publish({"nhsn": data}, at=f"{day}T12:00:00Z")
        for handler, time in (("fetch", "17:00:00"), ("watch", "23:59:00")):
            world.schedule(handler, f"{day}T{time}Z")
            _settle(world, renders=renders)
        now = dict(rows_of(data))
        _hold_day(replay, world, day, changes_of(before, now), world.platform.mails[mails:])
        before = now
    where = "after the last release"
    stored = {(date, series): {name: row[name] for name in COLUMNS} for (series, date), row in world.rows().items()}
    replay.hold(where, {"rows": before, "served": before}, {"rows": stored, "served": _served(world)})
    errors = [*world.platform.errors, *world.platform.dead_letters]
    replay.findings += [Finding(kind=Kind.LOSS, where=where, what=repr(it)) for it in errors]
    return replay


def _settle(world: World, *, renders: bool) -> None:
    while not world.quiet:
        if not renders and world.platform.streams["refresh_views"].waiting:
            world.platform.streams["refresh_views"].waiting.clear()
        else:
            world.deliver_next()


def _hold_day(
    replay: Releases, world: World, day: str, wanted: Mapping[str, list[dict[str, Any]]], mails: list[Any]
) -> None:
    run = world.run(f"{day}T17:00:00Z")
    replay.ends[run.state] += 1
    committed = any(wanted.values())
    kept = world.files().get(change_set_key(ADMISSIONS.name, run.run_id))
    found = ChangeSet.from_json(kept) if kept is not None else None
    replay.hold(
        day,
        {
            "end": State.COMMITTED if committed else State.UNCHANGED,
            "changes": wanted if committed else None,
            "counts": [len(rows) for rows in wanted.values()],
            "digests": int(committed),
            "failures": 0,
        },
        {
            "end": run.state,
            "changes": found and {name: list(getattr(found, name)) for name in wanted},
            "counts": [run.added, run.changed, run.removed],
            "digests": sum(mail.kind == "digest" for mail in mails),
            "failures": sum(mail.kind == "failure" and day in mail.subject for mail in mails),
        },
    )
    gone = Counter(row["series"] for row in wanted["removed"])
    replay.regions_gone += len([series for series in gone if series.startswith("Region ")]) == 10


def _served(world: World) -> Rows:
    """All of `/data`, page after page."""
    rows, path = list[Any](), "/data"
    while path:
        answer = world.get(path)
        rows += answer.json
        link = answer.headers.get("link", "")
        assert not link or 'rel="next"' in link
        path = link.partition(">")[0].removeprefix("<")
    return {(row["date"], row["series"]): {name: row[name] for name in COLUMNS} for row in rows}
