"""From a request to what is sent: find the route, read its parameters, answer, and word what is wrong."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.routes.endpoints import ANY_PATH, METHODS, ROUTES, Endpoint, endpoints_of
from chalicelib.routes.site import Site
from chalicelib.web.documents import Reply
from chalicelib.web.parameters import read_parameters
from chalicelib.web.problems import BodyUnexpected, Broken, MethodUnknown, Problem, RouteUnknown, StoreUnavailable
from chalicelib.web.requests import Request
from chalicelib.web.responses import Sent, fit, fit_problem
from shared.observation import Line

_PREFLIGHT = {
    "Allow": ", ".join(METHODS),
    "Access-Control-Allow-Methods": ", ".join(METHODS),
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "public, max-age=86400",
}

_AS_IT_IS = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What a header may hold beside letters and digits; a percent sign is encoded, as it begins what is."""


def dispatch(site: Site, request: Request, line: Line) -> Sent:
    """Never raises: what goes wrong is worded for the reader, and a fault of ours goes on the log line."""
    try:
        sent = fit(_answer(site, request), request)
    except Problem as problem:
        sent = fit_problem(problem, request)
    except (BotoCoreError, ClientError) as error:
        line.fail(error)
        sent = fit_problem(StoreUnavailable(), request)
    except Exception as error:
        line.fail(error)
        sent = fit_problem(Broken(request.request_id), request)
    line.bind(route=request.route, method=request.method, status=sent.status)
    return replace(sent, headers={**sent.headers, **_notice(site.settings.notice)})


def _answer(site: Site, request: Request) -> Reply:
    endpoint = _by_path(has_series=site.dataset.has_series).get(request.route) or _refuse(request)
    if request.method == "OPTIONS":
        return Reply(status=204, headers=_PREFLIGHT)
    if request.method not in METHODS:
        raise MethodUnknown(request.method, request.path, allowed=METHODS)
    if request.has_body:
        raise BodyUnexpected(request.method)
    if request.wants_fresh:
        site.shelf.current(fresh=True)
    args = read_parameters(endpoint.parameters, route=endpoint.path, path=request.path_values, query=request.query)
    return endpoint.answer(site, args, request)


@functools.cache
def _notice(text: str) -> Mapping[str, str]:
    """The operator's notice as a header, percent-encoded where a header may not hold it; none where there is none."""
    return {"Notice": quote(text, safe=_AS_IT_IS)} if text else {}


@functools.cache
def _by_path(*, has_series: bool) -> Mapping[str, Endpoint]:
    return {endpoint.path: endpoint for endpoint in endpoints_of(has_series=has_series)}


def _refuse(request: Request) -> Endpoint:
    """A path or a method that no route takes: `{proxy+}` gets both."""
    if request.route == ANY_PATH:
        for route in ROUTES:
            if _pattern(route.path).fullmatch(request.path):
                raise MethodUnknown(request.method, request.path, allowed=METHODS)
    raise RouteUnknown(request.path, known=_paths())


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


def _paths() -> Sequence[str]:
    return [route.path for route in ROUTES if not route.path.startswith(("/static", "/figures"))]
