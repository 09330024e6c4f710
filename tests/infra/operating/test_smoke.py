"""What the smoke test calls a fault, asked of an endpoint that answers what it is told to."""

import json

from infra.operating.smoke import ON_AWS, PROBES, HttpResponse, find_faults

KINDS = {
    "/": ("text/html; charset=utf-8", b"<html>"),
    "/data": ("application/json", b"[]"),
    "/data?format=csv": ("text/csv", b"date,cases\n"),
    "/data?from=yesterday": ("application/problem+json", b'{"detail": "from is yesterday"}'),
    "/runs": ("application/json", b"[]"),
    "/changes.atom": ("application/atom+xml", b"<feed/>"),
    "/openapi.json": ("application/json", b'{"openapi": "3.1.0"}'),
    "/health": ("application/json", json.dumps({"status": "ok"}).encode()),
}


def answer(path: str) -> HttpResponse:
    kind, body = KINDS[path]
    status = 400 if path == "/data?from=yesterday" else 200
    return HttpResponse(status=status, headers={"content-type": kind} | ON_AWS, body=body)


def faults(**instead: HttpResponse) -> list[str]:
    """What is found where some paths answer otherwise; `/` is `page`, others have their own name."""
    paths = {"page": "/", "health": "/health", "data": "/data", "wrong": "/data?from=yesterday"}
    replies = {paths[name]: response for name, response in instead.items()}
    return list(find_faults(lambda path: replies.get(path) or answer(path), headers=ON_AWS))


def test_an_endpoint_that_answers_as_it_should_has_no_fault() -> None:
    assert faults() == []
    assert {probe.path for probe in PROBES} | {"/health"} == set(KINDS)


def test_a_wrong_status_and_a_wrong_type_are_faults() -> None:
    assert faults(
        data=HttpResponse(status=502, headers={"content-type": "application/json"}, body=b""),
        wrong=HttpResponse(status=400, headers={}, body=b""),
    ) == [
        "GET /data: 502 application/json; 200 application/json expected",
        "GET /data?from=yesterday: 400 of no type; 400 application/problem+json expected",
    ]


def test_a_body_that_is_not_the_expected_one_is_a_fault() -> None:
    response = HttpResponse(status=200, headers={"content-type": "application/json"}, body=b"{}")
    assert faults(data=response) == ["GET /data: the body does not hold '['; it begins b'{}'"]


def test_views_that_are_behind_are_a_fault() -> None:
    behind = HttpResponse(status=503, headers={"content-type": "application/json"}, body=b'{"status": "behind"}')
    assert faults(health=behind) == ["GET /health: 503, status None; one of ['empty', 'ok', 'rendering'] expected"]


def test_a_page_without_cloudfronts_headers_is_a_fault() -> None:
    bare = HttpResponse(status=200, headers={"content-type": "text/html", "x-frame-options": "DENY"}, body=b"<html>")
    assert faults(page=bare) == [
        "GET /: the header strict-transport-security is ''; 'max-age=31536000' expected",
        "GET /: the header x-content-type-options is ''; 'nosniff' expected",
        "GET /: the header referrer-policy is ''; 'no-referrer' expected",
    ]
