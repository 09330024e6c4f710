"""Runs that show everything the dashboard has to show, on the api without a cloud.

python -m tests.browser.sample      serves them until it is stopped, and prints the dashboard's address
"""

import contextlib
import datetime as dt
import math
import os
import sys
import threading
from collections.abc import Sequence

from shared.dataset import ONE_SERIES
from tests.api.committing import Committer, Key
from tests.api.edge import Front
from tests.api.serving import ENVIRONMENT, ApiApp, serve_http
from tests.shared.apps import load_app
from tests.shared.declared import US_COVID
from tests.shared.in_memory import cloud_in_memory

FIRST, DAYS = dt.date(2020, 1, 22), 300
STOPPED = "2020-11-08"
"""The last date with recoveries."""


def rows_until(last: dt.date) -> dict[Key, Sequence[int | None]]:
    """Two waves with a weekly rhythm, all from arithmetic."""
    rows: dict[Key, Sequence[int | None]] = {}
    cases = deaths = recoveries = 0.0
    for n in range((last - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=n)
        wave = 30 + 32_000 * math.exp(-(((n - 95) / 40) ** 2)) + 90_000 * math.exp(-(((n - 310) / 70) ** 2))
        today = wave * (0.7 if day.weekday() >= 5 else 1.1)
        cases, deaths, recoveries = cases + today, deaths + today * 0.02, recoveries + today * 0.4
        known = round(recoveries) if day.isoformat() <= STOPPED else None
        rows[ONE_SERIES, day.isoformat()] = [round(cases), round(deaths), known]
    return rows


def commit_sample(api: ApiApp, committer: Committer) -> None:
    """A fortnight of runs: a first load, revisions up and down, nothing new, a rejected and a late one."""
    last = FIRST + dt.timedelta(days=DAYS)
    revised: dict[Key, Sequence[int | None]] = {}
    for back in range(14, -1, -1):
        day = last - dt.timedelta(days=back)
        run_id = f"{day + dt.timedelta(days=1)}T17:00:00Z"
        if back == 6:
            committer.end(run_id, "REJECTED", reason="feed nyt, line 7, column cases: '12x' is not allowed")
            continue
        if back == 4:
            committer.end(run_id, "INCOMPLETE", reason="feed jhu had not arrived by 23:00 UTC")
            continue
        if back == 3:
            committer.commit(run_id, committer.rows)
            continue
        rows = rows_until(day)
        if back % 5 == 0:
            for n in range(2, 12):
                key = (ONE_SERIES, (day - dt.timedelta(days=n)).isoformat())
                cases, deaths, recoveries = rows[key]
                revised[key] = [(cases or 0) + 40 * n * (back + 3), (deaths or 0) - n, recoveries]
        api.refresh(committer.commit(run_id, rows | revised))


def main() -> None:
    """`--through-cloudfront` puts the stand-in for it before the api."""
    with cloud_in_memory() as cloud:
        os.environ.update(ENVIRONMENT)
        api = ApiApp(module=load_app("api"))
        commit_sample(api, Committer(cloud=cloud, dataset=US_COVID))
        with serve_http(Front(api) if "--through-cloudfront" in sys.argv else api) as url:
            print(url, flush=True)
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # a line for each request
                threading.Event().wait()


if __name__ == "__main__":
    main()
