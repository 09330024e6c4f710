"""What operators write down: at the run, on the page of the date, on the dashboard, in Atom."""

import pytest

from shared.ledger import Ledger
from shared.ledger.items import Annotation
from tests.api.serving import ApiApp
from tests.api.test_page import Page, page_of
from tests.shared.in_memory import RUNS_TABLE, Cloud

RUN, LATER = "2020-03-03T17:00:00Z", "2020-03-05T09:00:00Z"


@pytest.fixture
def annotated(served: ApiApp, cloud: Cloud) -> ApiApp:
    ledger = Ledger(cloud.dynamodb, table=RUNS_TABLE, dataset="us-covid")
    for about, text in ((RUN, "a county was <counted> twice"), ("2020-02-20", "the source was mended")):
        ledger.annotate(Annotation(about=about, text=text, time=LATER, by="arn:aws:iam::123456789012:user/ada"))
    return served


def test_a_run_bears_its_notes_without_who_wrote_them(annotated: ApiApp) -> None:
    note = {"text": "a county was <counted> twice", "time": LATER}
    assert annotated.get(f"/runs/{RUN}").json["annotations"] == [note]
    assert [run["annotations"] for run in annotated.get("/runs").json] == [[], [note], []]
    assert "ada" not in annotated.get("/runs").text


def test_the_page_of_a_date_has_the_notes_about_it_and_about_its_runs(annotated: ApiApp) -> None:
    words = Page(annotated.get("/data/2020-02-20", headers={"Accept": "text/html"}).text).words
    assert "When it changed, and why the source was mended" in words
    assert "a county was <counted> twice By the run of 3 Mar 2020, 17:00 UTC" in words


def test_the_dashboard_lists_them_and_says_where_the_chart_has_its_lines(annotated: ApiApp) -> None:
    page = annotated.get("/").text
    assert "3 Mar 2020: a county was <counted> twice 20 Feb 2020: the source was mended" in page_of(annotated).words
    assert ('data-note="2020-03-03"' in page, 'data-note="2020-02-20"' in page) == (True, True)
    assert "the source was mended" not in annotated.get("/?as_of=2020-03-04").text


def test_an_entry_of_the_feed_has_its_runs_note_and_is_updated_by_it(annotated: ApiApp) -> None:
    feed = annotated.get("/changes.atom").text
    assert "A county was &amp;lt;counted&amp;gt; twice." in feed
    assert feed.count(f"<updated>{LATER}</updated>") == 2
