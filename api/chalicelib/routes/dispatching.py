"""From a request to what is sent: find the route, read its parameters, answer, and word what is wrong."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.routes.endpoints import ANY_PATH, ROUTES, Endpoint, by_path
from chalicelib.routes.site import Sites
from chalicelib.web.documents import HTML, Reply
from chalicelib.web.parameters import read_parameters
from chalicelib.web.problems import (
    BodyUnexpected,
    Broken,
    DatasetUnknown,
    MethodUnknown,
    Problem,
    RouteUnknown,
    StoreUnavailable,
)
from chalicelib.web.requests import Request
from chalicelib.web.responses import Sent, fit, fit_problem
from shared.observation import Line

_PREFLIGHT = {
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "public, max-age=86400",
}

_AS_IT_IS = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What a header may hold beside letters and digits; a percent sign is encoded, as it begins what is."""


def dispatch(sites: Sites, request: Request, line: Line) -> Sent:
    """Never raises: what goes wrong is worded for the reader, and a fault of ours goes on the log line."""
    request = _within_dataset(sites, request)
    try:
        sent = fit(_answer(sites, request), request)
    except Problem as problem:
        sent = _sent_problem(problem, sites, request)
    except (BotoCoreError, ClientError) as error:
        line.fail(error)
        sent = _sent_problem(StoreUnavailable(), sites, request)
    except Exception as error:
        line.fail(error)
        sent = _sent_problem(Broken(request.request_id), sites, request)
    line.bind(dataset=request.dataset or sites.place.dataset.name)
    line.bind(route=request.route, method=request.method, status=sent.status)
    return replace(sent, headers={**sent.headers, **_notice(sites.settings.notice)})


def _sent_problem(problem: Problem, sites: Sites, request: Request) -> Sent:
    """For programs as JSON, for people as a page."""
    sent = fit_problem(problem, request)
    if not request.wants_page or request.method == "HEAD":
        return sent
    from chalicelib.routes.problem_pages import problem_page  # deferred: it imports the template engine

    page, headers = problem_page(problem, sites, request)
    return replace(sent, body=page, headers={**sent.headers, **headers, "Content-Type": HTML})


def _within_dataset(sites: Sites, request: Request) -> Request:
    """A request that no route takes and whose path begins with a dataset's name, as one of that dataset.

    Declared once more below each name, routes would multiply in API Gateway; `{proxy+}` gets these anyway.
    """
    name, _, rest = request.path_values.get("proxy", request.path).strip("/").partition("/")
    if request.route != ANY_PATH or name not in {dataset.name for dataset in sites.place.datasets}:
        return request
    found = ((route.path, _pattern(route.path).fullmatch(f"/{rest}")) for route in ROUTES)
    route, values = next(((path, match.groupdict()) for path, match in found if match), (ANY_PATH, {}))
    return request.within(name, path=f"/{rest}", route=route, path_values=values)


def _answer(sites: Sites, request: Request) -> Reply:
    site = sites.find(request.dataset) if request.dataset else sites.first
    of_all = sites.several and not request.dataset
    endpoints = by_path(has_series=site.dataset.has_series, of_all=of_all)
    endpoint = endpoints.get(request.route) or _refuse(sites, request)
    if request.method == "OPTIONS":
        taken = ", ".join(endpoint.methods)
        return Reply(status=204, headers=_PREFLIGHT | {"Allow": taken, "Access-Control-Allow-Methods": taken})
    if request.method not in endpoint.methods:
        raise MethodUnknown(request.method, request.path, allowed=endpoint.methods)
    if request.has_body and request.method != "POST":
        raise BodyUnexpected(request.method)
    if request.wants_fresh:
        site.view_store.current(fresh=True)
    args = read_parameters(
        endpoint.parameters,
        route=endpoint.path,
        path=request.path_values,
        query=request.query,
        pass_over_unknown=endpoint.for_people,
    )
    return endpoint.answer(site, args, request)


@functools.cache
def _notice(text: str) -> Mapping[str, str]:
    """The operator's notice as a header, percent-encoded where a header may not hold it; none where there is none."""
    return {"Notice": quote(text, safe=_AS_IT_IS)} if text else {}


def _refuse(sites: Sites, request: Request) -> Endpoint:
    """A path or a method that no route takes: `{proxy+}` gets both."""
    if route := _find_route(request.path):
        raise MethodUnknown(request.method, request.path, allowed=route.methods)
    name, _, rest = request.path.strip("/").partition("/")
    if not request.dataset and rest and _find_route(f"/{rest}"):
        raise DatasetUnknown(name, known=[dataset.name for dataset in sites.place.datasets])
    raise RouteUnknown(request.path, known=_paths(), datasets=[dataset.name for dataset in sites.place.datasets])


def _find_route(path: str) -> Endpoint | None:
    return next((route for route in ROUTES if _pattern(route.path).fullmatch(path)), None)


@functools.cache
def _pattern(path: str) -> re.Pattern[str]:
    """What a path of this template is, its parameters as groups."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _paths() -> Sequence[str]:
    return [route.path for route in ROUTES if not route.path.startswith(("/static", "/figures"))]
