"""Requests, through the real app: what is answered, how it may be cached, and what is said to a wrong one."""

import gzip
import json

import pytest

from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp

GZIP = {"Accept": "*/*", "Accept-Encoding": "gzip, br"}


def test_before_the_first_commit_tables_are_empty_arrays(api: ApiApp) -> None:
    for path in ("/data", "/daily", "/weekly", "/monthly"):
        answer = api.get(path)
        assert (answer.status, answer.json) == (200, [])
    assert api.get("/weekly?format=csv").text == "date,cases,deaths,recoveries,complete\n"
    assert api.get("/data?format=csv").text == "date,cases,deaths,recoveries\n"


def test_a_range_is_inclusive_on_both_sides(served: ApiApp) -> None:
    rows = served.get("/data?from=2020-02-19&to=2020-02-21").json
    assert rows == [
        {"date": "2020-02-19", "cases": 4060, "deaths": 28, "recoveries": 54},
        {"date": "2020-02-20", "cases": 2000, "deaths": 21, "recoveries": 5},
        {"date": "2020-02-21", "cases": 4650, "deaths": 30, "recoveries": 60},
    ]


@pytest.mark.parametrize("path", ["/data", "/daily", "/weekly", "/monthly"])
@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("from=2020-02-10", "2020-02-10", "9"),
        ("to=2020-02-10", "0", "2020-02-10"),
        ("from=2030-01-01", "2030-01-01", "9"),
    ],
)
def test_a_range_cuts_what_the_whole_answer_has(served: ApiApp, path: str, query: str, start: str, end: str) -> None:
    whole = served.get(path).json
    last = {("/weekly", "2020-02-10"): "2020-02-16", ("/monthly", "2020-02-10"): "2020-02-29"}.get((path, end), end)
    assert [row for row in whole if start <= row["date"] <= last] == served.get(f"{path}?{query}").json
    lines = served.get(f"{path}?format=csv").text.splitlines(keepends=True)
    kept = [lines[0], *(line for line in lines[1:] if start <= line[:10] <= last)]
    assert "".join(kept) == served.get(f"{path}?format=csv&{query}").text


def test_csv_comes_as_a_download_named_for_what_it_is(served: ApiApp) -> None:
    answer = served.get("/daily?format=csv&as_of=2020-03-02&to=2020-01-23")
    assert answer.text == "date,cases,deaths,recoveries,complete\n2020-01-22,0,0,,true\n2020-01-23,10,1,,true\n"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert (
        answer.headers["content-disposition"]
        == 'attachment; filename="us-covid-daily-to-2020-01-23-as-of-2020-03-02.csv"'
    )


def test_as_of_answers_what_was_known_at_the_end_of_that_day(served: ApiApp) -> None:
    def cases(day: str) -> list[int]:
        then = f"&as_of=2020-{day}" if day else ""
        return [row["cases"] for row in served.get(f"/data?from=2020-02-20&to=2020-02-20{then}").json]

    days = ("03-01", "03-02", "03-03", "03-04", "")
    assert [cases(day) for day in days] == [[], [4350], [2000], [2000], [2000]]


def test_as_of_passes_over_a_run_that_was_let_pass_only_later(api: ApiApp, committer: Committer) -> None:
    api.refresh(committer.commit("2020-03-02T17:00:00Z", some_rows(days=40)))
    api.refresh(committer.commit("2020-03-03T17:00:00Z", some_rows(days=41), known_from="2020-03-05T09:00:00Z"))
    counts = [len(api.get(f"/data?as_of=2020-03-0{day}").json) for day in (2, 3, 4, 5)]
    assert counts == [40, 40, 40, 41]


def test_as_of_a_run_whose_views_are_not_there_says_so(api: ApiApp, committer: Committer) -> None:
    committer.commit("2020-03-02T17:00:00Z", some_rows(days=3))
    answer = api.get("/data?as_of=2020-03-02")
    assert (answer.status, answer.json["detail"]) == (503, "the views of run 2020-03-02T17:00:00Z are not rendered")
    assert answer.headers["retry-after"] == "30"


def test_gzip_is_given_to_who_takes_it_and_the_tags_differ(served: ApiApp) -> None:
    packed, plain = served.get("/daily", headers=GZIP), served.get("/daily")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert {packed.headers["vary"], plain.headers["vary"]} == {"Accept-Encoding"}


@pytest.mark.parametrize(
    ("header", "packed"),
    [
        ("gzip", True),
        ("*", True),
        ("br;q=1, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("br", False),
        ("", False),
    ],
)
def test_accept_encoding_is_read_as_it_is_meant(served: ApiApp, header: str, packed: bool) -> None:
    answer = served.get("/daily", headers={"Accept": "*/*", "Accept-Encoding": header})
    assert packed == ("content-encoding" in answer.headers)


def test_without_an_accept_header_nothing_is_packed_as_the_gateway_would_hand_on_base64(served: ApiApp) -> None:
    assert "content-encoding" not in served.get("/daily", headers={"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize("headers", [GZIP, {"Accept": "*/*"}])
@pytest.mark.parametrize("path", ["/daily", "/data?from=2020-02-20", "/runs", "/", "/openapi.json", "/changes.atom"])
def test_what_the_client_has_is_not_sent_again(served: ApiApp, path: str, headers: dict[str, str]) -> None:
    first = served.get(path, headers=headers)
    again = served.get(path, headers=headers | {"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (304, b"", first.headers["etag"]) == (again.status, again.body, again.headers["etag"])
    assert first.headers["cache-control"] == again.headers["cache-control"]


def test_an_old_tag_gets_the_new_answer(api: ApiApp, committer: Committer) -> None:
    api.refresh(committer.commit("2020-03-02T17:00:00Z", some_rows(days=3)))
    old = api.get("/data").headers["etag"]
    api.refresh(committer.commit("2020-03-03T17:00:00Z", some_rows(days=4)))
    answer = api.get("/data", headers={"Accept": "*/*", "If-None-Match": old})
    assert (answer.status, len(answer.json)) == (200, 4)


def test_head_has_the_headers_of_get_and_no_body(served: ApiApp) -> None:
    get, head = served.get("/daily", headers=GZIP), served.ask("HEAD", "/daily", headers=GZIP)
    assert (head.status, head.body, head.headers) == (200, b"", get.headers)


def test_any_origin_may_read_and_a_preflight_is_answered(served: ApiApp) -> None:
    assert served.get("/data").headers["access-control-allow-origin"] == "*"
    answer = served.ask("OPTIONS", "/runs/2020-03-02T17:00:00Z")
    assert (
        answer.status,
        answer.body,
        answer.headers["access-control-allow-methods"],
    ) == (204, b"", "GET, HEAD, OPTIONS")


def test_a_held_pointer_serves_until_it_is_old_or_the_client_asks_for_what_is_fresh(
    api: ApiApp, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIEWS_TTL_MS", "3600000")
    api.refresh(committer.commit("2020-03-02T17:00:00Z", some_rows(days=3)))
    assert len(api.get("/data").json) == 3
    api.refresh(committer.commit("2020-03-03T17:00:00Z", some_rows(days=4)))
    assert len(api.get("/data").json) == 3
    assert len(api.get("/data", headers={"Accept": "*/*", "Cache-Control": "no-cache"}).json) == 4
    assert len(api.get("/data").json) == 4


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("/data?colour=red", {"parameter": "colour", "value": "red"}),
        ("/data?from=", {"parameter": "from", "value": ""}),
        ("/data?from=2020-02-30", {"parameter": "from", "value": "2020-02-30"}),
        ("/data?to=20200201", {"parameter": "to", "value": "20200201"}),
        ("/data?to=%D9%A2020-02-01", {"parameter": "to", "value": "٢020-02-01"}),
        ("/data?from=2020-02-02&to=2020-02-01", {"parameter": "from", "value": "2020-02-02"}),
        ("/data?from=2020-02-02&from=2020-02-03", {"parameter": "from", "value": "2020-02-02, 2020-02-03"}),
        ("/data?format=xml", {"parameter": "format", "value": "xml"}),
        ("/data?as_of=today", {"parameter": "as_of", "value": "today"}),
        ("/data?series=US", {"parameter": "series", "value": "US"}),
        ("/data/2020-13-01", {"parameter": "date", "value": "2020-13-01"}),
        ("/runs?limit=0", {"parameter": "limit", "value": "0"}),
        ("/runs?limit=101", {"parameter": "limit", "value": "101"}),
        ("/runs?limit=1e1", {"parameter": "limit", "value": "1e1"}),
        ("/runs?before=2020-02-30", {"parameter": "before", "value": "2020-02-30"}),
        ("/runs/latest", {"parameter": "run_id", "value": "latest"}),
        ("/changes?since=2020-03-02T17:00:00", {"parameter": "since", "value": "2020-03-02T17:00:00"}),
        ("/health?x=" + "y" * 6000, {"parameter": "x", "value": "y" * 77 + "..."}),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value(served: ApiApp, target: str, problem: dict[str, str]) -> None:
    answer = served.get(target)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json | {"status": 400, "title": "Bad Request", "type": "about:blank"} | problem == answer.json
    assert problem["parameter"] in answer.json["detail"]


@pytest.mark.parametrize(
    ("target", "detail"),
    [
        ("/runs/1999-12-31T17:00:00Z", "there is no run 1999-12-31T17:00:00Z"),
        ("/runs/1999-12-31T17:00:00Z/changes", "there is no run 1999-12-31T17:00:00Z"),
        ("/data/1999-12-31", "no run ever had the date 1999-12-31"),
        ("/static/nothing.js", "there is no such file"),
        ("/static/..%2F..%2Fapp.py", "there is no such file"),
    ],
)
def test_what_is_not_there_is_a_404_that_names_it(served: ApiApp, target: str, detail: str) -> None:
    answer = served.get(target)
    assert (404, "application/problem+json", detail) == (
        answer.status,
        answer.headers["content-type"],
        answer.json["detail"],
    )


@pytest.mark.parametrize("target", ["/nothing", "/data/2020-01-01/more", "/static"])
def test_an_unknown_route_is_a_404_that_says_what_there_is(served: ApiApp, target: str) -> None:
    answer = served.get(target)
    assert (404, target) == (answer.status, answer.json["path"])
    assert "/changes.atom" in answer.json["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("target", ["/", "/data", "/data/2020-02-20", "/runs/2020-03-02T17:00:00Z/changes"])
def test_an_unknown_method_is_a_405_that_says_which_there_are(served: ApiApp, method: str, target: str) -> None:
    answer = served.ask(method, target, body="{}")
    assert (405, "GET, HEAD, OPTIONS", method) == (answer.status, answer.headers["allow"], answer.json["method"])


def test_a_body_where_none_belongs_is_refused(served: ApiApp) -> None:
    answer = served.ask("GET", "/data", body="{}")
    assert (answer.status, answer.json["detail"]) == (400, "the GET has a body; none is allowed")


def test_any_content_type_and_accept_header_is_taken(served: ApiApp) -> None:
    for headers in ({"Content-Type": "text/plain"}, {"Accept": "image/png"}, {"Content-Type": "application/xml"}):
        assert served.get("/data", headers=headers).status == 200


def test_a_fault_of_ours_shows_nothing_of_its_inside_and_the_log_has_it(
    served: ApiApp, capsys: pytest.CaptureFixture[str]
) -> None:
    served.module.site().view_store._client = None
    answer = served.get("/data")
    assert answer.json == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "this is a fault of ours; the operators see it in their log",
        "request_id": "request-1",
    }
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["outcome"], line["errors"], line["status"]) == ("AttributeError", 1, 500)


def test_a_store_that_does_not_answer_is_a_503_that_may_be_tried_again(
    served: ApiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        error = {"Error": {"Code": "SlowDown", "Message": "slow down"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
        raise client.exceptions.ClientError(error, "GetObject")

    client = served.module.site().view_store._client
    monkeypatch.setattr(client, "get_object", refuse)
    answer = served.get("/data")
    assert (
        answer.status,
        answer.json["detail"],
        answer.headers["retry-after"],
    ) == (503, "the store does not answer; try again", "30")


def test_each_request_leaves_one_line(served: ApiApp, capsys: pytest.CaptureFixture[str]) -> None:
    served.get("/data/2020-02-20")
    [line] = map(json.loads, capsys.readouterr().out.splitlines())
    assert tuple(line[name] for name in ("service", "handler", "route", "method", "status", "outcome")) == (
        "api",
        "serve",
        "/data/{date}",
        "GET",
        200,
        "ok",
    )


@pytest.mark.parametrize("path", ["/data", "/daily", "/weekly", "/monthly"])
@pytest.mark.parametrize("query", ["limit=3", "limit=3&from=2020-02-01", "limit=2&format=csv&to=2020-02-10"])
def test_pages_put_together_are_the_table(served: ApiApp, path: str, query: str) -> None:
    whole = served.get(f"{path}?{query.partition('&')[2]}")
    rows: list[object] = []
    target = f"{path[1:]}?{query}"
    while target:
        answer = served.get(f"/{target}")
        lines = answer.text.splitlines()[1:] if "csv" in query else answer.json
        assert len(lines) <= 3
        rows += lines
        target = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert rows == (whole.text.splitlines()[1:] if "csv" in query else whole.json)
