"""A dataset with several series, through the real app."""

from collections.abc import Sequence

import pytest

from tests.api.committing import Committer, Key
from tests.api.serving import ApiApp
from tests.api.test_page import Page, page_of

RUN = "2020-03-05T17:00:00Z"


@pytest.fixture
def regions(regions_api: ApiApp, regions_committer: Committer) -> ApiApp:
    rows: dict[Key, Sequence[int | None]] = {
        ("north", "2020-03-03"): [5, 100],
        ("south & west", "2020-03-02"): [2, 10],
        ("south & west", "2020-03-03"): [4, 30],
    }
    regions_api.refresh(regions_committer.commit("2020-03-04T17:00:00Z", rows))
    regions_api.refresh(
        regions_committer.commit(
            RUN, rows | {("south & west", "2020-03-02"): [3, 10], ("north", "2020-03-04"): [6, 150]}
        )
    )
    return regions_api


def test_rows_name_their_series_and_come_in_order_of_date(regions: ApiApp) -> None:
    assert regions.get("/data").json == [
        {"date": "2020-03-02", "series": "south & west", "beds": 3, "tests": 10},
        {"date": "2020-03-03", "series": "north", "beds": 5, "tests": 100},
        {"date": "2020-03-03", "series": "south & west", "beds": 4, "tests": 30},
        {"date": "2020-03-04", "series": "north", "beds": 6, "tests": 150},
    ]
    assert regions.get("/weekly?format=csv").text == (
        "date,series,beds,tests,complete\n2020-03-08,north,6,50,false\n2020-03-08,south & west,4,20,false\n"
    )


def test_one_series_can_be_chosen(regions: ApiApp) -> None:
    assert regions.get("/daily?series=south%20%26%20west&from=2020-03-03").json == [
        {"date": "2020-03-03", "series": "south & west", "beds": 4, "tests": 20, "complete": True}
    ]
    assert regions.get("/daily?series=south%20%26%20west&format=csv").text == (
        "date,series,beds,tests,complete\n2020-03-02,south & west,3,,true\n2020-03-03,south & west,4,20,true\n"
    )


def test_a_date_has_the_history_of_each_series(regions: ApiApp) -> None:
    rows = regions.get("/data/2020-03-02").json
    assert [(row["series"], row["beds"], [entry["beds"] for entry in row["history"]]) for row in rows] == [
        ("south & west", 3, [2, 3])
    ]
    assert [row["series"] for row in regions.get("/data/2020-03-03").json] == ["north", "south & west"]


def test_the_dashboard_is_of_the_first_series_and_others_can_be_chosen(regions: ApiApp) -> None:
    first, other = page_of(regions), page_of(regions, "/?series=south%20%26%20west")
    assert (
        "north, Wednesday 4 March 2020 Beds in use 6 +1 since Tue 3 Mar Tests 150 +50 new on Wed 4 Mar" in first.words
    )
    assert (
        "south & west, Tuesday 3 March 2020 Beds in use 4 +1 since Mon 2 Mar Tests 30 +20 new on Tue 3 Mar"
        in other.words
    )
    assert "2 Mar 2020 south & west Beds in use 2 3 +1" in other.words
    assert all("series=south%20%26%20west" in link for link in other.links if "format=csv" in link)


def test_the_figures_of_a_series_are_its_own(regions: ApiApp) -> None:
    def bars(target: str) -> list[list[int]]:
        return [one["y"] for one in regions.get(target).json["daily"]["new"]["data"] if one["name"] != "7-day mean"]

    assert bars("/figures") == [[5, 6], [None, 50]]
    assert bars("/figures?series=south%20%26%20west") == [[3, 4], [None, 20]]


@pytest.mark.parametrize("target", ["/?series=east", "/figures?series=east"])
def test_a_series_that_is_not_there_is_named(regions: ApiApp, target: str) -> None:
    answer = regions.get(target)
    assert (answer.status, answer.json["parameter"], answer.json["value"]) == (404, "series", "east")


def test_the_description_has_the_series(regions: ApiApp) -> None:
    description = regions.get("/openapi.json").json
    assert {"$ref": "#/components/parameters/series"} in description["paths"]["/daily"]["parameters"]
    assert "series" in description["components"]["schemas"]["Rows"]["items"]["required"]


def test_the_feed_names_the_series(regions: ApiApp) -> None:
    assert "south &amp;amp; west 2020-03-02: Beds in use 2 -&amp;gt; 3 (+1)" in regions.get("/changes.atom").text


def test_the_page_of_a_date_has_the_series_to_choose_from_and_each_has_its_own(regions: ApiApp) -> None:
    accept = {"Accept": "text/html"}
    of_all = Page(regions.get("/data/2020-03-03", headers=accept).text)
    assert "Region Beds in use Tests Versions Last changed north 5 100 1 4 Mar, 17:00 UTC south" in of_all.words
    assert "?series=south%20%26%20west" in of_all.links
    of_one = Page(regions.get("/data/2020-03-02?series=south%20%26%20west", headers=accept).text)
    assert "south & west, Monday 2 March 2020 Beds in use 3 first 2 on 4 Mar 2020 changed 1 time since" in of_one.words
    assert "../vintages?from=2020-03-02&to=2020-03-02&series=south%20%26%20west" in of_one.links
    assert regions.get("/data/2020-03-03?series=nowhere", headers=accept).status == 404


def test_revisions_on_the_dashboard_are_linked_to_the_date_of_their_series(regions: ApiApp) -> None:
    assert "data/2020-03-02?series=south%20%26%20west" in page_of(regions, "/?series=south%20%26%20west").links
