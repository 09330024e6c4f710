"""What the system should come to, in plain Python and without a thought for speed: csv, dictionaries, loops."""

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.dataset import Dataset, Feed
from shared.runs import State

type Key = tuple[str, str]
"""(series, date)."""
type Rows = dict[Key, dict[str, int | None]]


class Broken(Exception):
    """A file does not keep its contract."""


def feed_rows(feed: Feed, data: bytes, *, series: str) -> Rows:
    """The used rows of a file. Raises Broken."""
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if any(header.count(column) != 1 for column in feed.columns):
            raise Broken(f"header {header}")
        rows = _used_rows(feed, header, reader, series=series)
    except csv.Error as error:
        raise Broken(str(error)) from error
    if not rows:
        raise Broken("no row is used")
    return rows


def _used_rows(feed: Feed, header: list[str], reader: Any, *, series: str) -> Rows:
    place = {column: header.index(column) for column in feed.columns}
    wanted = [(place[column], value) for column, value in feed.where.items()]
    rows: Rows = {}
    for fields in reader:
        if not "".join(fields[:2]).strip() and len(fields) < 2:
            continue
        if any(at >= len(fields) or fields[at].strip() != value for at, value in wanted):
            continue
        if len(fields) != len(header):
            raise Broken(f"line {reader.line_num} has {len(fields)} fields")
        name = fields[place[feed.series_column]].strip() if feed.series_column else series
        key = name, _date(fields[place[feed.date_column]].strip())
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


def merged_rows(dataset: Dataset, files: Mapping[str, bytes]) -> Rows:
    """The rows whose key all feeds have, as they are told. Raises Broken."""
    feeds = [feed_rows(feed, files[feed.name], series=dataset.series) for feed in dataset.feeds]
    keys = sorted(set.intersection(*map(set, feeds)), key=lambda key: (key[1], key[0]))
    rows: Rows = {}
    positive: set[tuple[str, str]] = set()
    for key in keys:
        values = {name: number for feed in feeds for name, number in feed[key].items()}
        row: dict[str, int | None] = {}
        for measure in dataset.measures:
            number = values[measure.name]
            if measure.cumulative and number == 0 and (key[0], measure.name) in positive:
                number = None
            if number:
                positive.add((key[0], measure.name))
            row[measure.name] = number
        rows[key] = row
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
    rows: Rows = field(default_factory=dict)
    """Of a run that ends COMMITTED or UNCHANGED."""
    why: str = ""


def judge(dataset: Dataset, old: Rows, files: Mapping[str, bytes], *, known: Rows | None = None) -> Verdict:
    """How a run must end that finds these files, where `old` is the committed state and nobody has approved it.

    `known`: the rows that another program found in the files, to go by in place of the model's.
    """
    if files.keys() < dataset.feed_names:
        return Verdict(state=State.INCOMPLETE, why=f"only {sorted(files)} is there")
    try:
        rows = merged_rows(dataset, files)
    except Broken as broken:
        return Verdict(state=State.REJECTED, rejected_by="contract", why=str(broken))
    rows = rows if known is None else known
    if not rows:
        return Verdict(state=State.REJECTED, rejected_by="contract", why="no key is in all feeds")
    newest, was = (max((date for _, date in keyed), default="") for keyed in (rows, old))
    removed = len(old.keys() - rows.keys())
    if newest < was or removed * 100 > len(old):
        why = f"newest date {was} becomes {newest}, {removed} of {len(old)} rows go"
        return Verdict(state=State.REJECTED, rejected_by="gate", why=why)
    return Verdict(state=State.UNCHANGED if rows == old else State.COMMITTED, rows=rows)
