"""The dashboard's HTML: everything that can be said when a run commits. It reads without JavaScript.

What is only known when somebody asks (whether a newer run came to nothing, when the next is due, which date the page
is turned back to) is left open in marks that `chalicelib.routes.dashboard_answer` fills in.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from string import Template
from urllib.parse import quote

from chalicelib.dashboard.formatting import date, text
from chalicelib.dashboard.page_latest import stat_card
from chalicelib.dashboard.page_recent import course_summary, null_note, recent_article
from chalicelib.dashboard.page_revisions import revisions_panel
from chalicelib.dashboard.page_series import SeriesRow, series_section
from chalicelib.dashboard.periods import CHOICES, WORDS
from chalicelib.dashboard.placeholders import AND_AS_OF, AS_OF_FIELD, AS_OF_VALUE, FRESHNESS, NOTICE, QUERY_AS_OF, RUNS
from chalicelib.dashboard.sparkline import sparkline
from chalicelib.tabulation.histories import Revision
from chalicelib.tabulation.spans import By
from chalicelib.tabulation.statistics import Statistics
from chalicelib.tabulation.tabulating import Tables
from chalicelib.web.assets import Assets
from shared.dataset import Dataset, Measure, Period
from shared.runs import Run

PLOTLY_STYLE = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"
"""plotly.js adds a style sheet for its maps unless there is an element of this id; the policy would refuse it."""

_API = ("data", "daily", "weekly", "monthly", "runs", "changes", "changes.atom", "health", "openapi.json")


def render_page(
    run: Run,
    tables: Tables,
    its: Statistics,
    changes: Sequence[Revision],
    *,
    dataset: Dataset,
    assets: Assets,
    series: str = "",
    all_series: Sequence[str] = (),
    largest: Sequence[SeriesRow] = (),
) -> str:
    """The page after a run, with the marks still open.

    `tables` and `changes` are of one series. Where there are several, `series` is the one, and `all_series` are what
    there is to choose from,
    and `largest` some of them with their newest numbers.
    """
    query = f"&amp;series={quote(series, safe='')}" if series else ""
    body = _template("page_body.html").substitute(
        show_choice="" if dataset.totals else "hidden",
        by_switches="\n      ".join(_by_switch(n, by) for n, by in enumerate(CHOICES[dataset.period])),
        panels=len(dataset.measures),
        own=CHOICES[dataset.period][0],
        spans="\n      ".join(_span_button(days, dataset.period) for days in _SPANS[dataset.period]),
        measure_switches="\n      ".join(_switch(n, measure) for n, measure in enumerate(dataset.measures)),
        brush=sparkline(its.means.get(dataset.measure_names[0]) or tables.daily.values[dataset.measure_names[0]]),
        last_index=len(tables.data.dates) - 1,
        first_date=tables.data.dates[0],
        last_date=tables.data.dates[-1],
        course_summary=course_summary(tables, its, dataset),
        query=query + AND_AS_OF,
        recent="\n".join(
            recent_article(by, tables.increments()[by], dataset, newest=tables.data.dates[-1], query=query)
            for by in CHOICES[dataset.period]
        ),
        series_section=series_section(dataset, largest, total=len(all_series)),
        null_note=null_note(tables, its, dataset),
        revisions=revisions_panel(run, changes, dataset),
        runs=RUNS,
    )
    newest = tables.data.dates[-1]
    latest = date(newest, style="month-long" if dataset.period is Period.MONTH else "long")
    latest = f"{'w' if series else 'W'}eek to {latest}" if dataset.period is Period.WEEK else latest
    return frame(
        dataset,
        assets,
        run_id=run.run_id,
        latest_heading=f"{text(series)}, {latest}" if series else latest,
        stats="\n".join(stat_card(n, measure, tables, its, dataset) for n, measure in enumerate(dataset.measures)),
        body=body,
        series=series,
        chooser=_chooser(dataset, series, all_series) if series else "",
    )


def frame(
    dataset: Dataset,
    assets: Assets,
    *,
    run_id: str,
    latest_heading: str,
    stats: str,
    body: str,
    series: str = "",
    chooser: str = "",
) -> str:
    """The page around what there is to show."""
    return _template("page.html").substitute(
        title=text(dataset.title),
        description=text(f"{dataset.title}: the latest numbers, their course, and which past days were revised."),
        icon=assets.name("icon.svg"),
        style=assets.name("page.css"),
        plotly_style=PLOTLY_STYLE,
        early_script=assets.name("early.js"),
        script=assets.name("page.js"),
        series_script=f'<script src="static/{assets.name("series.js")}" defer></script>\n' if series else "",
        plotly=assets.name("plotly-basic.min.js"),
        run_id=run_id,
        series=text(series),
        figures=f"figures?series={quote(series, safe='')}{AND_AS_OF}" if series else f"figures{QUERY_AS_OF}",
        chooser=chooser,
        kept=f'<input type="hidden" name="series" value="{text(series)}">' if series else "",
        as_of_value=AS_OF_VALUE,
        notice=NOTICE,
        latest_heading=latest_heading,
        stats=stats,
        freshness=FRESHNESS,
        body=body,
        credits="".join(f"<li>{text(credit)}</li>" for credit in dataset.credits),
        api_links=", ".join(f'<a href="{path}">/{path}</a>' for path in _API) + ".",
    )


def render_empty_page(dataset: Dataset, assets: Assets) -> str:
    """The page while there is no row to show."""
    body = f'<section aria-labelledby="runs"><h2 id="runs">Runs</h2>{RUNS}</section>'
    stats = "<p>No run has brought any rows yet. Until one does there is nothing to show.</p>"
    return frame(dataset, assets, run_id="", latest_heading="No data yet", stats=stats, body=body)


_SPANS = {Period.DAY: (30, 90), Period.WEEK: (182, 364), Period.MONTH: (365, 1826)}
"""Days that the buttons beside the dates show."""


def _span_button(days: int, period: Period) -> str:
    words = {Period.DAY: f"{days} days", Period.WEEK: f"{days // 7} weeks", Period.MONTH: f"{days // 365} years"}
    title = words[period].replace("1 years", "1 year")
    return f'<button type="button" data-days="{days}">{title}</button>'


def _by_switch(n: int, by: By) -> str:
    box = f'<input type="radio" name="by" value="{by}"{"" if n else " checked"}>'
    return f"<label>{box}<span>{WORDS[by].noun.capitalize()}</span></label>"


def _switch(n: int, measure: Measure) -> str:
    box = f'<input type="checkbox" name="measure" value="{text(measure.name)}" data-index="{n}" checked>'
    return f'<label class="m{n % 6}">{box}<span>{text(measure.label)}</span></label>'


def _chooser(dataset: Dataset, series: str, all_series: Sequence[str]) -> str:
    options = "".join(f"<option{' selected' if name == series else ''}>{text(name)}</option>" for name in all_series)
    return f"""<form class="known" action="." method="get">{AS_OF_FIELD}
      <label for="series">{text(dataset.series.label if dataset.series else "")}</label>
      <select id="series" name="series">{options}</select>
      <button type="submit">Show</button>
    </form>"""


@functools.cache
def _template(name: str) -> Template:
    return Template((Path(__file__).parent / name).read_text(encoding="utf-8"))
