"""What is answered from the ledger: runs, change sets, the feed of them, health."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

from chalicelib.routes.atom import ENTRIES, Entries, render_feed
from chalicelib.routes.health import examine
from chalicelib.routes.page_links import next_link
from chalicelib.routes.site import Site
from chalicelib.web.documents import JSON, LIVE, NEVER, Document, Reply, json_document
from chalicelib.web.pages import fill_page
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request
from shared.errors import UnknownRun
from shared.ledger.items import Annotation
from shared.runs import Run, State, just_before


def answer_runs(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/runs`: newest first; the next page is in the Link header."""
    upto = just_before(args["before"]) if args["before"] else "9"
    found = islice(site.ledger().newest_first(upto=upto, page=args["limit"] + 1), args["limit"] + 1)
    notes = site.ledger().annotations()
    shown, texts, more = fill_page(((run, _as_json(run, notes)) for run in found), limit=args["limit"])
    link = next_link("runs", {"before": shown[-1].run_id, "limit": args["limit"]}, safe=":") if more else {}
    return Reply(headers=LIVE | link, document=Document(JSON, plain=f"[{','.join(texts)}]\n".encode()))


def _as_json(run: Run, notes: Iterable[Annotation]) -> str:
    return json.dumps(_with_notes(run, notes), ensure_ascii=False, separators=(",", ":"))


def _with_notes(run: Run, notes: Iterable[Annotation]) -> dict[str, Any]:
    """The run, and what operators wrote down about it."""
    own = [{"text": note.text, "time": note.time} for note in notes if note.about == run.run_id]
    return run_as_map(run) | {"annotations": own}


def answer_run(site: Site, args: Arguments, _request: Request) -> Reply:
    run = find_run(site, args["run_id"])
    notes = site.ledger().annotations(about=run.run_id)
    return Reply(headers=LIVE, document=json_document(_with_notes(run, notes)))


def answer_feed(site: Site, _args: Arguments, request: Request) -> Reply:
    """`/changes.atom`: the newest committed runs."""
    runs = list(islice(site.ledger().newest_first(state=State.COMMITTED, page=ENTRIES), ENTRIES))
    of = Entries(
        dataset=site.dataset, address=site.address(request), runs=runs, annotations=site.ledger().annotations()
    )
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


def find_run(site: Site, run_id: str) -> Run:
    """Raises ThingUnknown, a 404."""
    try:
        return site.ledger().get(run_id)
    except UnknownRun as error:
        raise ThingUnknown("run_id", run_id, str(error)) from error
