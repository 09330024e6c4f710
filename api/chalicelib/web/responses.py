"""Fitting a reply to what the client takes: gzip, 304, HEAD, and the headers that every answer has."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.web.documents import LARGEST, Reply, sent_size
from chalicelib.web.problems import MEDIA_TYPE, AnswerTooLarge, Problem
from chalicelib.web.requests import Request

ALWAYS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Location, Content-Disposition, Retry-After, Notice, Run-Id, Vintage",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What goes to API Gateway."""

    status: int
    headers: Mapping[str, str]
    body: str
    is_base64: bool = False

    def to_proxy_response(self) -> dict[str, object]:
        return {
            "statusCode": self.status,
            "headers": dict(self.headers),
            "multiValueHeaders": {},
            "body": self.body,
            "isBase64Encoded": self.is_base64,
        }


def fit(reply: Reply, request: Request) -> Sent:
    """The reply as it goes out to this client. Raises AnswerTooLarge."""
    document = reply.document
    if document is None:
        return Sent(status=reply.status, headers=ALWAYS | dict(reply.headers), body="")
    packed = request.takes_packed and document.worth_packing
    tag = f'"{document.digest}{"" if packed else "-plain"}"'
    headers = ALWAYS | {"ETag": tag, "Content-Type": document.media_type} | dict(reply.headers)
    if reply.status == 200 and _has(tag, request.headers.get("if-none-match", "")):
        headers.pop("Content-Type")
        return Sent(status=304, headers=headers, body="")
    if packed:
        headers["Content-Encoding"] = "gzip"
    if request.method == "HEAD":
        return Sent(status=reply.status, headers=headers, body="")
    if document.binary:
        body = base64.b64encode(document.plain).decode()
    else:
        body = document.packed_base64 if packed else document.text
    size = len(body) if document.binary or packed else sent_size(body)
    if size > LARGEST:
        raise AnswerTooLarge(f"the answer has {size} bytes; {LARGEST} are allowed: ask for a range of dates")
    return Sent(status=reply.status, headers=headers, body=body, is_base64=packed or document.binary)


def fit_problem(problem: Problem, request: Request) -> Sent:
    headers = ALWAYS | {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", "Vary": "Accept"} | problem.headers
    body = "" if request.method == "HEAD" else problem.to_json().decode()
    return Sent(status=problem.status, headers=headers, body=body)


def _has(tag: str, header: str) -> bool:
    """Whether If-None-Match names the tag; compared weakly, as RFC 9110, 13.1.2 asks."""
    return header.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in header.split(",")]
