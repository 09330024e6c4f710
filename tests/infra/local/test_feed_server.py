import datetime as dt
import gzip
import http.client
from collections.abc import Iterator

import pytest

from infra.local.feed_server import AnsweredRequest, Fault, FeedServer
from tests.shared.declared import US_COVID

DATA = b"date,cases,deaths\n2020-10-24,8642909,224819"
MONDAY, TUESDAY = (dt.datetime(2020, 10, day, 17, tzinfo=dt.UTC) for day in (26, 27))


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.publish({"us.csv": DATA}, at=MONDAY)
        yield server


def get(server: FeedServer, name: str = "us.csv", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers; the body as far as it came. Header names with _ for -."""
    connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=5)
    connection.request("GET", f"/{name}", headers={name.replace("_", "-"): value for name, value in headers.items()})
    outgoing = connection.getresponse()
    try:
        body = outgoing.read()
    except http.client.IncompleteRead as short:
        body = short.partial
    connection.close()
    return outgoing.status, body, dict(outgoing.headers)


def test_it_serves_a_days_files_under_their_names(server: FeedServer) -> None:
    status, body, headers = get(server)
    assert (status, body) == (200, DATA)
    assert headers["Last-Modified"] == "Mon, 26 Oct 2020 17:00:00 GMT"
    assert headers["Content-Length"] == str(len(DATA))
    assert get(server, "other.csv")[0] == 404
    assert server.requests == [
        AnsweredRequest(name="us.csv", status=200, conditional=False),
        AnsweredRequest(name="other.csv", status=404, conditional=False),
    ]


def test_it_answers_a_conditional_get_with_304_until_the_file_changes(server: FeedServer) -> None:
    etag, modified = get(server)[2]["ETag"], get(server)[2]["Last-Modified"]
    server.publish({"us.csv": DATA}, at=TUESDAY)
    assert get(server, If_None_Match=etag)[:2] == (304, b"")
    assert get(server, If_Modified_Since=modified)[:2] == (304, b"")
    server.publish({"us.csv": DATA + b"\n"}, at=TUESDAY)
    assert get(server, If_None_Match=etag)[:2] == (200, DATA + b"\n")
    assert get(server, If_Modified_Since=modified)[2]["Last-Modified"] == "Tue, 27 Oct 2020 17:00:00 GMT"
    assert [request.conditional for request in server.requests[2:]] == [True] * 4


def test_a_file_that_is_no_longer_published_is_gone(server: FeedServer) -> None:
    server.publish({}, at=TUESDAY)
    assert get(server)[0] == 404


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (Fault.SERVER_ERROR, 500, b"the server has a problem\n"),
        (Fault.CUT_SHORT, 200, DATA[: len(DATA) // 2]),
        (Fault.EMPTY, 200, b""),
        (Fault.OTHER_HEADER, 200, b"new_date,new_cases,new_deaths\n2020-10-24,8642909,224819"),
    ],
)
def test_it_fails_as_it_is_set_to_and_recovers(server: FeedServer, fault: Fault, status: int, body: bytes) -> None:
    server.publish({"us.csv": DATA}, at=MONDAY, faults={"us.csv": fault})
    assert get(server)[:2] == (status, body)
    server.publish({"us.csv": DATA}, at=MONDAY)
    assert get(server)[:2] == (200, DATA)


def test_a_file_cut_short_announces_its_whole_length(server: FeedServer) -> None:
    server.publish({"us.csv": DATA}, at=MONDAY, faults={"us.csv": Fault.CUT_SHORT})
    assert get(server)[2]["Content-Length"] == str(len(DATA))


def test_an_html_page_comes_with_status_200(server: FeedServer) -> None:
    server.publish({"us.csv": DATA}, at=MONDAY, faults={"us.csv": Fault.HTML_PAGE})
    status, body, headers = get(server)
    assert (status, headers["Content-Type"]) == (200, "text/html")
    assert body.startswith(b"<!DOCTYPE html>")


def test_a_slow_file_stops_half_way_and_does_not_keep_the_server_from_stopping() -> None:
    with FeedServer() as server:
        server.publish({"us.csv": DATA}, at=MONDAY, faults={"us.csv": Fault.SLOW})
        connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=5)
        connection.request("GET", "/us.csv")
        outgoing = connection.getresponse()
        assert outgoing.read(len(DATA) // 2) == DATA[: len(DATA) // 2]
    with pytest.raises(http.client.IncompleteRead):
        outgoing.read()
    connection.close()


def test_it_can_be_as_hostile_as_servers_are(server: FeedServer) -> None:
    def answered(fault: Fault) -> tuple[int, bytes, dict[str, str]]:
        server.publish({"us.csv": DATA}, at=MONDAY, faults={"us.csv": fault})
        return get(server, Accept_Encoding="identity")

    status, body, headers = answered(Fault.GZIP)
    assert (status, gzip.decompress(body), headers["Content-Encoding"]) == (200, DATA, "gzip")
    status, _, headers = answered(Fault.TOO_MANY_REQUESTS)
    assert (status, headers["Retry-After"]) == (429, "3600")
    status, _, headers = answered(Fault.REDIRECT_AWAY)
    assert (status, headers["Location"]) == (302, "http://169.254.169.254/latest/meta-data/")
    assert [name.lower() for name in answered(Fault.TWO_LENGTHS)[2]].count("content-length") == 2
    with pytest.raises(http.client.HTTPException):
        answered(Fault.GARBAGE)


def test_it_can_answer_with_any_bytes(server: FeedServer) -> None:
    server.publish({"us.csv": DATA}, at=MONDAY, raw={"us.csv": b"HTTP/1.1 418 teapot\r\n\r\nshort"})
    assert get(server)[:2] == (418, b"short")
    assert server.requests == [AnsweredRequest(name="us.csv", status=0, conditional=False)]


def test_it_can_compress_for_those_who_take_it() -> None:
    with FeedServer(compressed=True) as server:
        server.publish({"us.csv": DATA}, at=MONDAY)
        status, body, headers = get(server, Accept_Encoding="gzip")
        assert (status, gzip.decompress(body), headers["Content-Encoding"]) == (200, DATA, "gzip")
        assert get(server, Accept_Encoding="identity")[1] == DATA


def test_it_says_where_each_feed_is(server: FeedServer) -> None:
    assert server.feed_urls(US_COVID) == {
        "nyt": f"{server.address}/us.csv",
        "jhu": f"{server.address}/time-series-19-covid-combined.csv",
    }
