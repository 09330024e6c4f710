"""`/docs`: the page that explains the API, with examples of what is served now."""

from collections.abc import Sequence

from chalicelib.documentation.api_page import render_api_page
from chalicelib.documentation.live_examples import Served
from chalicelib.routes.dashboard_answer import HEADERS
from chalicelib.routes.series_answers import index_at
from chalicelib.routes.site import Site
from chalicelib.web.documents import HTML, Document, Reply
from chalicelib.web.requests import Request
from chalicelib.web.route_facts import RouteFacts


def answer_docs(site: Site, request: Request, *, endpoints: Sequence[RouteFacts], datasets: Sequence[str]) -> Reply:
    """Of one dataset; `datasets` are those of a stage with several, where none is named."""
    page = render_api_page(
        endpoints,
        site.dataset,
        served=find_served(site),
        address=site.stage().address(request) + (f"{request.dataset}/" if request.dataset else ""),
        assets=site.assets,
        notice=site.settings.notice,
        datasets=datasets,
    )
    return Reply(headers=HEADERS, document=Document(HTML, plain=page.encode()))


def find_served(site: Site) -> Served | None:
    """None before the first commit, and where all rows are gone."""
    run_id = site.view_store.current()
    run = site.ledger().get(run_id) if run_id else None
    newest = ((run.summary.get("latest") or {}) if run else {}).get("date")
    if run is None or not newest:
        return None
    series = ""
    if site.dataset.has_series:
        index = index_at(site, run.run_id)
        default = str(run.summary["latest"].get("series", ""))
        series = default if default in index.series else index.present[0]
        newest = index.series[series].newest
    return Served(
        run_id=run.run_id,
        known_from=run.known_from or run.run_id,
        newest=newest,
        measure=site.dataset.measure_names[0],
        series=series,
        asset=site.assets.name("page.css"),
        counts_visits=site.visits is not None,
        takes_subscriptions=site.subscriptions is not None,
    )
