"""/openapi.json against the table of routes and the registered ones, and schemathesis from it against the app."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.routes.endpoints import ANY_PATH, ROUTES
from tests.api.contract import check_contract
from tests.api.edge import Front
from tests.api.serving import ApiApp, serve_http

POSTED = ["/subscriptions"]


@pytest.fixture
def description(served: ApiApp) -> dict[str, Any]:
    answered: dict[str, Any] = served.get("/openapi.json").json
    return answered


def test_every_registered_route_and_none_else_is_described(served: ApiApp, description: dict[str, Any]) -> None:
    assert set(served.module.app.routes) - {ANY_PATH} == set(description["paths"])


def test_the_methods_of_every_route_are_described(served: ApiApp, description: dict[str, Any]) -> None:
    posted = [path for path, its in description["paths"].items() if "post" in its]
    assert posted == POSTED
    for path in set(description["paths"]) - {"/"}:
        expected = {"GET", "HEAD", "OPTIONS"} | ({"POST"} if path in posted else set())
        assert (path, set(served.module.app.routes[path])) == (path, expected)


def test_every_parameter_is_described_as_it_is_read(description: dict[str, Any]) -> None:
    for route in ROUTES:
        shared = description["components"]["parameters"]
        listed = description["paths"][route.path]["parameters"]
        found = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in listed]
        described = {(one["name"], one["in"]) for one in found}
        assert described == {(one.name, one.place) for one in route.parameters} | {("If-None-Match", "header")}


def test_every_example_is_taken_and_nothing_else_is(served: ApiApp) -> None:
    for route in ROUTES:
        for parameter in route.parameters:
            if parameter.place == "query":
                target = f"{_filled(route.path)}?{parameter.name}="
                assert served.get(target + parameter.example).status in (200, 404, 503)
                assert served.get(f"{target}%00").status == 400


def test_every_reference_in_the_description_leads_somewhere(description: dict[str, Any]) -> None:
    for reference in _references(description):
        found: Any = description
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_the_app_keeps_to_its_description(served: ApiApp, description: dict[str, Any]) -> None:
    with serve_http(served) as url:
        tried = check_contract(url, examples=25)
    assert len(tried) == 2 * len(description["paths"]) + len(POSTED)


def test_through_cloudfront_the_app_keeps_to_its_description_too(served: ApiApp, description: dict[str, Any]) -> None:
    with serve_http(Front(served)) as url:
        tried = check_contract(url, examples=3)
    assert len(tried) == 2 * len(description["paths"]) + len(POSTED)


def _filled(path: str) -> str:
    examples = {"date": "2020-02-20", "run_id": "2020-03-03T17:00:00Z", "name": "page.0123456789ab.js"}
    return path.format(**examples)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        yield from (reference for inner in part for reference in _references(inner))


def test_the_description_is_small_enough_to_read(description: dict[str, Any]) -> None:
    letters_a_route = len(json.dumps(description)) / len(description["paths"])
    assert letters_a_route < 2_200
