"""CloudFront before the api, by the rules of its documentation and of `infra/fragments/api.yaml`: no network.

What it takes from a request and adds, what it keeps and for how long, when it packs, what an invalidation reaches.
"""

import fnmatch
import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from infra.deploying.templates import load_template
from infra.services import ROOT
from tests.api.serving import Answer, ApiApp

_TEMPLATE = load_template((ROOT / "infra" / "fragments" / "api.yaml").read_text())["Resources"]
_BEHAVIOUR = _TEMPLATE["Distribution"]["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]
_OTHERS = [
    it["Fn::If"][1] if "Fn::If" in it else it  # with all that a stage can switch on
    for it in _TEMPLATE["Distribution"]["Properties"]["DistributionConfig"].get("CacheBehaviors", [])
]
_CACHE = _TEMPLATE["CachePolicy"]["Properties"]["CachePolicyConfig"]
_SECURITY = _TEMPLATE["ResponseHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]

_PACKED = ("application/json", "application/xml", "application/javascript", "image/svg+xml", "text/")
"""Beginnings of the media types that CloudFront packs, of those that the api has."""

_ERROR_SECONDS = 10
"""How long an error is kept that says nothing of caching."""


def forwarded_headers() -> frozenset[str]:
    """Headers of a viewer that reach the origin beside those that make the key."""
    policy = _TEMPLATE[_BEHAVIOUR["OriginRequestPolicyId"]["Ref"]] if "OriginRequestPolicyId" in _BEHAVIOUR else None
    config = policy["Properties"]["OriginRequestPolicyConfig"]["HeadersConfig"] if policy else {}
    return frozenset(name.lower() for name in config.get("Headers", ()))


def key_headers(target: str) -> list[str]:
    """Headers of a viewer that make the key, by the first behaviour whose pattern fits the path."""
    policy = _TEMPLATE[_behaviour(target)["CachePolicyId"]["Ref"]]["Properties"]["CachePolicyConfig"]
    config = policy["ParametersInCacheKeyAndForwardedToOrigin"]["HeadersConfig"]
    return [name.lower() for name in config.get("Headers", ())]


def _behaviour(target: str) -> Mapping[str, Any]:
    path = target.partition("?")[0]
    return next((it for it in _OTHERS if fnmatch.fnmatchcase(path, it["PathPattern"])), _BEHAVIOUR)


@dataclass
class Front:
    """A distribution before an `ApiApp`, with a clock that is told. As a client it answers `create_invalidation`."""

    app: ApiApp
    now: float = 0.0
    forwarded: frozenset[str] = field(default_factory=forwarded_headers)
    origin_requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """(target, headers) of what reached the origin."""
    packed: int = 0
    """Answers that were packed here because the origin had not."""
    _kept: dict[tuple[str, str, str], tuple[float, Answer]] = field(default_factory=dict)
    _batches: dict[str, Any] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        return self.app.stage

    def get(self, target: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("GET", target, headers=headers)

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Answer:
        """`body` goes on to the origin with POST alone: with the other methods that are allowed it means nothing."""
        if method not in _behaviour(target)["AllowedMethods"]:
            return Answer(status=403, headers={"x-cache": "Error from cloudfront"}, body=b"")
        viewer = {name.lower(): value for name, value in (headers or {"Accept": "*/*"}).items()}
        encoding = normalised(viewer.get("accept-encoding", ""))
        keyed = "\n".join(f"{name}: {viewer.get(name, '')}" for name in key_headers(target))
        key = (method, target, f"{encoding}\n{keyed}")
        until, kept = self._kept.get(key, (0.0, None))
        hit = kept is not None and self.now < until
        answer = kept if kept is not None and hit else self._fetch(method, target, viewer, encoding, body)
        if not hit and method != "POST" and (seconds := lifetime(answer)):
            self._kept[key] = (self.now + seconds, answer)
        if answer.status == 200 and _matches(viewer.get("if-none-match", ""), answer.headers.get("etag", "")):
            answer = replace(answer, status=304, body=b"")
        added = {"x-cache": "Hit from cloudfront" if hit else "Miss from cloudfront"}
        return replace(answer, headers={**answer.headers, **security_headers(), **added})

    def _fetch(self, method: str, target: str, viewer: Mapping[str, str], encoding: str, body: str | None) -> Answer:
        passed = {name: value for name, value in viewer.items() if name in self.forwarded}
        passed |= {"if-none-match": viewer["if-none-match"]} if "if-none-match" in viewer else {}
        passed |= {"accept-encoding": encoding} if encoding else {}
        sent = {"user-agent": "Amazon CloudFront", "referer": "the-secret"} | passed
        self.origin_requests.append((target, sent))
        sent_on = body if method == "POST" else None
        return self._pack(self.app.ask(method, target, headers=sent, body=sent_on), encoding)

    def _pack(self, answer: Answer, encoding: str) -> Answer:
        packs = _BEHAVIOUR["Compress"] and "gzip" in encoding and 1000 <= len(answer.body) <= 10_000_000
        kind = answer.headers.get("content-type", "")
        if not packs or "content-encoding" in answer.headers or not kind.startswith(_PACKED):
            return answer
        self.packed += 1
        tag = answer.headers.get("etag", "")
        weak = {"etag": tag if tag.startswith("W/") else f"W/{tag}"} if tag else {}
        headers = {**answer.headers, "content-encoding": "gzip", **weak}
        return replace(answer, body=gzip.compress(answer.body, mtime=0), headers=headers)

    def create_invalidation(self, *, DistributionId: str, InvalidationBatch: Mapping[str, Any]) -> None:  # noqa: N803
        """A reference that was there before does nothing for the same paths, and is refused for others."""
        assert DistributionId
        reference, paths = InvalidationBatch["CallerReference"], InvalidationBatch["Paths"]["Items"]
        if reference in self._batches:
            if self._batches[reference] != paths:
                raise ClientError({"Error": {"Code": "InvalidArgument", "Message": reference}}, "CreateInvalidation")
            return
        self._batches[reference] = paths
        self._kept = {
            key: kept for key, kept in self._kept.items() if not any(_reaches(pattern, key[1]) for pattern in paths)
        }


def normalised(accept_encoding: str) -> str:
    """Accept-Encoding as it makes the key and reaches the origin."""
    taken = {part.split(";")[0].strip() for part in accept_encoding.split(",") if "q=0" not in part.replace(" ", "")}
    names = (("br", "EnableAcceptEncodingBrotli"), ("gzip", "EnableAcceptEncodingGzip"))
    policy = _CACHE["ParametersInCacheKeyAndForwardedToOrigin"]
    return ",".join(name for name, switch in names if policy[switch] and name in taken)


def lifetime(answer: Answer) -> float:
    """Seconds that an answer is kept."""
    control = answer.headers.get("cache-control", "")
    if answer.status >= 400 and "max-age" not in control:
        return 0 if "no-store" in control else _ERROR_SECONDS
    if re.search("no-store|no-cache|private", control):
        return float(_CACHE["MinTTL"])
    found = re.search(r"s-maxage=(\d+)", control) or re.search(r"max-age=(\d+)", control)
    seconds = float(found[1]) if found else float(_CACHE["DefaultTTL"])
    return min(max(seconds, float(_CACHE["MinTTL"])), float(_CACHE["MaxTTL"]))


def security_headers() -> dict[str, str]:
    """What the response headers policy sets."""
    strict = _SECURITY["StrictTransportSecurity"]
    return {
        "strict-transport-security": f"max-age={strict['AccessControlMaxAgeSec']}; includeSubDomains",
        "x-content-type-options": "nosniff",
        "x-frame-options": _SECURITY["FrameOptions"]["FrameOption"],
        "referrer-policy": _SECURITY["ReferrerPolicy"]["ReferrerPolicy"],
    }


def _matches(header: str, tag: str) -> bool:
    bare = tag.removeprefix("W/")
    return bool(bare) and (header.strip() == "*" or bare in [it.strip().removeprefix("W/") for it in header.split(",")])


def _reaches(pattern: str, target: str) -> bool:
    """Whether a path of an invalidation reaches an address with its query; `*` is for anything, at the end only."""
    literal = re.sub(r"([\[?])", r"[\1]", pattern.removesuffix("*"))
    return fnmatch.fnmatchcase(target, literal + ("*" if pattern.endswith("*") else ""))
