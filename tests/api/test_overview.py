"""The overview of several datasets: what it says of the numbers that it shows."""

import datetime as dt

import pytest
from markupsafe import Markup

from chalicelib.overview.dataset_cards import Card
from chalicelib.overview.overview_page import render_overview
from chalicelib.web.assets import Assets
from shared.ledger.items import Head
from shared.runs import Run, State
from shared.summary import Summary
from tests.api.test_page import Page
from tests.shared.apps import ROOT
from tests.shared.declared import US_COVID

NOW = dt.datetime(2020, 10, 25, 18, tzinfo=dt.UTC)
ASSETS = Assets(ROOT / "api" / "chalicelib" / "static")


def words(series: str | None) -> str:
    latest = {"date": "2020-10-24", "cases": 600, "deaths": None, "recoveries": None}
    summary = Summary(
        latest=latest | ({"series": series} if series else {}),
        latest_increments={"cases": 6},
        latest_days={"cases": 1},
        rows=1,
        first_load=False,
        added=[],
        changed=[],
        removed=[],
        warnings=[],
        recovered=[],
    )
    run = Run(run_id="2020-10-25T17:00:00Z", state=State.COMMITTED, summary=summary.as_map())
    card = Card(dataset=US_COVID, head=Head(head=run.run_id), committed=run, newest=run, due=None)
    none = Markup()
    return Page(
        render_overview([(card, {"cases": [5, 6]})], assets=ASSETS, notice="", now=NOW, mail=none, visits=none)
    ).words


@pytest.mark.parametrize(
    ("series", "heading"),
    [
        ("2 of 3 series", "Sum of 2 of 3 series, Saturday 24 October 2020"),
        ("New York", "New York, Saturday 24 October 2020"),
        (None, f"{US_COVID.title} Saturday 24 October 2020"),
    ],
)
def test_the_heading_says_what_the_numbers_are_of(series: str | None, heading: str) -> None:
    assert heading in words(series)
