"""The dashboard of a series other than the first: rendered when asked for, from the views, and kept for the next."""

import functools

from chalicelib.dashboard.views import render_dashboard
from chalicelib.routes.series_answers import index_at, series_document
from chalicelib.routes.site import Site
from chalicelib.series_store.series_documents import HISTORY, tabulate_series
from chalicelib.series_store.series_page_rows import largest_rows
from chalicelib.tabulation.histories import revisions
from chalicelib.view_store.bundles import media_type_of
from chalicelib.web.documents import Document
from shared.exact import loads

_KEPT = 32


@functools.lru_cache(maxsize=_KEPT)
def series_view(site: Site, run_id: str, series: str, name: str) -> Document:
    """`dashboard.html` or `figures.json` of one series. Raises ThingUnknown for a series that is not there."""
    dates = loads(series_document(site, run_id, series, HISTORY).plain)
    tables = tabulate_series(series, dates, site.dataset).only(series)
    index = index_at(site, run_id)
    views = render_dashboard(
        site.ledger().get(run_id),
        tables,
        revisions({series: dates}, site.dataset),
        dataset=site.dataset,
        assets=site.assets,
        series=series,
        all_series=index.present,
        largest=largest_rows(index),
    )
    return Document(media_type_of(name), plain=views[name])
