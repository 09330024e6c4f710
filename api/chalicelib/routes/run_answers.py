"""What is answered from the ledger: runs, change sets, the feed of them, health."""

from collections.abc import Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

from chalicelib.routes.atom import ENTRIES, Entries, render_feed
from chalicelib.routes.change_parts import part_of
from chalicelib.routes.health import examine
from chalicelib.routes.site import Site
from chalicelib.web.documents import CURRENT, JSON, LIVE, NEVER, Document, Reply, json_document
from chalicelib.web.parameters import SINCE, Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request
from shared.changes import ChangeSet
from shared.errors import UnknownRun
from shared.runs import Run, State, just_before

PAGE_BYTES = 4_000_000
"""A page of change sets ends before it grows beyond this."""


def answer_runs(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/runs`: newest first; the next page is in the Link header."""
    upto = just_before(args["before"]) if args["before"] else "9"
    runs = list(islice(site.ledger().newest_first(upto=upto, page=args["limit"] + 1), args["limit"] + 1))
    shown = runs[: args["limit"]]
    more = f"runs?before={shown[-1].run_id}&limit={args['limit']}" if len(runs) > len(shown) else ""
    return Reply(headers=LIVE | _link(more), document=json_document(_with_notes(site, shown)))


def answer_run(site: Site, args: Arguments, _request: Request) -> Reply:
    [run] = _with_notes(site, [_run(site, args["run_id"])])
    return Reply(headers=LIVE, document=json_document(run))


def answer_run_changes(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/runs/{run_id}/changes`: of a run that changed nothing, an empty change set."""
    run = _run(site, args["run_id"])
    match run.state:
        case State.COMMITTED:
            return _part_of_changes(site, run.run_id, args)
        case State.UNCHANGED:
            empty = ChangeSet(run_id=run.run_id, base_run_id=run.base_run_id, added=[], changed=[], removed=[])
            return Reply(headers=CURRENT, document=Document(JSON, plain=empty.to_json()))
    raise ThingUnknown("run_id", run.run_id, f"run {run.run_id} is {run.state}: it has no change set")


def _part_of_changes(site: Site, run_id: str, args: Arguments) -> Reply:
    """The whole change set where it fits, else so many of its entries, and the link to those behind them."""
    body = site.shelf.change_set(run_id)
    series, skip, limit = args.get("series"), args["skip"], args["limit"]
    if series is None and not skip and limit is None and len(body) <= PAGE_BYTES:
        return Reply(headers=CURRENT, document=Document(JSON, plain=body))
    part, following = part_of(ChangeSet.from_json(body), series=series, skip=skip, limit=limit, size=PAGE_BYTES)
    kept = {"series": series, "limit": limit, "skip": following}
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in kept.items() if value is not None)
    link = _link(f"changes?{query}" if following else "")
    return Reply(headers=CURRENT | link, document=Document(JSON, plain=part.to_json()))


def answer_changes(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/changes`: change sets, oldest first; the next page is in the Link header.

    A change set that is larger than a page comes in parts, each under its run's id: `skip` says how many of its entries
    the reader has.
    """
    page: list[bytes] = []
    last, skip, following = args["since"], args["skip"], 0
    more = False
    for run in site.ledger().oldest_first(after=last):
        if len(page) == args["limit"] or sum(map(len, page)) > PAGE_BYTES:
            more = True
            break
        body = site.shelf.change_set(run.run_id)
        if skip or len(body) > PAGE_BYTES:
            part, following = part_of(ChangeSet.from_json(body), skip=skip, size=PAGE_BYTES)
            body, skip = part.to_json(), 0
        page.append(body)
        if following:
            more = True
            break
        last = run.run_id
    kept = f"&skip={following}" if following else ""
    since = f"since={last}&" if last != SINCE.default else ""
    link = _link(f"changes?{since}limit={args['limit']}{kept}" if more else "")
    plain = b"[\n" + b",\n".join(page) + b"\n]\n" if page else b"[]\n"
    return Reply(headers=LIVE | link, document=Document(JSON, plain=plain))


def answer_feed(site: Site, _args: Arguments, request: Request) -> Reply:
    """`/changes.atom`: the newest committed runs."""
    runs = list(islice(site.ledger().newest_first(state=State.COMMITTED, page=ENTRIES), ENTRIES))
    address = site.stage().address(request) + (f"{request.dataset}/" if request.dataset else "")
    of = Entries(dataset=site.dataset, address=address, runs=runs, annotations=site.ledger().annotations())
    return Reply(headers=LIVE, document=render_feed(of, stage=site.place.stage, notice=site.settings.notice))


def answer_health(site: Site, _args: Arguments, _request: Request) -> Reply:
    """`/health`: 503 when the views lag behind the head for too long, or a run of the future is the head."""
    health = examine(site)
    return Reply(
        status=503 if health["status"] in ("behind", "ahead") else 200, headers=NEVER, document=json_document(health)
    )


def run_as_map(run: Run) -> dict[str, Any]:
    """A run as readers see it: without who operated on it and what only the services need."""
    feeds = {name: vars(delivery) for name, delivery in sorted(run.deliveries.items())}
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
        "source": run.source,
    }


def _with_notes(site: Site, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The runs, and what operators wrote down about each."""
    notes = site.ledger().annotations(about=runs[0].run_id if len(runs) == 1 else "") if runs else []
    return [
        run_as_map(run)
        | {"annotations": [{"text": note.text, "time": note.time} for note in notes if note.about == run.run_id]}
        for run in runs
    ]


def _run(site: Site, run_id: str) -> Run:
    try:
        return site.ledger().get(run_id)
    except UnknownRun as error:
        raise ThingUnknown("run_id", run_id, str(error)) from error


def _link(target: str) -> dict[str, str]:
    return {"Link": f'<{target}>; rel="next"'} if target else {}
