"""The dashboard of a series other than the first: rendered when asked for, from the views, and kept for the next."""

import functools

from chalicelib.dashboard.views import render_dashboard
from chalicelib.routes.site import Site
from chalicelib.tabulation.histories import revisions
from chalicelib.tabulation.table_text import from_json
from chalicelib.tabulation.tabulating import Tables, tabulate_rows
from chalicelib.view_store.view_store import media_type_of
from chalicelib.web.documents import Document
from chalicelib.web.problems import ParameterInvalid
from shared.exact import Number, loads

_KEPT = 32


@functools.lru_cache(maxsize=_KEPT)
def series_view(site: Site, run_id: str, series: str, name: str) -> Document:
    """`dashboard.html` or `figures.json` of one series. Raises ParameterInvalid for a series that is not there."""
    tables = _tables(site, run_id)
    names = set(tables.data.series or ())
    if series not in names:
        raise ParameterInvalid("series", series, allowed=f"one of the {len(names)} that /data has")
    changes = revisions(loads(site.shelf.view(run_id, "history.json").plain), site.dataset)
    run = site.ledger().get(run_id)
    views = render_dashboard(run, tables, changes, dataset=site.dataset, assets=site.assets, series=series)
    return Document(media_type_of(name), plain=views[name])


@functools.lru_cache(maxsize=2)
def _tables(site: Site, run_id: str) -> Tables:
    from chalicelib.tabulation.observations import from_rows

    data = from_json(site.shelf.view(run_id, "data.json").plain, site.dataset.measure_names)
    rows: dict[str, dict[str, list[Number | None]]] = {}
    for series, date, *values in zip(data.series or (), data.dates, *data.values.values(), strict=True):
        rows.setdefault(series, {})[date] = values
    return tabulate_rows(from_rows(rows, site.dataset.decimals), site.dataset)
