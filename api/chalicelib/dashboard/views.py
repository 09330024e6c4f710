"""All views of a run, as bytes by name: what the API serves, rendered once."""

import json
from typing import Any

from chalicelib.dashboard.figures import dashboard_figures
from chalicelib.dashboard.page import render_empty_page, render_page
from chalicelib.tabulation.histories import History, Revision, revisions
from chalicelib.tabulation.statistics import statistics
from chalicelib.tabulation.table_text import to_csv, to_json
from chalicelib.tabulation.tabulating import Tables, tabulate
from chalicelib.tabulation.trend import TREND, render_trend
from chalicelib.web.assets import Assets
from shared.dataset import Dataset
from shared.exact import dumps
from shared.runs import Run


def render_views(run: Run, *, snapshot: bytes, history: History, dataset: Dataset, assets: Assets) -> dict[str, bytes]:
    """View name -> bytes; the same arguments give the same bytes.

    Where there are several series the dashboard is that of the first; the others are rendered when asked for
    (`chalicelib.routes.series_pages`), as there may be thousands.
    """
    tables = tabulate(snapshot, dataset)
    views = {f"{name}.json": to_json(table) for name, table in tables.items().items()}
    views[TREND] = render_trend(tables, dataset)
    views |= {f"{name}.csv": to_csv(table) for name, table in tables.items().items()}
    views["days.json"] = _compact({name: table.days for name, table in tables.increments().items()})
    return views | render_dashboard(run, tables, revisions(history, dataset), dataset=dataset, assets=assets)


def render_dashboard(
    run: Run, tables: Tables, changes: list[Revision], *, dataset: Dataset, assets: Assets, series: str = ""
) -> dict[str, bytes]:
    """`dashboard.html` and `figures.json` of one series: the first where none is said."""
    if not tables.data.dates:
        return {"figures.json": b"{}", "dashboard.html": render_empty_page(dataset, assets).encode()}
    names = sorted(set(tables.data.series or ()))
    chosen = series or (names[0] if names else "")
    shown = tables.only(chosen) if chosen else tables
    revised = [change for change in changes if not chosen or change.series == chosen]
    its = statistics(shown, dataset)
    figures = dashboard_figures(shown, its, revised, dataset)
    page = render_page(run, shown, its, revised, dataset=dataset, assets=assets, series=chosen, all_series=names)
    return {
        "figures.json": dumps(figures).encode(),
        "dashboard.html": page.encode(),
    }


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
