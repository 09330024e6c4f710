"""Small inputs beside the checkout that went wrong elsewhere, served as their README says. Skipped where absent."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from shared import datasets
from shared.dataset import ONE_SERIES, Dataset
from shared.declaration import read_declaration
from shared.exact import Number
from tests.api.committing import Committer, Key
from tests.api.serving import ApiApp
from tests.shared.apps import ROOT, load_app
from tests.shared.declared import US_COVID
from tests.shared.in_memory import Cloud

CASES = ROOT.parent / "shared" / "cases"

type Rows = Mapping[Key, Sequence[Number | None]]


def case(name: str) -> Path:
    if not (CASES / name).is_dir():
        pytest.skip(f"there is no {CASES / name}")
    return CASES / name


def joined(folder: Path, dataset: Dataset) -> Rows:
    """The rows that every feed of the day has, read without the merger; text after the whole number is passed over."""
    found: list[dict[Key, dict[str, int | None]]] = []
    for feed in dataset.feeds:
        rows: dict[Key, dict[str, int | None]] = {}
        with (folder / feed.file_name).open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                if all(row[column] in values for column, values in feed.where.items()):
                    key = (row[feed.series[0]] if feed.series else ONE_SERIES, row[feed.date[0]])
                    rows[key] = {m: int(float(row[c])) if row[c] else None for m, c in feed.measures.items()}
        found.append(rows)
    keys = set.intersection(*map(set, found))
    return {
        key: [value for rows in found for value in rows[key].values()]
        for key in sorted(keys, key=lambda key: (key[1], key[0]))
    }


@pytest.fixture
def gap(api: ApiApp, committer: Committer) -> ApiApp:
    [*_, last] = sorted((case("gap-in-week") / "feeds").iterdir())
    api.refresh(committer.commit(f"{last.name}T17:00:00Z", joined(last, US_COVID)))
    return api


def test_a_week_with_a_gap_inside_adds_what_the_count_grew_by(gap: ApiApp) -> None:
    weeks = {row["date"]: row for row in gap.get("/weekly").json}
    assert (weeks["2020-10-18"]["recoveries"], weeks["2020-10-18"]["complete"]) == (350, True)


def test_the_date_after_a_gap_stands_for_three_days(gap: ApiApp) -> None:
    days = {row["date"]: row for row in gap.get("/daily?days=yes&from=2020-10-12&to=2020-10-16").json}
    assert {date: (row["recoveries_days"], row["complete"]) for date, row in days.items()} == {
        "2020-10-12": (1, True),
        "2020-10-13": (None, True),
        "2020-10-14": (None, True),
        "2020-10-15": (3, False),
        "2020-10-16": (1, True),
    }


def test_a_range_within_months_has_both_of_its_months(api: ApiApp, committer: Committer) -> None:
    [last] = (case("mid-month") / "feeds").iterdir()
    api.refresh(committer.commit(f"{last.name}T17:00:00Z", joined(last, US_COVID)))
    months = api.get("/monthly?from=2020-11-15&to=2020-12-14").json
    assert [(row["date"], row["complete"]) for row in months] == [("2020-11-30", True), ("2020-12-31", False)]


def test_weeks_of_places_that_end_on_friday_are_not_complete(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    places = read_declaration(case("places-lag") / "places.toml")
    monkeypatch.setitem(datasets._REGISTRY, places.name, places)
    monkeypatch.setenv("DATASET", places.name)
    api, committer = ApiApp(module=load_app("api")), Committer(cloud=cloud, dataset=places)
    [*_, last] = sorted((CASES / "places-lag" / "feeds").iterdir())
    rows = joined(last, places)
    api.refresh(committer.commit(f"{last.name}T17:00:00Z", rows))
    ends = {name: max(date for series, date in rows if series == name) for name, _ in rows}
    week = {row["series"]: row["complete"] for row in api.get("/weekly?from=2020-10-12&to=2020-10-18").json}
    assert week == {name: end >= "2020-10-18" for name, end in ends.items()}
    assert set(week.values()) == {True, False}


def test_axes_of_the_first_days_of_an_outbreak_never_say_millions(api: ApiApp, committer: Committer) -> None:
    [last] = (case("small-numbers") / "feeds").iterdir()
    api.refresh(committer.commit(f"{last.name}T17:00:00Z", joined(last, US_COVID)))
    for by, figures in api.get("/figures").json.items():
        for figure in figures.values() if by != "revisions" else ():
            axes = [axis for name, axis in figure["layout"].items() if name.startswith("yaxis")]
            assert {axis["exponentformat"] for axis in axes if "exponentformat" in axis} <= {"none"}


def test_the_page_passes_over_parameters_that_others_hang_on_its_address(gap: ApiApp) -> None:
    for query in ("fbclid=x", "utm_source=y", "fbclid=x&utm_source=y&series=all"):
        answer = gap.get(f"/?{query}", headers={"Accept": "text/html"})
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/html"), query
