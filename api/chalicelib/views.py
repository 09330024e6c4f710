"""All views of a run, as bytes by name: what the API serves, rendered once."""

import json

from chalicelib.assets import Assets
from chalicelib.encoding import to_csv, to_json
from chalicelib.figures import dashboard_figures
from chalicelib.histories import History, revisions
from chalicelib.page import render_page
from chalicelib.tabulating import tabulate
from shared.dataset import Dataset
from shared.runs import Run

TABLES = ("data", "daily", "weekly", "monthly")


def render_views(run: Run, *, snapshot: bytes, history: History, dataset: Dataset, assets: Assets) -> dict[str, bytes]:
    """View name -> bytes; the same arguments give the same bytes."""
    tables = tabulate(snapshot, dataset)
    changes = revisions(history, dataset)
    views = {f"{name}.json": to_json(table) for name, table in tables.items().items()}
    views |= {f"{name}.csv": to_csv(table) for name, table in tables.items().items()}
    shown = tables.only(min(tables.data.series)) if tables.data.series else tables
    figures = dashboard_figures(shown, changes, dataset)
    views["figures.json"] = json.dumps(figures, separators=(",", ":"), ensure_ascii=False).encode()
    views["dashboard.html"] = render_page(run, shown, changes, dataset=dataset, assets=assets).encode()
    return views
