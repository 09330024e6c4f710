"""After a deployment: does the real endpoint answer as it should? It is asked only what any visitor may ask."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message

from infra.deploying.releases import record_good
from infra.deploying.stacks import outputs
from infra.errors import CommandFailed
from infra.operating.commands import find_stage, print_json, stage_parser
from infra.services import find_service
from infra.terminal import Terminal
from infra.waiting import wait_for

_SECONDS = 120.0
"""How long the endpoint may take to answer at all: a new CloudFront distribution is not everywhere at once."""

GOOD_HEALTH = frozenset({"ok", "empty", "rendering"})
"""What `/health` may say of a stage that works: everything but `behind`."""


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """What came back from one GET."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


type Get = Callable[[str], HttpResponse]
"""A path -> what the endpoint answers."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One question with its expected answer."""

    path: str
    status: int = 200
    content_type: str
    holds: str = ""
    """Text that has to be in the body."""


PROBES = (
    Probe(path="/", content_type="text/html", holds="<html"),
    Probe(path="/data", content_type="application/json", holds="["),
    Probe(path="/data?format=csv", content_type="text/csv", holds="date,"),
    Probe(path="/data?from=yesterday", status=400, content_type="application/problem+json", holds="yesterday"),
    Probe(path="/runs", content_type="application/json"),
    Probe(path="/changes.atom", content_type="application/atom+xml", holds="<feed"),
    Probe(path="/openapi.json", content_type="application/json", holds='"openapi"'),
)


def find_faults(get: Get, *, headers: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with an endpoint, one sentence each. `headers` are those that every page has to come with."""
    for probe in PROBES:
        response = get(probe.path)
        kind = response.headers.get("content-type", "")
        if (response.status, kind.split(";")[0]) != (probe.status, probe.content_type):
            expected = f"{probe.status} {probe.content_type}"
            yield f"GET {probe.path}: {response.status} {kind or 'of no type'}; {expected} expected"
        elif probe.holds.encode() not in response.body:
            yield f"GET {probe.path}: the body does not hold {probe.holds!r}; it begins {response.body[:80]!r}"
    health = get("/health")
    status = json.loads(health.body).get("status") if health.status == 200 else None
    if status not in GOOD_HEALTH:
        yield f"GET /health: {health.status}, status {status!r}; one of {sorted(GOOD_HEALTH)} expected"
    page = get("/")
    for name, value in headers.items():
        if value not in page.headers.get(name, ""):
            yield f"GET /: the header {name} is {page.headers.get(name, '')!r}; {value!r} expected"


ON_AWS = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
"""Header -> what it holds at least: set by CloudFront, so that a stage without it has none of them."""


def main(arguments: list[str]) -> int:
    """Ask the endpoint of a stage what a visitor would ask. Exits with 1 when it does not answer as it should."""
    args = stage_parser("smoke", main.__doc__).parse_args(arguments)
    stage = find_stage(args.stage)
    get, terminal = getter(stage.api_url, loopback=bool(stage.endpoint)), Terminal()
    wait_for(lambda: _answers(get), seconds=_SECONDS, what=f"{stage.api_url}/health answers")
    published = {} if stage.endpoint else outputs(find_service("api").stack(stage.name), cloud=stage.cloud)
    edge = "DistributionId" in published
    faults = list(find_faults(get, headers=ON_AWS if edge else {}))
    if edge:
        faults += _origin_faults(getter(published["EndpointURL"].rstrip("/"), loopback=False)("/health"))
    if not faults:
        record_good(stage.client("s3"), stage.parameter("artefacts"))
    if args.json:
        print_json({"stage": stage.name, "url": stage.api_url, "questions": len(PROBES) + 1, "faults": faults})
        return 1 if faults else 0
    for fault in faults:
        terminal.say(fault)
    terminal.say(f"{stage.api_url}: {len(PROBES) + 1} questions, {len(faults)} answered wrongly")
    return 1 if faults else 0


def getter(url: str, *, loopback: bool, headers: Mapping[str, str] | None = None) -> Get:
    """GETs below an address. Raises CommandFailed where nothing answers; any HTTP status is an answer."""
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if loopback else []))

    def get(path: str) -> HttpResponse:
        try:
            request = urllib.request.Request(f"{url}{path}", headers=dict(headers or {}))  # noqa: S310  # our own address
            with opener.open(request, timeout=30) as response:
                return HttpResponse(status=response.status, headers=_lower(response.headers), body=response.read())
        except urllib.error.HTTPError as error:
            with error:
                return HttpResponse(status=error.code, headers=_lower(error.headers), body=error.read())
        except OSError as error:
            raise CommandFailed(f"GET {url}{path}: {error}") from error

    return get


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _answers(get: Get) -> bool:
    try:
        return get("/health").status in (200, 503)  # the latter in so many words: its views are behind
    except CommandFailed:
        return False


def _origin_faults(response: HttpResponse) -> Iterator[str]:
    """API Gateway behind CloudFront is closed to everyone who does not come through CloudFront."""
    if response.status != 403:
        expected = "it has to refuse (403) who passes CloudFront by"
        yield f"the origin itself answers /health with {response.status}; {expected}"
