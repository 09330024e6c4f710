"""The dashboard's HTML: everything that can be said when a run commits. It reads without JavaScript.

What is only known when somebody asks (whether a newer run came to nothing, when the next is due, which date the page
is turned back to) is left open in placeholders that `chalicelib.routes.dashboard_answer` fills in.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from chalicelib.dashboard.dataset_words import definition, linked_data
from chalicelib.dashboard.figures import main_title
from chalicelib.dashboard.page_latest import stat_card
from chalicelib.dashboard.page_recent import course_summary, null_note, recent_part
from chalicelib.dashboard.page_revisions import revisions_part
from chalicelib.dashboard.page_series import SeriesRow
from chalicelib.dashboard.periods import CHOICES, WORDS
from chalicelib.dashboard.placeholders import (
    ADDRESS,
    AND_AS_OF,
    AS_OF_FIELD,
    AS_OF_VALUE,
    FRESHNESS,
    MAIL,
    NOTICE,
    QUERY_AS_OF,
    RUNS,
    VISITS,
)
from chalicelib.pages.html_pages import render_html
from chalicelib.pages.inline_parts import InlineParts
from chalicelib.pages.sparkline import sparkline
from chalicelib.tabulation.gaps import means_over_gaps
from chalicelib.tabulation.histories import Revision
from chalicelib.tabulation.statistics import Statistics
from chalicelib.tabulation.tabulating import Tables
from chalicelib.web.assets import Assets
from shared.dataset import Dataset, Period
from shared.runs import Run

PLOTLY_STYLE = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"
"""plotly.js adds a style sheet for its maps unless there is an element of this id; the policy would refuse it."""

_TABLES = ("data", "daily", "weekly", "monthly")
_PROGRAMS = (*_TABLES, "runs", "changes", "changes.atom", "health", "openapi.json", "datapackage.json")

_SPANS: Mapping[Period, Sequence[tuple[int, str]]] = {
    Period.DAY: ((30, "30 days"), (90, "90 days")),
    Period.WEEK: ((182, "26 weeks"), (364, "52 weeks")),
    Period.MONTH: ((365, "1 year"), (1826, "5 years")),
}
"""Days that the buttons beside the dates show, and what stands on them."""


def render_page(
    run: Run,
    tables: Tables,
    its: Statistics,
    changes: Sequence[Revision],
    *,
    stills: Mapping[str, Markup],
    dataset: Dataset,
    assets: Assets,
    series: str = "",
    all_series: Sequence[str] = (),
    largest: Sequence[SeriesRow] = (),
) -> str:
    """The page after a run, with the placeholders still open.

    `tables`, `changes` and `stills` are of one series. Where there are several, `series` is the one, `all_series` are
    what there is to choose from, and `largest` some of them with their newest numbers.
    """
    newest, choices = tables.data.dates[-1], CHOICES[dataset.period]
    first, own = dataset.measures[0], tables.increments()[choices[0]]
    return render_html(
        "dashboard.html",
        **_frame(dataset, assets, run_id=run.run_id, series=series),
        all_series=all_series,
        and_series=Markup("&amp;series={}").format(quote(series, safe="")) if series else "",
        newest=newest,
        stills=stills,
        main_title=main_title(dataset, choices[0]),
        dates=tables.data.dates,
        linked_data=linked_data(dataset, first=tables.data.dates[0], newest=newest, run_id=run.run_id),
        cards=[stat_card(measure, tables, its, dataset) for measure in dataset.measures],
        choices=choices,
        period_words=WORDS,
        spans=_SPANS[dataset.period],
        brush=sparkline(its.means.get(first.name) or means_over_gaps(own, first, by=choices[0])),
        course_summary=course_summary(tables, its, dataset),
        recent=[recent_part(by, tables.increments()[by], dataset, newest=newest) for by in choices],
        null_note=null_note(tables, its, dataset),
        largest=largest,
        revisions=revisions_part(run, changes, dataset),
    )


def render_empty_page(dataset: Dataset, assets: Assets) -> str:
    """The page while there is no row to show."""
    return render_html("empty.html", **_frame(dataset, assets, run_id="", series=""), all_series=())


def _frame(dataset: Dataset, assets: Assets, *, run_id: str, series: str) -> dict[str, Any]:
    """What the page around the numbers is made of."""
    return {
        "dataset": dataset,
        "assets": assets,
        "root": "",
        "run_id": run_id,
        "series": series,
        "title": dataset.title,
        "description": f"{dataset.title}: the latest numbers, their course, and which past days were revised.",
        "plotly_style": PLOTLY_STYLE,
        "inline": InlineParts(
            style=assets.style_within_a_page("page.css"), script=assets.script_within_a_page("early.js")
        ),
        "programs": _PROGRAMS,
        "definitions": [(measure, definition(measure)) for measure in dataset.measures],
        "address": ADDRESS,
        "mail": MAIL,
        "visits": VISITS,
        "and_as_of": AND_AS_OF,
        "query_as_of": QUERY_AS_OF,
        "as_of_value": AS_OF_VALUE,
        "as_of_field": AS_OF_FIELD,
        "notice": NOTICE,
        "freshness": FRESHNESS,
        "runs": RUNS,
    }
