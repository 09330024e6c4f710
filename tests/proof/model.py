"""What the system should come to, in plain Python and without a thought for speed: csv, dictionaries, loops."""

import csv
import datetime as dt
import io
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.dataset import ONE_SERIES, Dataset, Feed
from shared.runs import State

LAST_DATE = "9999-12-31"

type Key = tuple[str, str]
"""(series, date)."""


class Rows(dict[Key, dict[str, int | None]]):
    """Rows by key, and what is remembered beside them."""

    firsts: dict[Key, str]
    """(series, total) -> the first date on which it was ever committed as positive."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.firsts = {}


class Broken(Exception):
    """A file does not keep its contract."""


def feed_rows(feed: Feed, data: bytes, *, series: str = ONE_SERIES, latest: str = LAST_DATE) -> Rows:
    """The used rows of a file; `latest` is the last date allowed. Raises Broken."""
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if any(header.count(column) != 1 for column in feed.columns):
            raise Broken(f"header {header}")
        rows = _used_rows(feed, header, reader, series=series, latest=latest)
    except csv.Error as error:
        raise Broken(str(error)) from error
    if not rows:
        raise Broken("no row is used")
    return rows


def _used_rows(feed: Feed, header: list[str], reader: Any, *, series: str, latest: str) -> Rows:
    place = {column: header.index(column) for column in feed.columns}
    wanted = [(place[column], values) for column, values in feed.where.items()]
    rows = Rows()
    for fields in reader:
        if not "".join(fields[:2]).strip() and len(fields) < 2:
            continue
        if any(at >= len(fields) or fields[at].strip() not in values for at, values in wanted):
            continue
        if len(fields) != len(header):
            raise Broken(f"line {reader.line_num} has {len(fields)} fields")
        name = fields[place[feed.series[0]]].strip() if feed.series else series
        key = name, _date(fields[place[feed.date[0]]].strip())
        if key[1] > latest:
            raise Broken(f"{key} lies in the future")
        if key in rows:
            raise Broken(f"{key} is there twice")
        rows[key] = {measure: _number(fields[place[column]].strip()) for measure, column in feed.measures.items()}
    return rows


def _date(text: str) -> str:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        dt.date.fromisoformat(text)
    except ValueError as error:
        raise Broken(f"date {text!r}") from error
    return text


def _number(text: str) -> int | None:
    if text and not re.fullmatch(r"\+?[0-9]{1,15}(\.0*)?", text):
        raise Broken(f"number {text!r}")
    return int(text.split(".")[0]) if text else None


def merged_rows(
    dataset: Dataset, files: Mapping[str, bytes], *, firsts: Mapping[Key, str] | None = None, latest: str = LAST_DATE
) -> Rows:
    """The rows of the dataset as readers get them; `firsts` as remembered from before. Raises Broken."""
    feeds = [feed_rows(feed, files[feed.name], latest=latest) for feed in dataset.feeds]
    inner = dataset.join == "inner"
    keys = set.intersection(*map(set, feeds)) if inner else set.union(*map(set, feeds))
    rows = Rows()
    rows.firsts = dict(firsts or {})
    for key in sorted(keys, key=lambda key: (key[1], key[0])):
        absent = dict.fromkeys(dataset.measure_names)
        rows[key] = absent | {name: number for feed in feeds for name, number in feed.get(key, {}).items()}
        for measure in dataset.totals:
            if rows[key][measure.name]:
                of = key[0], measure.name
                rows.firsts[of] = min(rows.firsts.get(of, key[1]), key[1])
    for (series, date), row in rows.items():
        for measure in dataset.totals:
            if row[measure.name] == 0 and date >= rows.firsts.get((series, measure.name), LAST_DATE + "~"):
                row[measure.name] = None
    return rows


def change_set(dataset: Dataset, old: Rows, new: Rows) -> dict[str, list[dict[str, Any]]]:
    """`added`, `changed`, `removed` as a change set has them."""

    def entry(key: Key, values: Mapping[str, Any]) -> dict[str, Any]:
        series = {"series": key[0]} if dataset.has_series else {}
        return series | {"date": key[1]} | dict(values)

    def order(keys: set[Key]) -> list[Key]:
        return sorted(keys, key=lambda key: (key[1], key[0]))

    changed = []
    for key in order(old.keys() & new.keys()):
        fields = {
            name: {"old": old[key][name], "new": new[key][name]}
            for name in dataset.measure_names
            if old[key][name] != new[key][name]
        }
        if fields:
            changed.append(entry(key, {"fields": fields}))
    return {
        "added": [entry(key, new[key]) for key in order(new.keys() - old.keys())],
        "changed": changed,
        "removed": [entry(key, old[key]) for key in order(old.keys() - new.keys())],
    }


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a run must end."""

    state: State
    rejected_by: str = ""
    rows: Rows = field(default_factory=Rows)
    """Of a run that ends COMMITTED or UNCHANGED."""
    why: str = ""


def judge(
    dataset: Dataset, old: Rows, files: Mapping[str, bytes], *, known: Rows | None = None, latest: str = LAST_DATE
) -> Verdict:
    """How a run must end that finds these files, where `old` is the committed state and nobody has approved it.

    `known`: the rows that another program found in the files, to go by in place of the model's.
    """
    if files.keys() < dataset.feed_names:
        return Verdict(state=State.INCOMPLETE, why=f"only {sorted(files)} is there")
    try:
        rows = merged_rows(dataset, files, firsts=old.firsts, latest=latest)
    except Broken as broken:
        return Verdict(state=State.REJECTED, rejected_by="contract", why=str(broken))
    if known is not None:
        known.firsts = rows.firsts
        rows = known
    if not rows:
        return Verdict(state=State.REJECTED, rejected_by="contract", why="no key is in all feeds")
    why = closes_gate(dataset, old, rows) if old else ""
    if why:
        return Verdict(state=State.REJECTED, rejected_by="gate", why=why)
    return Verdict(state=State.UNCHANGED if rows == old else State.COMMITTED, rows=rows)


def closes_gate(dataset: Dataset, old: Rows, new: Rows, *, percent: float = 1) -> str:
    """Why the gate must close; empty where it must not. `percent` of rows and values may go."""
    newest, was = (max((date for _, date in keyed), default="") for keyed in (new, old))
    if newest < was:
        return f"newest date {was} becomes {newest}"
    removed = len(old.keys() - new.keys())
    if removed * 100 > percent * len(old):
        return f"{removed} of {len(old)} rows go"
    for name, (lost, of) in lost_values(old, new).items():
        if lost * 100 > percent * of:
            return f"{lost} of {of} values of {name} are lost"
    for pair in itertools.combinations(dataset.measure_names, 2):
        if all(_all_revised(name, pair, old, new) for name in pair):
            return f"all values of {list(pair)} are revised"
    return ""


def _all_revised(name: str, pair: tuple[str, str], old: Rows, new: Rows) -> bool:
    """Whether nearly all values of one of two measures are others, rows left out where the two are equal as before."""
    one, other = pair
    reported = [key for key in old if old[key][name] is not None]
    revised = [key for key in reported if key in new and new[key][name] not in (None, old[key][name])]
    equal = [
        key
        for key in reported
        if old[key][one] == old[key][other]
        and (key not in new or all(new[key][measure] == old[key][measure] for measure in pair))
    ]
    return len(revised) >= 10 and len(revised) > 0.9 * (len(reported) - len(equal))


def lost_values(old: Rows, new: Rows) -> dict[str, tuple[int, int]]:
    """Measure -> how many of its values were reported before and are not any more, of how many; where any are."""
    found = {}
    for name in next(iter(old.values()), {}):
        reported = [key for key in old if old[key][name] is not None]
        lost = [key for key in reported if key in new and new[key][name] is None]
        if lost:
            found[name] = len(lost), len(reported)
    return found


def latest_date(run_id: str) -> str:
    """The last date that a run of daily dates may find: the day after its own."""
    return (dt.date.fromisoformat(run_id[:10]) + dt.timedelta(days=1)).isoformat()
