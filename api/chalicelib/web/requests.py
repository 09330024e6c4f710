"""A request as API Gateway hands it over (Lambda proxy integration, payload format 1.0)."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_QUALITY = re.compile(r"[01](\.[0-9]{0,3})?")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What of a request matters here."""

    method: str
    route: str
    """The template that API Gateway matched: `/data/{date}`."""
    path: str
    """The path as asked for, without the stage."""
    stage_path: str
    """The path as asked for, with the stage in front where the client's address has it."""
    path_values: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    """Name -> all its values, decoded."""
    headers: Mapping[str, str]
    """By name in lower case."""
    body: str = ""
    """As text; what is no UTF-8 is replaced."""
    request_id: str = ""
    dataset: str = ""
    """The dataset whose name stands before the path; empty where none does."""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Request":
        context = event["requestContext"]
        return cls(
            method=context["httpMethod"],
            route=context["resourcePath"],
            path=event.get("path") or "/",
            stage_path=context.get("path") or event.get("path") or "/",
            path_values=event.get("pathParameters") or {},
            query=event.get("multiValueQueryStringParameters") or {},
            headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
            body=_body(event),
            request_id=context.get("requestId", ""),
        )

    def within(self, dataset: str, *, path: str, route: str, path_values: Mapping[str, str]) -> "Request":
        """The same request as one of a dataset, with the path behind the dataset's name."""
        return replace(self, dataset=dataset, path=path, route=route, path_values=path_values)

    @property
    def has_body(self) -> bool:
        return bool(self.body)

    @property
    def stage_root(self) -> str:
        """The path of the API's root, with the stage and a slash at the end."""
        path = f"{self.dataset}{self.path}" if self.dataset else self.path.lstrip("/")
        return self.stage_path.removesuffix(path).rstrip("/") + "/"

    @property
    def origin(self) -> str:
        """Scheme and host that the client asked, as API Gateway has them."""
        return f"{self.headers.get('x-forwarded-proto', 'https')}://{self.headers.get('host', 'localhost')}"

    @property
    def wants_fresh(self) -> bool:
        """Whether the client asks to be answered from the origin, not from a memory (a reload in a browser)."""
        return "no-cache" in self.headers.get("cache-control", "")

    @property
    def wants_page(self) -> bool:
        """Whether HTML is liked better than JSON, as browsers do for whoever opens an address (RFC 9110, 12.5.1)."""
        accept = self.headers.get("accept", "")
        return "html" in accept and _weight(accept, "text/html") > _weight(accept, "application/json")

    @property
    def takes_packed(self) -> bool:
        """Whether it takes gzip; without an Accept header API Gateway would hand the bytes on in base64."""
        return bool(self.headers.get("accept")) and accepts_gzip(self.headers.get("accept-encoding", ""))


def _body(event: Mapping[str, Any]) -> str:
    """The gateway takes every body for bytes and hands it over in base64."""
    given = event.get("body") or ""
    return base64.b64decode(given).decode("utf-8", "replace") if event.get("isBase64Encoded") else given


def accepts_gzip(header: str) -> bool:
    """What Accept-Encoding says of gzip (RFC 9110, 12.5.3)."""
    weights = {}
    for part in header.lower().split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return weights.get("gzip", weights.get("*", False))


def _weight(accept: str, media_type: str) -> float:
    """What Accept says of a media type; the range that fits it best counts. What is no number is 1."""
    weights = {}
    for part in accept.lower().split(","):
        media_range, *parameters = (it.strip() for it in part.split(";"))
        given = next((it[2:] for it in parameters if it.startswith("q=")), "1")
        weights[media_range] = float(given) if _QUALITY.fullmatch(given) else 1.0
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((weights[it] for it in ranges if it in weights), 0.0)
