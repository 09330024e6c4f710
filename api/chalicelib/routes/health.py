"""What /health says: whether readers are served what was committed last, and how fresh it is."""

import datetime as dt
from itertools import islice
from typing import Any

from chalicelib.routes.schedule import next_due
from chalicelib.routes.site import Site
from shared.ledger.items import Head
from shared.runs import parse_time


def examine(site: Site) -> dict[str, Any]:
    """`status`: `ok`, `empty` (nothing committed yet), `rendering` (views lag within bounds) or `behind`."""
    ledger = site.ledger()
    head = ledger.head()
    served = site.shelf.current(fresh=True)
    newest = next(iter(islice(ledger.newest_first(page=1), 1)), None)
    states = ledger.feed_states()
    due = next_due(site.settings.schedule, after=parse_time(newest.run_id)) if newest else None
    return {
        "status": judge(site, head, served),
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
    }


def judge(site: Site, head: Head, served: str | None) -> str:
    if not head.head:
        return "empty"
    if served is not None and served >= head.head:
        return "ok"
    if site.ledger().get(head.head).views == "FAILED":
        return "behind"
    committed = site.shelf.committed_at(head.head)
    late = committed is None or site.now() - committed > dt.timedelta(seconds=site.settings.lag_seconds)
    return "behind" if late else "rendering"
