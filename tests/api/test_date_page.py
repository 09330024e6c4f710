"""`/data/{date}` as a page: what it was, when it changed, by how much, by which run and file."""

import pytest

from shared.dataset import ONE_SERIES
from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.serving import Answer, ApiApp
from tests.api.test_page import Page

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FILE = {"status": "new", "sha256": "ab" * 32, "last_modified": "Tue, 03 Mar 2020 14:00:00 GMT"}


def opened(api: ApiApp, target: str) -> Answer:
    return api.get(target, headers={"Accept": FIREFOX})


@pytest.fixture
def revised(api: ApiApp, committer: Committer) -> ApiApp:
    """20 February comes with the first load, is revised, goes and comes back."""
    day = (ONE_SERIES, "2020-02-20")
    first = some_rows(days=40)
    revised = first | {day: [2000, 21, 5]}
    gone = {key: values for key, values in first.items() if key != day}
    api.refresh(committer.commit("2020-03-02T17:00:00Z", first))
    api.refresh(committer.commit("2020-03-03T17:00:00Z", revised, deliveries={"nyt": FILE}))
    api.refresh(committer.commit("2020-03-04T17:00:00Z", gone))
    api.refresh(committer.commit("2020-03-05T17:00:00Z", revised))
    return api


def test_it_says_what_the_date_was_when_it_changed_by_how_much_and_by_which_run_and_file(revised: ApiApp) -> None:
    page = Page(opened(revised, "/data/2020-02-20?as_of=2020-03-03").text)
    for expected in (
        "Thursday 20 February 2020",
        "This is what was known at the end of 3 Mar 2020.",
        "Cases 2,000 first 4,350 on 2 Mar 2020 changed 1 time since, by -2,350 (-54.0 %) in all",
        "the run of 2020-03-03T17:00:00Z changed Measure Before After Difference Cases 4,350 2,000 -2,350 -54.0 %",
        "By the run of 3 Mar 2020, 17:00 UTC, which added 0, changed 1 and removed 0 days (change set).",
        "last modified Tue, 03 Mar 2020 14:00:00 GMT, SHA-256 abababababab",
        "2 Mar 2020, 17:00 UTC: first published",
    ):
        assert expected in page.words.replace("\N{MINUS SIGN}", "-")
    assert page.inline == []
    vintages = "../vintages?from=2020-02-20&to=2020-02-20"
    assert {"../?as_of=2020-03-03", "../runs/2020-03-03T17:00:00Z/changes", vintages} < set(page.links)


def test_a_date_that_went_and_came_back_has_a_chapter_for_each(revised: ApiApp) -> None:
    page = opened(revised, "/data/2020-02-20").text
    titles = [part.partition("</h3>")[0] for part in page.split("<h3>") if "2020-03" in part.partition("</h3>")[0]]
    assert [Page(title).words.strip() for title in titles] == [
        "5 Mar 2020, 17:00 UTC: first published again",
        "4 Mar 2020, 17:00 UTC: removed",
        "3 Mar 2020, 17:00 UTC",
        "2 Mar 2020, 17:00 UTC: first published",
    ]
    assert (
        "The newest run has this day no more" in Page(opened(revised, "/data/2020-02-20?as_of=2020-03-04").text).words
    )


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (FIREFOX, "text/html; charset=utf-8"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("text/*, application/json;q=0.9", "application/json"),
        ("text/html, application/json;q=0.9", "text/html; charset=utf-8"),
    ],
)
def test_people_get_the_page_and_programs_get_json(revised: ApiApp, accept: str, kind: str) -> None:
    answer = revised.get("/data/2020-02-20", headers={"Accept": accept})
    assert (answer.headers["content-type"], answer.headers["vary"]) == (kind, "Accept-Encoding, Accept")


def test_a_date_that_never_was_is_a_page_that_says_so(revised: ApiApp) -> None:
    answer = opened(revised, "/data/1999-12-31")
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "No run ever had the date 1999-12-31." in Page(answer.text).words


def test_what_a_feed_or_declaration_says_is_text_and_not_markup(revised: ApiApp, committer: Committer) -> None:
    evil = FILE | {"last_modified": "<script>alert(1)</script>"}
    rows = committer.rows | {(ONE_SERIES, "2020-02-20"): [1, 1, 1]}
    revised.refresh(committer.commit("2020-03-06T17:00:00Z", rows, deliveries={"nyt": evil}))
    assert "&lt;script&gt;alert(1)" in opened(revised, "/data/2020-02-20").text
    assert Page(opened(revised, "/data/2020-02-20").text).inline == []


def test_the_dashboard_links_every_revision_to_its_date(served: ApiApp) -> None:
    assert "data/2020-02-20" in Page(served.get("/").text).links
