"""The triangle and two states compared, as pages."""

import json
import re
from html import unescape
from typing import Any

from tests.api.serving import ApiApp
from tests.api.test_how_final import RUNS, WORDS, followed, run_id
from tests.api.test_page import Page

__all__ = ["followed"]
BROWSER = {"Accept": "text/html"}


def figure_of(page: str) -> Any:
    found = re.search(r'data-figure="([^"]*)"', page)
    assert found
    return json.loads(unescape(found[1]))


def test_the_triangle_has_each_value_by_date_and_lag_and_what_share_it_is_of_the_newest(followed: ApiApp) -> None:
    page = followed.get("/revisions", headers=BROWSER).text
    assert f"The newest value: {WORDS}." in Page(page).words
    [points] = figure_of(page)["data"]
    found = dict(zip(zip(points["y"], points["x"], strict=True), points["text"], strict=True))
    assert found["2020-03-10", 0] == "1,000, 96.2% of the newest value"
    assert found["2020-03-10", 5] == "1,040, 100.0% of the newest value"
    last = run_id(RUNS - 1)[:10]
    assert [lag for date, lag in found if date == last] == [0]
    assert "0 96.2% 96.2% to 96.2%" in Page(page).words


def test_programs_get_json_at_the_same_address(followed: ApiApp) -> None:
    answer = followed.get("/revisions")
    assert (answer.headers["vary"], answer.json[0]["newest"]["words"]) == ("Accept-Encoding, Accept", WORDS)


def test_two_states_are_in_one_chart_and_what_differs_is_a_table(followed: ApiApp) -> None:
    page = followed.get("/?as_of=2020-03-10&compare=2020-03-12").text
    lines = figure_of(page)["data"]
    assert [(line["name"], len(line["x"]), line["y"][4:6]) for line in lines] == [
        ("as of 2020-03-10", 10, [1040, 1000]),
        ("as of 2020-03-12", 12, [1040, 1040]),
    ]
    words = Page(page).words
    assert "As of 10 Mar 2020 and of 12 Mar 2020" in words
    assert "11 Mar 2020 Cases \N{EN DASH} 11,280 \N{EN DASH}" in words
    assert "7 Mar 2020 Cases 7,200 7,280 +80" in words
    assert "5 Mar 2020 Cases" not in words
    assert "data/2020-03-07" in Page(page).links


def test_a_measure_that_is_not_there_is_refused(followed: ApiApp) -> None:
    assert followed.get("/?compare=2020-03-12&measure=nothing").status == 404
