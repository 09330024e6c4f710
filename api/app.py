"""The api service: serves what was rendered, and renders when a run commits.

Routes come from one table (`chalicelib.routes.endpoints`). `{proxy+}` takes what no route does.
"""

import datetime as dt
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalice import Chalice, Response

from chalicelib.routes.dispatching import dispatch
from chalicelib.routes.endpoints import ANY_PATH, EVERY_METHOD, ROUTES
from chalicelib.routes.site import ApiSettings, Site, Sites
from chalicelib.view_store.view_store import ViewStore
from chalicelib.web.assets import Assets
from chalicelib.web.requests import Request
from chalicelib.web.responses import Sent
from shared.aws import client
from shared.observation import invocation
from shared.settings import Place
from shared.tracing import follow

if TYPE_CHECKING:
    from chalice.app import DynamoDBEvent

    from chalicelib.refresh.refreshing import Refresher
    from chalicelib.routes.visit_answers import VisitCounter
    from chalicelib.subscribing.subscriptions import Subscriptions
    from chalicelib.vintages.vintage_reading import VintageReader
    from chalicelib.web.documents import Document
    from shared.ledger import Ledger

app = Chalice(app_name="covid-stats-api")

ASSETS = Assets(Path(__file__).parent / "chalicelib" / "static")


@functools.cache
def place() -> Place:
    return Place.read(os.environ)


@functools.cache
def ledger(name: str = "") -> "Ledger":
    """Of the dataset of this name, of the first one where it is empty; so also below."""
    from shared.ledger import Ledger  # deferred: tables are served without it

    return Ledger(client("dynamodb"), table=place().runs_table, dataset=place().find(name).name, service="api")


def sites() -> Sites:
    return Sites(place=place(), settings=site().settings, made=site)


@functools.cache
def vintages(name: str = "") -> "VintageReader":
    from chalicelib.vintages.vintage_reading import VintageReader  # deferred: tables are served without it

    return VintageReader(client("s3"), bucket=place().bucket, dataset=place().find(name))


@functools.cache
def visits() -> "VisitCounter":
    from chalicelib.routes.visit_answers import VisitCounter  # deferred: tables are served without it

    return VisitCounter(client("dynamodb"), table=ApiSettings.read(os.environ).visits_table)


@functools.cache
def subscriptions() -> "Subscriptions":
    from chalicelib.subscribing.subscriptions import Subscriptions  # deferred: tables are served without it

    settings = ApiSettings.read(os.environ)
    return Subscriptions(
        client("dynamodb"),
        client("sns"),
        table=settings.subscriptions_table,
        topic_arn=settings.topic_arn,
        an_hour=settings.subscriptions_an_hour,
    )


@functools.cache
def site(name: str = "") -> Site:
    settings, dataset = ApiSettings.read(os.environ), place().find(name)
    late = functools.partial(late_view, dataset.name)
    kept: dict[str, Any] = {"bucket": place().bucket, "dataset": dataset.name}
    return Site(
        place=place(),
        dataset=dataset,
        settings=settings,
        view_store=ViewStore(client("s3"), **kept, ttl=settings.pointer_seconds, late=late),
        assets=ASSETS,
        stage=sites,
        vintages=functools.partial(vintages, dataset.name),
        ledger=functools.partial(ledger, dataset.name),
        visits=visits if settings.visits_table else None,
        subscriptions=subscriptions if settings.subscriptions_table else None,
        now=lambda: dt.datetime.now(dt.UTC),
    )


def late_view(dataset: str, run_id: str, name: str) -> "Document":
    from chalicelib.routes.late_views import late_view as render  # deferred: what was rendered needs none of it

    return render(site(dataset), run_id, name)


@functools.cache
def refresher(name: str = "") -> "Refresher":
    from chalicelib.refresh.invalidation import Distribution, paths_of_dataset  # deferred: see refresh_views
    from chalicelib.refresh.refreshing import Refresher

    settings, dataset = ApiSettings.read(os.environ), place().find(name)
    distribution = None
    if settings.distribution:
        distribution = Distribution(
            client("cloudfront"),
            distribution=settings.distribution,
            holding=settings.pointer_seconds,
            paths=paths_of_dataset(dataset.name, first=place().dataset.name, several=len(place().datasets) > 1),
        )
    return Refresher(
        client("s3"),
        bucket=place().bucket,
        ledger=ledger(name),
        dataset=dataset,
        assets=ASSETS,
        distribution=distribution,
    )


class Ready(Response):
    """A response that is already as API Gateway wants it: encoded, compressed, with all its headers."""

    def __init__(self, sent: Sent) -> None:
        super().__init__(body="", headers=dict(sent.headers), status_code=sent.status)
        self._sent = sent

    def to_dict(self, binary_types: object = None) -> dict[str, object]:  # noqa: ARG002  # Chalice's signature
        return self._sent.to_proxy_response()


def serve(**_path: str) -> Response:
    """Every route: the table says what answers it."""
    with invocation(service="api", handler="serve", stage=place().stage, context=app.lambda_context) as line:
        follow("viewer")
        event = app.current_request.to_original_event()  # type: ignore[union-attr]
        return Ready(dispatch(sites(), Request.from_event(event), line))


for route in ROUTES:
    methods = EVERY_METHOD if route.path == "/" else route.methods  # {proxy+} does not take the empty path
    app.route(route.path, methods=list(methods), content_types=[])(serve)
app.route(ANY_PATH, methods=list(EVERY_METHOD), content_types=[])(serve)


@app.on_dynamodb_record(stream_arn=os.environ["RUNS_STREAM_ARN"], batch_size=10, starting_position="TRIM_HORIZON")
def refresh_views(event: "DynamoDBEvent") -> dict[str, Any]:
    """Render each run that was committed; what fails is retried, the rest stands."""
    with invocation(service="api", handler="refresh_views", stage=place().stage, context=event.context) as line:
        from chalicelib.refresh.stream_batch import refresh_batch  # deferred: a request needs none of it

        return refresh_batch(event.to_dict(), refresher=refresher, line=line)
