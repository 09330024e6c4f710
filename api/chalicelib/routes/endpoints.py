"""The routes: one table that registers them, reads their parameters and writes /openapi.json."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

from chalicelib.routes.site import Site
from chalicelib.routes.table_answers import Responder, answer_asset, answer_date, answer_figures, answer_table
from chalicelib.web.documents import CURRENT, Reply
from chalicelib.web.parameters import (
    AFTER,
    AFTER_ROW,
    AFTER_SERIES,
    AS_OF,
    BEFORE,
    BY,
    COMPARE,
    DATE,
    DAYS,
    FIRST,
    FORMAT,
    FROM,
    KNOWN_SINCE,
    LAG,
    MEASURE,
    MEASURES,
    NAME,
    ROWS,
    RUN,
    SCALE,
    SERIES,
    SHOW,
    SINCE,
    SIZE,
    SKIP,
    SORT,
    THEME,
    TO,
    Arguments,
    Parameter,
    limit,
)
from chalicelib.web.requests import Request

METHODS = ("GET", "HEAD", "OPTIONS")
WITH_POST = (*METHODS, "POST")
EVERY_METHOD = (*METHODS, "DELETE", "PATCH", "POST", "PUT")
ANY_PATH = "/{proxy+}"
"""API Gateway sends here whatever no other route takes, so that unknown paths and methods get our own answer."""

_CHART_PARAMETERS = (MEASURES, BY, SHOW, SCALE, FROM, TO, AS_OF, THEME)
_TABLE_PARAMETERS = (FROM, TO, FORMAT, AS_OF, LAG, FIRST, ROWS, AFTER_ROW)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One route."""

    path: str
    summary: str
    answer: Responder
    media: Mapping[str, str]
    """Media type of its answer -> name of the schema (`chalicelib.routes.openapi`)."""
    parameters: Sequence[Parameter] = ()
    problems: Sequence[int] = ()
    """Statuses of problems of its own; 400, 405, 500 and 503 every route may have."""
    methods: Sequence[str] = METHODS

    @property
    def for_people(self) -> bool:
        """Whether it answers with a page."""
        return "text/html" in self.media


def _later(module: str, function: str) -> Responder:
    """An answer whose module is imported when it is first asked for: a cold `/daily` pays for none of it."""

    def answer(site: Site, args: Arguments, request: Request) -> Reply:
        found: Responder = getattr(import_module(f"chalicelib.routes.{module}"), function)
        return found(site, args, request)

    return answer


def _answer_openapi(site: Site, _args: Arguments, request: Request) -> Reply:
    from chalicelib.routes.openapi import render_openapi  # deferred: few ask for it, and it is long

    of_all = site.stage().several and not request.dataset
    endpoints = endpoints_of(has_series=site.dataset.has_series, of_all=of_all)
    beside = [dataset.name for dataset in site.place.datasets] if of_all else []
    described = render_openapi(endpoints, site.dataset, notice=site.settings.notice, datasets=beside)
    return Reply(headers=CURRENT, document=described)


def _answer_docs(site: Site, _args: Arguments, request: Request) -> Reply:
    from chalicelib.routes.docs_answer import answer_docs  # deferred: it brings a template engine

    of_all = site.stage().several and not request.dataset
    return answer_docs(
        site,
        request,
        endpoints=endpoints_of(has_series=site.dataset.has_series, of_all=of_all),
        datasets=[dataset.name for dataset in site.place.datasets] if of_all else [],
    )


def _table(name: str, summary: str) -> Endpoint:
    published = name == "data"
    return Endpoint(
        path=f"/{name}",
        summary=summary,
        answer=answer_table(name),
        media={"application/json": "Rows" if published else "Buckets", "text/csv": "Text"},
        parameters=_TABLE_PARAMETERS if published else (*_TABLE_PARAMETERS, DAYS),
        problems=(404, 413),
    )


ROUTES: tuple[Endpoint, ...] = (
    Endpoint(
        path="/",
        summary="The dashboard.",
        answer=_later("dashboard_answer", "answer_dashboard"),
        media={"text/html": "Text"},
        parameters=(AS_OF, COMPARE, MEASURE),
        problems=(404,),
    ),
    _table("data", "The values as published, a row a date."),
    _table("daily", "What each date added: of a running total the value minus the last one reported before it."),
    _table(
        "weekly",
        "Weeks that end on Sunday, labelled by it: what a total grew by, and sums, last or mean values of all else.",
    ),
    _table(
        "monthly",
        "Months, labelled by their last day; else as /weekly.",
    ),
    Endpoint(
        path="/data/{date}",
        summary="One date: every value it ever had, by which run; to browsers a page.",
        answer=answer_date,
        media={"application/json": "DateHistory", "text/html": "Text"},
        parameters=(DATE, AS_OF, ROWS, AFTER_SERIES),
        problems=(404,),
    ),
    Endpoint(
        path="/latest",
        summary="The newest numbers, how they moved, and how final they are: an address that always has them.",
        answer=_later("latest_answers", "answer_latest"),
        media={"application/json": "Latest"},
        parameters=(AS_OF,),
        problems=(404,),
    ),
    Endpoint(
        path="/series",
        summary="Each series with its newest numbers, how they changed, and which run changed them last.",
        answer=_later("series_answers", "answer_series"),
        media={"application/json": "SeriesList"},
        parameters=(SORT, AS_OF, ROWS, AFTER_SERIES),
    ),
    Endpoint(
        path="/figures",
        summary="The dashboard's figures, for Plotly.",
        answer=answer_figures,
        media={"application/json": "Object"},
        parameters=(AS_OF,),
        problems=(404,),
    ),
    Endpoint(
        path="/chart.svg",
        summary="A chart as a picture, with its title and credits.",
        answer=_later("chart_answers", "answer_svg"),
        media={"image/svg+xml": "Text"},
        parameters=(*_CHART_PARAMETERS, SIZE),
        problems=(404,),
    ),
    Endpoint(
        path="/chart.png",
        summary="The same as PNG.",
        answer=_later("chart_answers", "answer_png"),
        media={"image/png": "Bytes"},
        parameters=(*_CHART_PARAMETERS, SIZE),
        problems=(404,),
    ),
    Endpoint(
        path="/embed",
        summary="The same as a page that others may frame.",
        answer=_later("chart_answers", "answer_embed"),
        media={"text/html": "Text"},
        parameters=_CHART_PARAMETERS,
        problems=(404,),
    ),
    Endpoint(
        path="/vintages",
        summary="Every value that ever was, from which run to which it was known; the next page is in the Link header.",
        answer=_later("vintage_answers", "answer_vintages"),
        media={"application/json": "Vintages", "text/csv": "Text"},
        parameters=(
            FROM,
            TO,
            MEASURE,
            KNOWN_SINCE,
            FORMAT,
            replace(limit(usual=1000, most=20000), default=None),
            AFTER,
        ),
        problems=(404, 413),
    ),
    Endpoint(
        path="/revisions",
        summary="How final values are: the share known at each lag, how soon they settle, what is revised.",
        answer=_later("revision_answers", "answer_revisions"),
        media={"application/json": "Revisions", "text/html": "Text"},
        parameters=(MEASURE,),
        problems=(404,),
    ),
    Endpoint(
        path="/runs",
        summary="The runs, newest first; the next page is in the Link header.",
        answer=_later("run_answers", "answer_runs"),
        media={"application/json": "Runs"},
        parameters=(limit(usual=20, most=100), BEFORE),
    ),
    Endpoint(
        path="/runs/{run_id}",
        summary="One run.",
        answer=_later("run_answers", "answer_run"),
        media={"application/json": "Run"},
        parameters=(RUN,),
        problems=(404,),
    ),
    Endpoint(
        path="/runs/{run_id}/changes",
        summary="What a run changed.",
        answer=_later("change_answers", "answer_run_changes"),
        media={"application/json": "ChangeSet", "text/csv": "Text"},
        parameters=(RUN, FORMAT, ROWS, SKIP),
        problems=(404,),
    ),
    Endpoint(
        path="/changes",
        summary="What was committed since a run, oldest first, a change set a run: enough to stay in step.",
        answer=_later("change_answers", "answer_changes"),
        media={"application/json": "ChangeSets", "text/csv": "Text"},
        parameters=(SINCE, FORMAT, limit(usual=20, most=100), SKIP),
    ),
    Endpoint(
        path="/changes.atom",
        summary="The committed runs as a feed, worded like the mails.",
        answer=_later("run_answers", "answer_feed"),
        media={"application/atom+xml": "Text"},
    ),
    Endpoint(
        path="/datasets",
        summary="The datasets of this stage, each with its newest numbers; everything else is below its name as well.",
        answer=_later("stage_answers", "answer_datasets"),
        media={"application/json": "Datasets"},
    ),
    Endpoint(
        path="/health",
        summary="Whether readers are served what was committed last.",
        answer=_later("run_answers", "answer_health"),
        media={"application/json": "Health"},
    ),
    Endpoint(
        path="/docs",
        summary="This API, explained to people, with examples to follow.",
        answer=_answer_docs,
        media={"text/html": "Text"},
    ),
    Endpoint(
        path="/visits.svg",
        summary="How often the dashboard was visited, this visit counted, where the operator has visits counted.",
        answer=_later("visit_answers", "answer_visits"),
        media={"image/svg+xml": "Text"},
        problems=(404,),
    ),
    Endpoint(
        path="/subscriptions",
        summary="The form to have changes sent by mail, where the operator lets readers subscribe; POST sends it.",
        answer=_later("subscription_answers", "answer_subscriptions"),
        media={"text/html": "Text"},
        problems=(404,),
        methods=WITH_POST,
    ),
    Endpoint(
        path="/datapackage.json",
        summary="What the dataset is, for catalogues and tools that read data packages (Frictionless).",
        answer=_later("data_package", "answer_data_package"),
        media={"application/json": "Object"},
    ),
    Endpoint(
        path="/openapi.json",
        summary="This description.",
        answer=_answer_openapi,
        media={"application/json": "Object"},
    ),
    Endpoint(
        path="/static/{name}",
        summary="Scripts and styles, under names that carry their hash.",
        answer=answer_asset,
        media={"text/javascript": "Text", "text/css": "Text", "image/svg+xml": "Text"},
        parameters=(NAME,),
        problems=(404,),
    ),
)

OF_ALL: Mapping[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint(
            path="/",
            summary="The overview of all datasets; with a parameter, the first one's dashboard, by a redirect.",
            answer=_later("stage_answers", "answer_overview"),
            media={"text/html": "Text"},
            parameters=(AS_OF, SERIES),
        ),
        Endpoint(
            path="/changes.atom",
            summary="The committed runs of all datasets as a feed, worded like the mails.",
            answer=_later("stage_answers", "answer_feed_of_all"),
            media={"application/atom+xml": "Text"},
        ),
        Endpoint(
            path="/health",
            summary="Whether readers are served what was committed last, of every dataset.",
            answer=_later("stage_answers", "answer_health_of_all"),
            media={"application/json": "HealthOfAll"},
        ),
    )
}
"""What a stage with several datasets answers where none is named; all other paths are then the first dataset's."""

_OF_ONE_SERIES = frozenset(
    {"/", "/data", "/daily", "/weekly", "/monthly", "/data/{date}", "/latest", "/figures"}
    | {"/changes", "/runs/{run_id}/changes", "/chart.svg", "/chart.png", "/embed", "/vintages", "/revisions"}
)


@functools.cache
def endpoints_of(*, has_series: bool, of_all: bool = False) -> tuple[Endpoint, ...]:
    """The routes with the parameters that they have for a dataset: one series needs no choosing.

    `of_all`: where a stage has several datasets and none is named.
    """
    routes = tuple(
        replace(route, parameters=(*route.parameters, SERIES)) if has_series and route.path in _OF_ONE_SERIES else route
        for route in ROUTES
    )
    return tuple(OF_ALL.get(route.path, route) for route in routes) if of_all else routes


@functools.cache
def by_path(*, has_series: bool, of_all: bool) -> Mapping[str, Endpoint]:
    return {endpoint.path: endpoint for endpoint in endpoints_of(has_series=has_series, of_all=of_all)}
