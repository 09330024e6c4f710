"""/latest, and what every answer says of the state that it is of."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.routes.endpoints import ROUTES
from chalicelib.vintages import outlook
from tests.api.committing import Committer, Key
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp
from tests.shared.declared import US_COVID

RUN = "2020-03-03T17:00:00Z"
PLACES = {"date": "2020-02-20", "run_id": RUN, "name": "none.0123456789ab.js"}


@pytest.fixture
def regions(regions_api: ApiApp, regions_committer: Committer) -> ApiApp:
    rows: dict[Key, Sequence[int | None]] = {
        ("north", "2020-03-03"): [5, 100],
        ("=south", "2020-03-02"): [2, 10],
        ("=south", "2020-03-03"): [4, None],
    }
    regions_api.refresh(regions_committer.commit(RUN, rows))
    return regions_api


def shown(name: str, label: str, kind: str, value: int | None, change: int | None, days: int | None) -> dict[str, Any]:
    about = {"name": name, "label": label, "unit": "", "kind": kind}
    return about | {"value": value, "change": change, "days": days, "how_final": None}


def test_the_newest_numbers_are_at_one_address(served: ApiApp) -> None:
    expected = {
        "dataset": "us-covid",
        "title": US_COVID.title,
        "date": "2020-03-02",
        "period": "day",
        "measures": [
            shown("cases", "Cases", "total", 8200, None, None),
            shown("deaths", "Deaths", "total", 40, None, None),
            shown("recoveries", "Recoveries", "total", 90, None, None),
        ],
        "run_id": RUN,
    }
    assert served.get("/latest").json == expected
    assert served.get("/us-covid/latest").json == expected


def test_they_are_to_be_had_as_they_were(served: ApiApp) -> None:
    answer = served.get("/latest?as_of=2020-03-02")
    assert (answer.json["date"], answer.json["run_id"]) == ("2020-03-01", "2020-03-02T17:00:00Z")
    assert (answer.headers["run-id"], answer.headers["vintage"]) == ("2020-03-02T17:00:00Z", "as_of=2020-03-02")


def test_a_series_has_its_own(regions: ApiApp) -> None:
    answer = regions.get("/latest?series=%3Dsouth").json
    assert (answer["series"], answer["date"]) == ("=south", "2020-03-03")
    assert answer["measures"] == [
        shown("beds", "Beds in use", "level", 4, 2, 1),
        shown("tests", "Tests", "total", None, None, None),
    ]
    assert regions.get("/latest?series=none").status == 404


def test_with_enough_vintages_it_says_how_final_a_number_is(
    api: ApiApp, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlook, "FEWEST", 5)
    for day in range(1, 15):
        rows = some_rows(days=40 + day)
        api.refresh(committer.commit(f"2020-03-{day:02d}T17:00:00Z", rows))
    words = {one["measure"]: one["newest"]["words"] for one in api.get("/revisions").json}
    assert {one["name"]: one["how_final"] for one in api.get("/latest").json["measures"]} == words
    assert any(words.values())


def test_before_the_first_commit_there_are_none(api: ApiApp) -> None:
    assert (api.get("/latest").status, api.get("/latest").json["detail"]) == (404, "no run was committed yet")


@pytest.mark.parametrize(
    ("target", "vintage"),
    [
        ("/data", "current"),
        ("/daily?from=2020-02-20", "current"),
        ("/weekly?as_of=2020-03-02", "as_of=2020-03-02"),
        ("/monthly?lag=7", "lag=7"),
        ("/data?first=yes", "first=yes"),
        ("/data/2020-02-20", "current"),
        ("/figures", "current"),
        ("/vintages", "current"),
        ("/revisions", "current"),
        ("/series", "current"),
    ],
)
def test_an_answer_names_its_run_and_its_vintage(served: ApiApp, target: str, vintage: str) -> None:
    answer = served.get(target)
    run_id = "2020-03-02T17:00:00Z" if vintage == "as_of=2020-03-02" else RUN
    assert (answer.status, answer.headers["run-id"], answer.headers["vintage"]) == (200, run_id, vintage)
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"Run-Id", "Vintage", "Link"} <= exposed
    again = served.get(target, headers={"Accept": "*/*", "If-None-Match": answer.headers["etag"]})
    assert (again.status, again.headers["run-id"]) == (304, run_id)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/daily?format=csv", "us-covid-daily-run-20200303T170000Z"),
        (
            "/daily?format=csv&from=2020-02-01&to=2020-02-20",
            "us-covid-daily-from-2020-02-01-to-2020-02-20-run-20200303T170000Z",
        ),
        ("/data?format=csv&as_of=2020-03-02", "us-covid-data-as-of-2020-03-02"),
        ("/weekly?format=csv&lag=7", "us-covid-weekly-lag-7-run-20200303T170000Z"),
        ("/monthly?format=csv&first=yes", "us-covid-monthly-first-run-20200303T170000Z"),
        ("/vintages?format=csv&measure=cases", "us-covid-vintages-measure-cases-run-20200303T170000Z"),
        (f"/runs/{RUN}/changes?format=csv", "us-covid-changes-run-20200303T170000Z"),
    ],
)
def test_a_files_name_says_its_range_and_its_vintage(served: ApiApp, target: str, name: str) -> None:
    assert served.get(target).headers["content-disposition"] == f'attachment; filename="{name}.csv"'


def test_a_name_that_cannot_stand_in_a_files_name_is_told_apart_by_a_digest(regions: ApiApp) -> None:
    answer = regions.get("/daily?format=csv&series=%3Dsouth")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="regions-daily-south-0f0fb1-run-20200303T170000Z.csv"'
    )


@pytest.mark.parametrize("below", ["", "/us-covid"])
def test_every_route_takes_head_and_options(served: ApiApp, below: str) -> None:
    for route in ROUTES:
        target = below + route.path.format(**PLACES)
        got, head, options = (served.ask(method, target) for method in ("GET", "HEAD", "OPTIONS"))
        assert (head.status, head.body, dict(head.headers)) == (got.status, b"", dict(got.headers)), target
        allowed = ", ".join(sorted(route.methods))
        assert (options.status, options.headers["allow"]) == (204, allowed), target


def test_changes_are_to_be_had_as_csv(served: ApiApp) -> None:
    since = served.get("/changes?since=2020-03-03&format=csv")
    assert since.text == (
        "run_id,change,date,measure,old,new\n"
        f"{RUN},added,2020-03-02,cases,,8200\n"
        f"{RUN},added,2020-03-02,deaths,,40\n"
        f"{RUN},added,2020-03-02,recoveries,,90\n"
        f"{RUN},changed,2020-02-20,cases,4350,2000\n"
        f"{RUN},changed,2020-02-20,deaths,29,21\n"
        f"{RUN},changed,2020-02-20,recoveries,57,5\n"
    )
    assert served.get(f"/runs/{RUN}/changes?format=csv").text == since.text


def test_changes_of_several_series_name_them_and_no_cell_is_a_formula(regions: ApiApp) -> None:
    rows = list(csv.DictReader(io.StringIO(regions.get("/changes?format=csv").text)))
    assert {row["series"] for row in rows} == {"north", "'=south"}
    assert len(rows) == 6
    lagged = csv.DictReader(io.StringIO(regions.get("/data?first=yes&format=csv").text))
    assert {row["series"] for row in lagged} == {"north", "'=south"}


def test_since_takes_a_day_which_begins_at_midnight(api: ApiApp, committer: Committer) -> None:
    for run_id in ("2020-03-01T23:00:00Z", "2020-03-02T00:00:00Z", "2020-03-03T17:00:00Z"):
        committer.commit(run_id, some_rows(days=int(run_id[8:10]) + 5))
    assert [one["run_id"] for one in api.get("/changes?since=2020-03-02").json] == [
        "2020-03-02T00:00:00Z",
        "2020-03-03T17:00:00Z",
    ]
    assert [one["run_id"] for one in api.get("/runs?before=2020-03-02").json] == ["2020-03-01T23:00:00Z"]
    assert api.get("/changes?since=2020-02-30").status == 400
