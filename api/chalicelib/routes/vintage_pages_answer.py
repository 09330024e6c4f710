"""Pages about vintages: how final the values are, and two states compared."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.routes.outlook_answers import newest_in_words
from chalicelib.routes.page_frame import answer_with, frame
from chalicelib.routes.site import Site
from chalicelib.routes.vintage_answers import checked, directory_of
from chalicelib.series_store.series_index import default_series
from chalicelib.vintage_pages.triangle import triangle
from chalicelib.vintage_pages.two_states import differing, two_lines
from chalicelib.vintages.completeness import describe
from chalicelib.vintages.value_paths import value_paths
from chalicelib.vintages.version_table import known_at
from chalicelib.web.documents import Reply
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request
from shared.dataset import ONE_SERIES
from shared.exact import dumps

_LISTED = 200
"""Differing values that the page lists, the newest."""


def answer_revisions_page(site: Site, args: Arguments, request: Request) -> Reply:
    """`/revisions` for people: the triangle of one series and measure, and its completeness by lag."""
    run_id = site.view_store.current()
    series, place = checked(site, run_id, args)
    chosen = series or _series_of(site, run_id)
    measure = site.dataset.measures[place or 0]
    paths = []
    if run_id:
        directory_of(site, run_id)
        versions = site.vintages().select(run_id, series=chosen or ONE_SERIES)
        paths = value_paths(versions, site.dataset, measure, last_run=run_id)
    found, figure = describe(paths, period=site.dataset.period), triangle(paths, site.dataset.period)
    values = {
        "series": chosen,
        "measure": measure,
        "query_of": _query_of({"series": series}),
        "words": newest_in_words(site, run_id, series).get(measure.name) if run_id else None,
        "figure": dumps(figure),
        "figure_has_data": bool(figure["data"]),
        "by_lag": found.get("by_lag"),
        "horizon": found["horizon_days"],
        "settled": found["settled"],
    }
    about = "how much of each value was known after how many days."
    return answer_with("triangle.html", values | frame(site, request, title="How final", about=about, kept=args))


def answer_comparison(site: Site, args: Arguments, request: Request) -> Reply:
    """`/?as_of=&compare=`: two states in one chart, and what differs. Without `as_of` the one is today's."""
    run_id, today = site.view_store.current(), str(site.now().date())
    series, place = checked(site, run_id, args)
    if run_id is None:
        raise ThingUnknown("compare", args["compare"], "no run has brought any rows yet")
    directory_of(site, run_id)
    chosen, measure = series or _series_of(site, run_id), site.dataset.measures[place or 0]
    versions = list(site.vintages().select(run_id, series=chosen or ONE_SERIES))
    days = (args["as_of"] or today, args["compare"])
    one, other = ({date: row for (_, date), row in known_at(versions, f"{day}T23:59:59Z").items()} for day in days)
    found = list(differing(one, other, site.dataset))
    states = {days[0]: one, f"{days[1]}{' ' if days[0] == days[1] else ''}": other}
    values = {
        "one": days[0],
        "other": days[1],
        "series": chosen,
        "series_query": f"?series={quote(chosen, safe='')}" if chosen else "",
        "measure": measure,
        "query_of": _query_of({"series": series, "as_of": args["as_of"], "compare": args["compare"]}),
        "figure": dumps(two_lines(states, site.dataset, measure)),
        "different": found,
        "different_dates": len({it.date for it in found}),
        "listed": _LISTED,
    }
    about = f"what was known on {days[0]} and on {days[1]}."
    return answer_with("two_states.html", values | frame(site, request, title="Two states", about=about, kept=args))


def _series_of(site: Site, run_id: str | None) -> str:
    """The series that a page opens on; empty where there is one only."""
    if run_id is None or site.dataset.series is None:
        return ""
    from chalicelib.routes.series_answers import index_at

    return default_series(index_at(site, run_id), site.dataset.series.default)


def _query_of(kept: dict[str, str | None]) -> Callable[[str], str]:
    """From a measure's name to the query of the same page with it."""

    def query(name: str) -> str:
        values: dict[str, Any] = {key: value for key, value in (kept | {"measure": name}).items() if value}
        return urlencode(values, quote_via=quote)

    return query
