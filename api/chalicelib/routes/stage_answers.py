"""What a stage answers as a whole: the overview, `/datasets`, the feed of all and the health of all."""

from itertools import islice
from typing import Any

from markupsafe import Markup

from chalicelib.overview.dataset_cards import Card, as_map
from chalicelib.overview.overview_page import render_overview
from chalicelib.pages.mail_form import mail_section
from chalicelib.routes.atom import ENTRIES, Entries, render_feed_of_all
from chalicelib.routes.dashboard_answer import HEADERS, VISITS_SHOWN
from chalicelib.routes.health import examine
from chalicelib.routes.site import Site
from chalicelib.tabulation.trend import TREND, read_trend
from chalicelib.web.documents import CURRENT, HTML, JSON, LIVE, NEVER, Document, Reply, json_document
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ViewsMissing
from chalicelib.web.requests import Request
from shared.errors import UnknownRun
from shared.exact import dumps
from shared.ledger.items import Head
from shared.runs import Run, State, parse_time
from shared.schedule import next_due

_WORST_LAST = ("ok", "empty", "rendering", "ahead", "behind")


def answer_overview(site: Site, args: Arguments, request: Request) -> Reply:
    """`/` of several datasets. An address of the dashboard, from when there was one dataset, is sent on to it."""
    if not request.stage_path.endswith("/"):
        return Reply(status=308, headers={"Location": f"./{request.stage_path.rpartition('/')[2]}/"})
    given = {name: args.get(name) for name in ("as_of", "series") if args.get(name) is not None}
    if given:
        from urllib.parse import urlencode  # deferred: few have such an address

        query = urlencode(given)
        return Reply(status=307, headers={"Location": f"./{site.dataset.name}/?{query}"})
    sites = site.stage()
    shown = [(find_card(one), _trend(one)) for one in sites]
    page = render_overview(
        shown,
        assets=site.assets,
        notice=sites.settings.notice,
        now=site.now(),
        mail=mail_section(several=True) if site.subscriptions else Markup(),
        visits=VISITS_SHOWN if site.visits else Markup(),
    )
    return Reply(headers=HEADERS, document=Document(HTML, plain=page.encode()))


def answer_datasets(site: Site, _args: Arguments, _request: Request) -> Reply:
    """`/datasets`."""
    body = dumps([as_map(find_card(one)) for one in site.stage()])
    return Reply(headers=CURRENT, document=Document(JSON, plain=body.encode() + b"\n"))


def answer_feed_of_all(site: Site, _args: Arguments, request: Request) -> Reply:
    """`/changes.atom` of several datasets: their newest committed runs, the newest first."""
    sites = site.stage()
    base = sites.address(request)
    found = [
        Entries(
            dataset=one.dataset,
            address=f"{base}{one.dataset.name}/",
            runs=list(islice(one.ledger().newest_first(state=State.COMMITTED, page=ENTRIES), ENTRIES)),
            annotations=one.ledger().annotations(),
        )
        for one in sites
    ]
    feed = render_feed_of_all(found, stage=sites.place.stage, address=base, notice=sites.settings.notice)
    return Reply(headers=LIVE, document=feed)


def answer_health_of_all(site: Site, _args: Arguments, _request: Request) -> Reply:
    """`/health` of several datasets: the worst of them, and each."""
    found: dict[str, Any] = {one.dataset.name: examine(one) for one in site.stage()}
    status = max((health["status"] for health in found.values()), key=_WORST_LAST.index)
    body = {"status": status, "datasets": found, "notice": site.settings.notice}
    return Reply(status=503 if status == "behind" else 200, headers=NEVER, document=json_document(body))


def find_card(site: Site) -> Card:
    """Three reads of the ledger, whatever the dataset holds."""
    ledger = site.ledger()
    head = ledger.head()
    newest = next(iter(islice(ledger.newest_first(page=1), 1)), None)
    schedule = site.dataset.schedule or site.settings.schedule
    due = next_due(schedule, after=parse_time(newest.run_id)) if newest else None
    return Card(
        dataset=site.dataset,
        head=head,
        committed=_committed(site, head, newest),
        newest=newest,
        due=due.strftime("%Y-%m-%dT%H:%M:%SZ") if due else None,
    )


def _committed(site: Site, head: Head, newest: Run | None) -> Run | None:
    if not head.head:
        return None
    if newest and newest.run_id == head.head:
        return newest
    try:
        return site.ledger().get(head.head)
    except UnknownRun:
        return None


def _trend(site: Site) -> dict[str, list[float | None]]:
    """Measure -> its last values, as rendered with the views that are served; nothing while there are none."""
    run_id = site.view_store.current()
    try:
        return read_trend(site.view_store.view(run_id, TREND).plain) if run_id else {}
    except ViewsMissing:
        return {}
