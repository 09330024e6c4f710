"""All views of a run, as bytes by name: what the API serves, rendered once."""

import json
from collections.abc import Sequence
from typing import Any

from chalicelib.dashboard.figures import dashboard_figures
from chalicelib.dashboard.page import render_empty_page, render_page
from chalicelib.dashboard.page_series import SeriesRow
from chalicelib.dashboard.page_stills import page_stills
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
    """View name -> bytes, of a dataset with one series; the same arguments give the same bytes."""
    tables = tabulate(snapshot, dataset)
    views = {f"{name}.json": to_json(table) for name, table in tables.items().items()}
    views[TREND] = render_trend(tables, dataset)
    views |= {f"{name}.csv": to_csv(table) for name, table in tables.items().items()}
    views["days.json"] = _compact({name: table.days for name, table in tables.increments().items()})
    return views | render_dashboard(run, tables, revisions(history, dataset), dataset=dataset, assets=assets)


def render_dashboard(
    run: Run,
    tables: Tables,
    changes: Sequence[Revision],
    *,
    dataset: Dataset,
    assets: Assets,
    series: str = "",
    all_series: Sequence[str] = (),
    largest: Sequence[SeriesRow] = (),
) -> dict[str, bytes]:
    """`dashboard.html` and `figures.json` of one series, of which the tables and changes are."""
    if not tables.data.dates:
        return {"figures.json": b"{}", "dashboard.html": render_empty_page(dataset, assets).encode()}
    its = statistics(tables, dataset)
    figures = dashboard_figures(tables, its, changes, dataset)
    several: dict[str, Any] = {"series": series, "all_series": all_series, "largest": largest}
    stills = page_stills(figures, dataset)
    page = render_page(run, tables, its, changes, stills=stills, dataset=dataset, assets=assets, **several)
    return {
        "figures.json": dumps(figures).encode(),
        "dashboard.html": page.encode(),
    }


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
