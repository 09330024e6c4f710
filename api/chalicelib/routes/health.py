"""What /health says: whether readers are served what was committed last, and how fresh it is."""

import datetime as dt
from collections.abc import Sequence
from itertools import islice
from typing import Any

from chalicelib.routes.site import Site
from shared.ledger.items import Head
from shared.runs import Run, parse_time
from shared.schedule import next_due
from shared.succession import gave_way_out_of_turn
from shared.version import VERSION

_AHEAD = dt.timedelta(days=1)
_RUNS = 3
"""The newest of them are looked at."""


def examine(site: Site) -> dict[str, Any]:
    """`status`: `ok`, `empty` (nothing committed yet), `rendering` (views lag within bounds), `behind`, or
    `ahead`: a run that is newer than it can be keeps all others from committing."""
    ledger = site.ledger()
    head = ledger.head()
    served = site.view_store.current(fresh=True)
    runs = list(islice(ledger.newest_first(page=_RUNS), _RUNS))
    newest = runs[0] if runs else None
    states = ledger.feed_states()
    due = next_due(site.dataset.schedule or site.settings.schedule, after=parse_time(newest.run_id)) if newest else None
    return {
        "status": "ahead" if _is_ahead(site, head, runs) else judge(site, head, served),
        "head": head.head or None,
        "views": served,
        "rows": head.rows,
        "newest_date": head.newest or None,
        "last_run": {"run_id": newest.run_id, "state": newest.state, "reason": newest.reason} if newest else None,
        "next_run_due": due.strftime("%Y-%m-%dT%H:%M:%SZ") if due else None,
        "feeds": {
            name: {"last_run_id": state.last_run_id, "changed_run_id": state.changed_run_id}
            for name, state in sorted(states.items())
        },
        "notice": site.settings.notice,
        "version": VERSION,
    }


def _is_ahead(site: Site, head: Head, runs: Sequence[Run]) -> bool:
    newest = max(head.head, head.latest)
    ahead = bool(newest) and parse_time(newest) - site.now() > _AHEAD
    schedule = site.dataset.schedule or site.settings.schedule
    return ahead or any(gave_way_out_of_turn(run, schedule=schedule) for run in runs)


def judge(site: Site, head: Head, served: str | None) -> str:
    if not head.head:
        return "empty"
    if served is not None and served >= head.head:
        return "ok"
    if site.ledger().get(head.head).views == "FAILED":
        return "behind"
    committed = site.view_store.committed_at(head.head)
    late = committed is None or site.now() - committed > dt.timedelta(seconds=site.settings.lag_seconds)
    return "behind" if late else "rendering"
