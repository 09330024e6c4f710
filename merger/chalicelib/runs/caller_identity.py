"""Who gave a command: what STS says of the request that came signed with it (infra/decisions/0061)."""

import datetime as dt
import http.client
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from shared.errors import EventMalformed, NotAllowed
from shared.events import member
from shared.operator_identity import HEADER, QUERY, UNVERIFIED, command_header, sts_host
from shared.printing import printable
from shared.settings import Source

_FRESH = dt.timedelta(minutes=5)
"""Between the signature and now, either way: clocks differ, and a function takes seconds to start."""
_LONGEST_NAME = 500
_LONGEST_URL = 8192
_LONGEST_REPLY = 64 * 1024
_SECONDS = 10
_ARN = re.compile(r"arn:[a-z0-9-]+:(iam|sts)::\d{12}:[!-~]+")
_SIGNATURE = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"}
_SIGNED_QUERY = frozenset(QUERY) | _SIGNATURE | {"X-Amz-Signature"}
_SESSION = "X-Amz-Security-Token"


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request that STS answers with who signed it."""

    host: str
    target: str
    """Path and query, as they were signed."""
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class StsResponse:
    """What STS answered."""

    status: int
    body: bytes


type Send = Callable[[SignedRequest], StsResponse]


@dataclass(frozen=True, kw_only=True)
class Where:
    """The stage for which a command must have been signed."""

    stage: str
    region: str
    """Empty in a local cloud."""
    local: bool
    """A local cloud, where anyone may be anyone."""

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "Where":
        """From the environment: on AWS, Lambda sets AWS_REGION; a local cloud sets AWS_ENDPOINT_URL."""
        source = Source(values)
        local = values.get("CLOUD") == "local" or bool(values.get("AWS_ENDPOINT_URL"))
        return cls(stage=source.text("STAGE"), region="" if local else source.text("AWS_REGION"), local=local)


def who_commands(event: Mapping[str, Any], *, where: Where, clock_ms: int, send: Send) -> str:
    """The ARN of whoever signed the command; in a local cloud the name that it gives, said to be unverified.

    Raises EventMalformed where no such request came with the command, and NotAllowed where it was signed for another
    command or time, or STS does not confirm it.
    """
    if where.local:
        return _local_name(event) + UNVERIFIED
    request = _signed_request(event, where=where, now=dt.datetime.fromtimestamp(clock_ms / 1000, tz=dt.UTC))
    return _arn(send(request))


def send_to_sts(request: SignedRequest) -> StsResponse:
    """Over https. Raises NotAllowed where STS cannot be reached."""
    connection = http.client.HTTPSConnection(request.host, timeout=_SECONDS)
    try:
        connection.request("GET", request.target, headers=dict(request.headers))
        response = connection.getresponse()
        return StsResponse(status=response.status, body=response.read(_LONGEST_REPLY))
    except (OSError, http.client.HTTPException) as error:
        raise NotAllowed(
            f"who gives the command is not known: {request.host} cannot be reached ({type(error).__name__});"
            " give it again later"
        ) from error
    finally:
        connection.close()


def _local_name(event: Mapping[str, Any]) -> str:
    by = member(event, "by")
    if not isinstance(by, str) or not 0 < len(by) <= _LONGEST_NAME:
        seen = printable(str(by), most=80)
        raise EventMalformed(
            f"by is {seen!r}; the ledger records who gives a command, in up to {_LONGEST_NAME} characters"
        )
    return printable(by, most=_LONGEST_NAME)


def _signed_request(event: Mapping[str, Any], *, where: Where, now: dt.datetime) -> SignedRequest:
    """What came with the command, where it asks that region's STS who signed it, for this command and just now.

    No error quotes the address: it holds a signature.
    """
    url = event.get("signed")
    if not isinstance(url, str) or not re.fullmatch(rf"[!-~]{{1,{_LONGEST_URL}}}", url):
        raise EventMalformed(
            "the event has no `signed`: the address of a signed request to STS, by which it is known who commands;"
            " `make approve`, `redrive`, `resend` and `annotate` send it"
        )
    host = sts_host(where.region)
    begins, has_query, query = url.partition("?")
    if begins != f"https://{host}/" or not has_query or "#" in query:
        raise EventMalformed(f"`signed` is not the address of a request to https://{host}/")
    _check_query(query)
    _check_time(dict(parse_qsl(query))["X-Amz-Date"], now)
    headers = {HEADER: command_header(event, stage=where.stage), "Accept": "application/json"}
    return SignedRequest(host=host, target=f"/?{query}", headers=headers)


def _check_query(query: str) -> None:
    pairs = parse_qsl(query, keep_blank_values=True)
    values = dict(pairs)
    if len(pairs) != len(values) or set(values) - {_SESSION} != _SIGNED_QUERY:
        allowed = ", ".join(sorted(_SIGNED_QUERY))
        raise EventMalformed(f"`signed` has other parameters than {allowed}, once each, and {_SESSION} where needed")
    if values | QUERY != values:
        raise EventMalformed(f"`signed` does not ask for {QUERY['Action']}, version {QUERY['Version']}")
    if values["X-Amz-SignedHeaders"].split(";") != ["host", HEADER]:
        raise NotAllowed(f"`signed` is bound to no command: the headers host and {HEADER} must be signed, and no other")


def _check_time(text: str, now: dt.datetime) -> None:
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", text):
        raise EventMalformed("`signed` has an X-Amz-Date that is not of the form 20260301T170000Z")
    try:
        at = dt.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise EventMalformed("`signed` has an X-Amz-Date that is no time") from None
    if abs(now - at) > _FRESH:
        raise NotAllowed(
            f"`signed` was signed at {at:%Y-%m-%dT%H:%M:%SZ} and it is {now:%Y-%m-%dT%H:%M:%SZ}: not more than"
            f" {_FRESH.seconds // 60} minutes may lie between; give the command again, and look at that machine's clock"
        )


def _arn(reply: StsResponse) -> str:
    """Whom STS names. Raises NotAllowed where it does not."""
    try:
        answer = json.loads(reply.body)
    except ValueError:
        answer = None
    if reply.status != 200:
        code = _at(answer, "Error", "Code")
        why = f"HTTP {reply.status}" + (f", {printable(code, most=80)}" if isinstance(code, str) else "")
        raise NotAllowed(
            f"STS does not confirm who gives the command: {why}; it was signed for another stage, command, run or"
            " time, or with credentials that are not valid"
        )
    arn = _at(answer, "GetCallerIdentityResponse", "GetCallerIdentityResult", "Arn")
    if not isinstance(arn, str) or len(arn) > _LONGEST_NAME or not _ARN.fullmatch(arn):
        raise NotAllowed(f"STS does not name who gives the command: its answer has no ARN ({len(reply.body)} bytes)")
    return arn


def _at(found: Any, *path: str) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found
