"""The demo days are made; these tests hold them to the two upstream formats and to what each day is to show."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from chalicelib.comparing.joining import join
from chalicelib.csv_reading.careful_reading import read_carefully
from chalicelib.feed_masks import joined
from infra.local.demo_feeds import demo_days
from tests.shared.declared import US_COVID

NYT, JHU = (feed.file_name for feed in US_COVID.feeds)


def files() -> list[Mapping[str, bytes]]:
    return [day.read() for day in demo_days()]


def merged(day: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Date -> row, of what both feeds have."""
    tables = {feed.name: read_carefully(day[feed.file_name], feed, US_COVID).table for feed in US_COVID.feeds}
    both = joined(join(tables, measures=US_COVID.measure_names), feeds=2, inner=True)
    rows = both.only(US_COVID.measure_names).rows(with_series=False)
    return {row["date"]: dict(row) for row in rows}


def test_the_new_york_times_file_has_three_columns_and_no_newline_at_its_end() -> None:
    for day in files():
        lines = day[NYT].split(b"\n")
        assert lines[0] == b"date,cases,deaths"
        assert lines[1].startswith(b"2020-01-21,")
        assert lines[-1].count(b",") == 2
        assert b"\r" not in day[NYT]


def test_the_johns_hopkins_file_has_all_countries_and_quotes_commas() -> None:
    text = files()[0][JHU].decode()
    assert text.endswith("\n")
    assert '"Korea, South"' in text
    assert 'Netherlands,"Bonaire, Sint Eustatius and Saba"' in text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == ["Date", "Country/Region", "Province/State", "Confirmed", "Recovered", "Deaths"]
    places = [(row["Country/Region"], row["Province/State"], row["Date"]) for row in rows]
    assert places == sorted(set(places))
    assert {row["Date"] for row in rows} == {row["Date"] for row in rows if row["Country/Region"] == "US"}


def test_totals_never_fall() -> None:
    rows = merged(files()[-1])
    for measure in US_COVID.measure_names:
        values = [row[measure] for row in rows.values()]
        assert values == sorted(values)
        assert values[-1] > 100_000


def test_they_are_the_same_every_time() -> None:
    assert demo_days() == demo_days()


def test_each_day_shows_what_it_says() -> None:
    days, store = files(), dict[str, dict[str, Any]]()
    shown = []
    for day in days:
        if JHU not in day:
            shown.append("late")
            continue
        rows = merged(day)
        changed = [date for date in rows.keys() & store.keys() if rows[date] != store[date]]
        shown.append(f"+{len(rows.keys() - store.keys())} ~{len(changed)} -{len(store.keys() - rows.keys())}")
        store = rows
    assert shown == ["+271 ~0 -0", "+1 ~0 -0", "+1 ~18 -0", "+0 ~0 -0", "late", "+0 ~0 -0", "+4 ~0 -0"]
    assert days[2][JHU] == days[3][JHU] == days[5][JHU], "unchanged for three days: stale"
