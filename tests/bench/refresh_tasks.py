"""The contenders of the refresh benchmarks: a commit to a dataset of some series, rendered and written.

Objects go to a dictionary: what is timed is the work, and how many objects are written is counted.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from chalicelib.refresh.series_views import SeriesViews
from chalicelib.web.assets import Assets
from shared.changes import ChangeSet
from shared.datasets import find_dataset
from shared.ledger import Ledger
from shared.runs import Run, State

_FIRST, _DATES = dt.date(2022, 1, 1), 400
_BASE, _NEXT = "2023-02-05T17:00:00Z", "2023-02-06T17:00:00Z"
_API = Path(__file__).resolve().parents[2] / "api"


def refresh(series: str, changed: str) -> Callable[[], int]:
    """A commit that adds a date to some of the series; how many objects it writes."""
    names = [f"County {n:04}, State {n % 50:02}" for n in range(int(series))]
    dates = [(_FIRST + dt.timedelta(days=n)).isoformat() for n in range(_DATES + 1)]
    loads = {
        _BASE: [_row(name, n, date, day) for day, date in enumerate(dates[:-1]) for n, name in enumerate(names)],
        _NEXT: [_row(name, n, dates[-1], _DATES) for n, name in enumerate(names[: int(changed)])],
    }
    objects: dict[str, bytes] = {}
    written: list[str] = []

    def store(key: str, body: bytes, _media_type: str) -> None:
        objects[key] = body
        written.append(key)

    views = SeriesViews(
        find_dataset("us-states"),
        assets=Assets(_API / "chalicelib" / "static"),
        ledger=Ledger(None, table="", dataset="us-states"),
        find=objects.get,
        store=store,
        change_set=lambda run: ChangeSet(
            run_id=run.run_id, base_run_id=run.base_run_id, added=loads[run.run_id], changed=[], removed=[]
        ),
    )
    views.render(Run(run_id=_BASE, state=State.COMMITTED), None)
    loads[_BASE] = []
    committed = Run(run_id=_NEXT, state=State.COMMITTED, base_run_id=_BASE, added=int(changed))

    def run() -> int:
        written.clear()
        views.render(committed, _BASE)
        return len(written)

    return run


def _row(name: str, n: int, date: str, day: int) -> dict[str, object]:
    return {"series": name, "date": date, "cases": n * 7 + day * (n % 90) + day, "deaths": day * n // 400}
