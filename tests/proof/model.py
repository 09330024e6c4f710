"""What the system should come to, in plain Python and without a thought for speed: csv, dictionaries, loops."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from shared.dataset import Dataset, Feed

type Key = tuple[str, str]
"""(series, date)."""
type Rows = dict[Key, dict[str, int | None]]


def feed_rows(feed: Feed, data: bytes, *, series: str) -> Rows:
    """The used rows of a file that keeps its contract."""
    rows: Rows = {}
    for line in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        if all(line[column].strip() == value for column, value in feed.where.items()):
            name = line[feed.series_column].strip() if feed.series_column else series
            rows[name, line[feed.date_column].strip()] = {
                measure: _number(line[column]) for measure, column in feed.measures.items()
            }
    return rows


def _number(text: str) -> int | None:
    return int(text.split(".")[0]) if text.strip() else None


def merged_rows(dataset: Dataset, files: Mapping[str, bytes]) -> Rows:
    """The rows whose key all feeds have, as they are told."""
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
