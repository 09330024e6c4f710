"""What each route answers with."""

import json
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from chalicelib.documents import CSV, JSON, Document, Reply
from chalicelib.encoding import csv_header
from chalicelib.parameters import Asked
from chalicelib.problems import ThingUnknown
from chalicelib.requests import Request
from chalicelib.site import Site
from chalicelib.slicing import cut
from shared.changes import ChangeSet
from shared.errors import UnknownRun
from shared.runs import Run, State

type Answer = Callable[[Site, Asked, Request], Reply]

CURRENT = {"Cache-Control": "public, max-age=60, s-maxage=600, stale-while-revalidate=60"}
"""What changes with the next commit: a CDN is told by an invalidation, a browser asks after a minute."""
LIVE = {"Cache-Control": "public, max-age=5, s-maxage=5"}
"""What changes while a run is under way."""
NEVER = {"Cache-Control": "no-store"}

_SERVED_NAME = re.compile(r"[a-z0-9-]+\.[0-9a-f]{12}\.(js|css|svg|woff2)")

PAGE_BYTES = 4_000_000
"""A page of change sets ends before it grows beyond this."""


def answer_table(name: str, *, buckets: bool = False) -> Answer:
    """`/data`, `/daily`, `/weekly`, `/monthly`."""

    def answer(site: Site, asked: Asked, _request: Request) -> Reply:
        run_id = site.run_at(asked["as_of"])
        if run_id is None:
            document = _nothing(site, asked["format"], buckets=buckets)
        else:
            document = site.shelf.view(run_id, f"{name}.{asked['format']}")
        part = cut(document, start=asked["from"], end=asked["to"], series=asked.get("series"))
        return Reply(headers=CURRENT | _as_download(site, name, asked), document=part)

    return answer


def answer_date(site: Site, asked: Asked, _request: Request) -> Reply:
    """`/data/{date}`: one object, or a list of them where the dataset has several series."""
    run_id = site.run_at(asked["as_of"])
    history = json.loads(site.shelf.view(run_id, "history.json").plain) if run_id else {}
    rows = [_history_row(site, series, asked["date"], dates) for series, dates in history.items()]
    found = [row for row in rows if row]
    if not found:
        raise ThingUnknown("date", asked["date"], f"no run ever had the date {asked['date']}")
    return Reply(headers=CURRENT, document=_json(found if site.dataset.has_series else found[0]))


def answer_figures(site: Site, asked: Asked, _request: Request) -> Reply:
    """`/figures`: the dashboard's Plotly figures."""
    run_id = site.run_at(asked["as_of"])
    return Reply(headers=CURRENT, document=dashboard_view(site, run_id, "figures.json", asked) if run_id else _json({}))


def dashboard_view(site: Site, run_id: str, name: str, asked: Asked) -> Document:
    """A view of the dashboard: as it was rendered, or of the series that is asked for."""
    series = asked.get("series")
    if series is None:
        return site.shelf.view(run_id, name)
    from chalicelib.series_pages import series_view  # deferred: most datasets have one series

    return series_view(site, run_id, series, name)


def answer_runs(site: Site, asked: Asked, _request: Request) -> Reply:
    """`/runs`: newest first; the next page is in the Link header."""
    upto = just_before(asked["before"]) if asked["before"] else "9"
    runs = list(islice(site.ledger().newest_first(upto=upto, page=asked["limit"] + 1), asked["limit"] + 1))
    shown = runs[: asked["limit"]]
    more = f"runs?before={shown[-1].run_id}&limit={asked['limit']}" if len(runs) > len(shown) else ""
    return Reply(headers=LIVE | _link(more), document=_json([run_as_map(run) for run in shown]))


def answer_run(site: Site, asked: Asked, _request: Request) -> Reply:
    return Reply(headers=LIVE, document=_json(run_as_map(_run(site, asked["run_id"]))))


def answer_run_changes(site: Site, asked: Asked, _request: Request) -> Reply:
    """`/runs/{run_id}/changes`: of a run that changed nothing, an empty change set."""
    run = _run(site, asked["run_id"])
    match run.state:
        case State.COMMITTED:
            return Reply(headers=CURRENT, document=Document(JSON, plain=site.shelf.change_set(run.run_id)))
        case State.UNCHANGED:
            empty = ChangeSet(run_id=run.run_id, base_run_id=run.base_run_id, added=[], changed=[], removed=[])
            return Reply(headers=CURRENT, document=Document(JSON, plain=empty.to_json()))
    raise ThingUnknown("run_id", run.run_id, f"run {run.run_id} is {run.state}: it has no change set")


def answer_changes(site: Site, asked: Asked, _request: Request) -> Reply:
    """`/changes`: change sets, oldest first; the next page is in the Link header."""
    page: list[bytes] = []
    last, more = asked["since"], False
    for run in site.ledger().oldest_first(after=last):
        if len(page) == asked["limit"] or sum(map(len, page)) > PAGE_BYTES:
            more = True
            break
        page.append(site.shelf.change_set(run.run_id))
        last = run.run_id
    link = _link(f"changes?since={last}&limit={asked['limit']}" if more else "")
    body = b"[\n" + b",\n".join(page) + b"\n]\n" if page else b"[]\n"
    return Reply(headers=LIVE | link, document=Document(JSON, plain=body))


def answer_feed(site: Site, _asked: Asked, _request: Request) -> Reply:
    """`/changes.atom`: the newest committed runs."""
    from chalicelib.atom import ENTRIES, render_feed  # deferred: nobody else needs its imports

    runs = list(islice(site.ledger().newest_first(state=State.COMMITTED, page=ENTRIES), ENTRIES))
    return Reply(headers=LIVE, document=render_feed(runs, dataset=site.dataset, stage=site.place.stage))


def answer_health(site: Site, _asked: Asked, _request: Request) -> Reply:
    """`/health`: 503 when the views lag behind the head for too long."""
    from chalicelib.health import examine  # deferred: no other route needs it

    health = examine(site)
    return Reply(status=200 if health["status"] != "behind" else 503, headers=NEVER, document=_json(health))


def answer_asset(site: Site, asked: Asked, _request: Request) -> Reply:
    """`/static/{name}`: the name carries the hash, so it may be kept for ever."""
    asset = site.assets.find(asked["name"])
    if asset is None and _SERVED_NAME.fullmatch(asked["name"]):
        asset = site.shelf.asset(asked["name"])
    if asset is None:
        raise ThingUnknown("name", asked["name"], "there is no such file")
    return Reply(headers={"Cache-Control": "public, max-age=31536000, immutable"}, document=asset)


def run_as_map(run: Run) -> dict[str, Any]:
    """A run as readers see it: without who operated on it and what only the services need."""
    feeds = {name: vars(said) for name, said in sorted(run.deliveries.items())}
    return {
        "run_id": run.run_id,
        "state": run.state,
        "reason": run.reason,
        "base_run_id": run.base_run_id,
        "added": run.added,
        "changed": run.changed,
        "removed": run.removed,
        "known_from": run.known_from or run.run_id,
        "arrived": sorted(run.arrived),
        "feeds": feeds,
        "attempts": run.attempts,
        "warnings": list(run.summary.get("warnings", [])),
        "approved_at": run.approved_at,
        "redriven_at": run.redriven_at,
        "mail": run.mail,
        "views": run.views,
    }


def just_before(run_id: str) -> str:
    """The greatest text that sorts before a run id, for queries that include their bound."""
    return run_id[:-1] + "Y~"


def _run(site: Site, run_id: str) -> Run:
    try:
        return site.ledger().get(run_id)
    except UnknownRun as error:
        raise ThingUnknown("run_id", run_id, str(error)) from error


def _history_row(site: Site, series: str, date: str, dates: Mapping[str, Any]) -> dict[str, Any] | None:
    names = site.dataset.measure_names
    entries = dates.get(date)
    if not entries:
        return None

    def values(entry: Mapping[str, Any]) -> dict[str, int | None]:
        return dict(zip(names, entry["values"] or [None] * len(names), strict=True))

    def change(n: int) -> str:
        if entries[n]["values"] is None:
            return "removed"
        return "added" if n == 0 or entries[n - 1]["values"] is None else "changed"

    told = [
        {"run_id": entry["run_id"], "known_from": entry["at"], "change": change(n)} | values(entry)
        for n, entry in enumerate(entries)
    ]
    head = {"date": date} | ({"series": series} if site.dataset.has_series else {})
    return head | values(entries[-1]) | {"present": entries[-1]["values"] is not None, "history": told}


def _nothing(site: Site, form: str, *, buckets: bool) -> Document:
    if form == "json":
        return Document(JSON, plain=b"[]\n")
    header = csv_header(site.dataset.measure_names, series=site.dataset.has_series, buckets=buckets)
    return Document(CSV, plain=(",".join(header) + "\n").encode())


def _as_download(site: Site, name: str, asked: Asked) -> dict[str, str]:
    if asked["format"] != "csv":
        return {}
    stem = "-".join([site.dataset.name, name, *(f"as-of-{day}" for day in [asked["as_of"]] if day)])
    return {"Content-Disposition": f'attachment; filename="{stem}.csv"'}


def _link(target: str) -> dict[str, str]:
    return {"Link": f'<{target}>; rel="next"'} if target else {}


def _json(value: Any) -> Document:
    return Document(JSON, plain=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
