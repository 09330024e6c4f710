"""/openapi.json, written from the table of routes."""

import functools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.documents import JSON, Document, Reply

if TYPE_CHECKING:
    from chalicelib.endpoints import Endpoint


def answer_openapi(endpoints: Sequence["Endpoint"]) -> Reply:
    headers = {"Cache-Control": "public, max-age=3600"}
    return Reply(headers=headers, document=Document(JSON, plain=_rendered(tuple(e.path for e in endpoints))))


@functools.cache
def _rendered(_paths: tuple[str, ...]) -> bytes:
    from chalicelib.endpoints import ENDPOINTS

    return json.dumps(describe(ENDPOINTS), separators=(",", ":")).encode()


def describe(endpoints: Sequence["Endpoint"]) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {e.path: {} for e in endpoints}}
