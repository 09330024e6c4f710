"""Getting answers over HTTP: packed, asked for again only by their tag, refusals as errors with the API's words."""

import gzip
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_NEXT = re.compile(r'<([^>]*)>; rel="next"')


class ApiError(Exception):
    """The API refused, or could not be reached."""

    def __init__(self, status: int, detail: str, *, parameter: str = "") -> None:
        super().__init__(f"HTTP {status}: {detail}" if status else detail)
        self.status = status
        """The HTTP status; 0 where there was no answer."""
        self.detail = detail
        self.parameter = parameter
        """The parameter that was wrong, where the API names one."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was got."""

    body: bytes
    etag: str
    next_url: str
    """Of the next page; empty on the last."""


class Transport:
    """Gets from one base address. The last `kept` answers are kept, and sent again only where they changed."""

    def __init__(self, base_url: str, *, timeout: float = 60, kept: int = 32) -> None:
        self._base, self._timeout, self._kept = base_url.rstrip("/") + "/", timeout, kept
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        loopback = urllib.parse.urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")
        handlers = [urllib.request.ProxyHandler({})] if loopback else []
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Answer:
        """One answer. Parameters that are None are left out. Raises ApiError."""
        chosen = {name: str(value) for name, value in (query or {}).items() if value is not None}
        query_text = "?" + urllib.parse.urlencode(chosen) if chosen else ""
        return self._get(urllib.parse.urljoin(self._base, path) + query_text)

    def pages(self, path: str, query: Mapping[str, object] | None = None) -> Iterator[Answer]:
        """An answer and all that its links lead to. Raises ApiError."""
        answer = self.get(path, query)
        yield answer
        while answer.next_url:
            answer = self._get(answer.next_url)
            yield answer

    def _get(self, url: str) -> Answer:
        if not url.startswith(("http://", "https://")):
            raise ApiError(0, f"{url!r} is no address of an API; one begins with https://")
        known = self._answers.get(url)
        headers = {"Accept": "*/*", "Accept-Encoding": "gzip"} | ({"If-None-Match": known.etag} if known else {})
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  # http and https only, see above
        try:
            with self._opener.open(request, timeout=self._timeout) as reply:
                body = reply.read()
                if reply.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                found = _NEXT.search(reply.headers.get("Link", ""))
                following = urllib.parse.urljoin(url, found[1]) if found else ""
                answer = Answer(body=body, etag=reply.headers.get("ETag", ""), next_url=following)
        except urllib.error.HTTPError as error:
            if error.code == 304 and known:
                return known
            raise _refusal(error) from error
        except OSError as error:
            raise ApiError(0, f"{url}: {error}") from error
        self._keep(url, answer)
        return answer

    def _keep(self, url: str, answer: Answer) -> None:
        if answer.etag:
            self._answers[url] = answer
            if len(self._answers) > self._kept:
                self._answers.popitem(last=False)


def _refusal(error: urllib.error.HTTPError) -> ApiError:
    body = error.read()
    try:
        problem = json.loads(gzip.decompress(body) if error.headers.get("Content-Encoding") == "gzip" else body)
        return ApiError(error.code, str(problem["detail"]), parameter=str(problem.get("parameter", "")))
    except (ValueError, KeyError, TypeError, OSError):
        return ApiError(error.code, body[:200].decode(errors="replace") or str(error.reason))
