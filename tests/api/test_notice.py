"""What an operator wants every reader to see, such as that the numbers are no real ones."""

from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from infra.local.demo_feeds import NOTICE
from tests.api.serving import ApiApp
from tests.api.test_page import page_of

PATHS = ("/", "/data", "/daily?format=csv", "/data/2020-02-20", "/figures", "/runs", "/changes", "/health", "/nowhere")


@pytest.fixture
def noticed(served: ApiApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiApp]:
    """Its operator has set `NOTICE` after its views were rendered."""
    yield from serving_notice(served, monkeypatch, NOTICE)


def serving_notice(served: ApiApp, monkeypatch: pytest.MonkeyPatch, notice: str) -> Iterator[ApiApp]:
    monkeypatch.setenv("NOTICE", notice)
    served.module.site.cache_clear()
    yield served


def test_without_a_notice_of_the_operator_none_is_shown(served: ApiApp) -> None:
    assert [path for path in PATHS if "notice" in served.get(path).headers] == []
    assert '<aside class="notice"' not in served.get("/").text
    assert served.get("/health").json["notice"] == ""


def test_every_page_says_it_before_the_numbers(noticed: ApiApp) -> None:
    for target in ("/", "/?as_of=2020-03-02", "/?as_of=2019-01-01"):
        words = page_of(noticed, target).words
        assert words.index(NOTICE) < words.index("Runs")
    assert page_of(noticed, "/?as_of=2020-03-02").words.count("This is what was known") == 1


def test_every_answer_says_it_in_a_header_that_scripts_may_read(noticed: ApiApp) -> None:
    answers = {path: noticed.get(path).headers for path in PATHS}
    assert {path: answer.get("notice") for path, answer in answers.items()} == dict.fromkeys(PATHS, NOTICE)
    assert "Notice" in answers["/data"]["access-control-expose-headers"]


def test_an_answer_that_the_client_has_already_says_it_too(noticed: ApiApp) -> None:
    tag = noticed.get("/data").headers["etag"]
    again = noticed.get("/data", headers={"Accept": "*/*", "If-None-Match": tag})
    assert (again.status, again.headers["notice"]) == (304, NOTICE)


def test_health_the_description_and_the_feed_say_it(noticed: ApiApp) -> None:
    assert noticed.get("/health").json["notice"] == NOTICE
    described = noticed.get("/openapi.json").json["info"]["description"]
    assert described.startswith(f"{NOTICE} Data from The New York Times")
    feed = ET.fromstring(noticed.get("/changes.atom").body)
    assert feed.findtext("{http://www.w3.org/2005/Atom}subtitle") == NOTICE


def test_it_is_escaped_and_brought_into_one_line(served: ApiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    notice = "  <b>100 %</b> généré\r\nSet-Cookie: a=b  "
    [api] = serving_notice(served, monkeypatch, notice)
    assert "<p>&lt;b&gt;100 %&lt;/b&gt; généré Set-Cookie: a=b</p>" in api.get("/").text
    header = api.get("/data").headers["notice"]
    assert header.isascii() and header.isprintable()
    assert unquote(header) == "<b>100 %</b> généré Set-Cookie: a=b"
    assert ET.fromstring(api.get("/changes.atom").body) is not None
