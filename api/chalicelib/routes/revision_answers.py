"""`/revisions`: how final the values are, worked out from the table of vintages when it is asked for, and kept."""

import functools
from typing import Any

from chalicelib.routes.answered_state import state_headers
from chalicelib.routes.site import Site
from chalicelib.routes.vintage_answers import checked, directory_of
from chalicelib.vintages.completeness import describe
from chalicelib.vintages.newest_outlook import newest
from chalicelib.vintages.value_paths import value_paths
from chalicelib.vintages.version_table import Version
from chalicelib.web.documents import BY_ACCEPT, CURRENT, Document, Reply, json_document
from chalicelib.web.parameters import Arguments
from chalicelib.web.requests import Request
from shared.dataset import Measure

MOST = 400_000
"""Versions that are looked at where no series is named: the series in order of their names, as far as that goes."""


def answer_revisions(site: Site, args: Arguments, request: Request) -> Reply:
    """An entry a measure; of one series, or of all that are no totals together. For people a page."""
    if request.wants_page:
        from chalicelib.routes.vintage_pages_answer import answer_revisions_page  # deferred: programs need none of it

        return answer_revisions_page(site, args, request)
    run_id = site.view_store.current()
    series, measure = checked(site, run_id, args)
    document = _described(site, run_id, series, measure) if run_id else json_document([])
    return Reply(headers=CURRENT | BY_ACCEPT | state_headers(run_id, args), document=document)


@functools.lru_cache(maxsize=64)
def _described(site: Site, run_id: str, series: str | None, measure: int | None) -> Document:
    directory_of(site, run_id)
    versions = _versions(site, run_id, series)
    chosen = site.dataset.measures if measure is None else site.dataset.measures[measure : measure + 1]
    return json_document([_entry(site, versions, it, run_id, series) for it in chosen])


def _versions(site: Site, run_id: str, series: str | None) -> list[Version]:
    found = list[Version]()
    for version in site.vintages().select(run_id, series=series):
        if len(found) >= MOST and version.series != found[-1].series:
            break
        if series is not None or not site.dataset.is_total(version.series):
            found.append(version)
    return found


def _entry(site: Site, versions: list[Version], measure: Measure, run_id: str, series: str | None) -> dict[str, Any]:
    paths = value_paths(versions, site.dataset, measure, last_run=run_id)
    of_one = series is not None or not site.dataset.has_series
    return {
        **({"series": series} if site.dataset.has_series else {}),
        "measure": measure.name,
        "values": "increments" if measure.cumulative else "as published",
        **describe(paths, period=site.dataset.period),
        "newest": newest(paths, site.dataset.period) if of_one else None,
    }
