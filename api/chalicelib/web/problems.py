"""What can be wrong with a request, and the one place where it becomes a status and a body (RFC 9457).

Problem
├── 400 ParameterUnknown · ParameterInvalid · RangeReversed · BodyUnexpected · BodyInvalid
├── 404 RouteUnknown · DatasetUnknown · ThingUnknown
├── 405 MethodUnknown
├── 413 AnswerTooLarge
├── 429 TooMany
├── 500 Broken                  a fault of ours; says nothing of its inside
└── 503 ViewsMissing · StoreUnavailable
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

MEDIA_TYPE = "application/problem+json"

_SHOWN = 80


class Problem(Exception):
    """A request that gets no answer. Members become the body; headers go along."""

    status = 500
    title = "Internal Server Error"

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail, self.headers, self.members = detail, headers or {}, members

    def to_json(self) -> bytes:
        plain = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        text = json.dumps(plain | self.members, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")  # what is shown of a request may hold half a surrogate pair


class BadRequest(Problem):
    status = 400
    title = "Bad Request"


class ParameterUnknown(BadRequest):
    """The route has no parameter of this name."""

    def __init__(self, name: str, value: str, *, route: str, known: Iterable[str]) -> None:
        has = ", ".join(sorted(known)) or "none"
        super().__init__(
            f"{route} has no parameter {shorten(name)!r}; it takes {has}",
            parameter=shorten(name),
            value=shorten(value),
        )


class ParameterInvalid(BadRequest):
    """The value is not one that the parameter allows."""

    def __init__(self, name: str, value: str, *, allowed: str) -> None:
        super().__init__(
            f"{name} is {shorten(value)!r}; allowed: {allowed}",
            parameter=name,
            value=shorten(value),
            allowed=allowed,
        )


class RangeReversed(BadRequest):
    """`from` is after `to`."""

    def __init__(self, start: str, end: str) -> None:
        super().__init__(f"from is {start!r}, after to, which is {end!r}", parameter="from", value=start)


class ParametersExclusive(BadRequest):
    """Parameters that cannot be asked for together."""

    def __init__(self, names: Sequence[str], reason: str) -> None:
        super().__init__(f"{' and '.join(names)} exclude one another: {reason}", parameter=names[0])


class BodyUnexpected(BadRequest):
    """A body came along where none belongs."""

    def __init__(self, method: str) -> None:
        super().__init__(f"the {method} has a body; none is allowed", parameter="body", value="")


class BodyInvalid(BadRequest):
    """A body that is not as the route takes it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, parameter="body")


class NotFound(Problem):
    status = 404
    title = "Not Found"


class RouteUnknown(NotFound):
    """No such path."""

    def __init__(self, path: str, *, known: Iterable[str], datasets: Iterable[str] = ()) -> None:
        below = f", also below {' and '.join(f'/{name}' for name in datasets)}" if datasets else ""
        super().__init__(f"there is no {shorten(path)!r}; there is {', '.join(known)}{below}", path=shorten(path))


class DatasetUnknown(NotFound):
    """The path begins with a dataset that this stage does not have."""

    def __init__(self, name: str, *, known: Iterable[str]) -> None:
        has = list(known)
        super().__init__(
            f"this stage has no dataset {shorten(name)!r}; it has {', '.join(has)}",
            parameter="dataset",
            value=shorten(name),
            datasets=has,
        )


class ThingUnknown(NotFound):
    """The route is there, the thing that its path names is not."""

    def __init__(self, name: str, value: str, detail: str) -> None:
        super().__init__(detail, parameter=name, value=shorten(value))


class MethodUnknown(Problem):
    """The path is there, not with this method."""

    status = 405
    title = "Method Not Allowed"

    def __init__(self, method: str, path: str, *, allowed: Iterable[str]) -> None:
        methods = ", ".join(allowed)
        super().__init__(
            f"{path} does not take {shorten(method)}; it takes {methods}",
            headers={"Allow": methods},
            method=shorten(method),
        )


class AnswerTooLarge(Problem):
    """More than a Lambda function may answer with."""

    status = 413
    title = "Content Too Large"


class TooMany(Problem):
    """Enough of these were taken for now."""

    status = 429
    title = "Too Many Requests"

    def __init__(self, *, wait_seconds: int) -> None:
        super().__init__(
            f"there were too many of these; try again in {wait_seconds} s",
            headers={"Retry-After": str(wait_seconds)},
        )


class Broken(Problem):
    """A fault of ours: the log line has the cause, the reader has its request id."""

    def __init__(self, request_id: str) -> None:
        super().__init__("this is a fault of ours; the operators see it in their log", request_id=request_id)


class Unavailable(Problem):
    status = 503
    title = "Service Unavailable"

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail, headers={"Retry-After": "30"}, **members)


class ViewsMissing(Unavailable):
    """The run is committed and its views are not there (yet)."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"the views of run {run_id} are not rendered", run_id=run_id)


class StoreUnavailable(Unavailable):
    """S3 or DynamoDB did not answer."""

    def __init__(self) -> None:
        super().__init__("the store does not answer; try again")


def shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
