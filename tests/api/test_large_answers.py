"""Every kind of list at the size where an answer would be more than a Lambda function may send, also beyond ASCII."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.routes import change_answers
from chalicelib.web import pages
from chalicelib.web.documents import JSON, LARGEST, Document, Reply, sent_size
from chalicelib.web.pages import PAGE_BYTES, fill_page
from chalicelib.web.problems import AnswerTooLarge
from chalicelib.web.requests import Request
from chalicelib.web.responses import fit
from tests.api.committing import Committer, Key
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp

LAMBDA = 6 * 1024 * 1024
"""Bytes that a function may answer with, as JSON in UTF-8."""
REQUEST = Request(method="GET", route="/data", path="/data", stage_path="/data", path_values={}, query={}, headers={})
TEXTS = {
    "ascii": "a",
    "quotes": '"',
    "lines": "\n",
    "two bytes": "\u00e9",
    "three bytes": "\u6771",
    "four bytes": "\U0001f600",
    "half a pair": "\ud800",
}


def as_sent(answer: Any) -> int:
    """Bytes of what the runtime makes of a proxy response."""
    return len(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("letter", TEXTS.values(), ids=TEXTS)
def test_the_size_of_a_text_is_that_of_its_bytes_as_json(letter: str) -> None:
    assert (
        sent_size(letter * 1000)
        == len(json.dumps(letter * 1000, ensure_ascii=False).encode("utf-8", "surrogatepass")) - 2
    )


@pytest.mark.parametrize("letter", [it for name, it in TEXTS.items() if name != "half a pair"])
def test_an_answer_as_large_as_is_allowed_is_one_that_lambda_sends_and_one_letter_more_is_refused(letter: str) -> None:
    most = LARGEST // sent_size(letter)
    sent = fit(Reply(document=Document(JSON, plain=(letter * most).encode())), REQUEST)
    assert LARGEST - 8 < as_sent(sent.to_proxy_response()) <= LAMBDA
    with pytest.raises(AnswerTooLarge):
        fit(Reply(document=Document(JSON, plain=(letter * (most + 1)).encode())), REQUEST)


@pytest.mark.parametrize("letter", [it for name, it in TEXTS.items() if name != "half a pair"])
def test_a_page_is_full_before_it_is_more_than_an_answer(letter: str) -> None:
    """Rows of any letters, each as large as an item of the ledger can be."""
    row = json.dumps(letter * (400_000 // sent_size(letter)), ensure_ascii=False)
    shown, texts, more = fill_page((n, row) for n in range(100))
    assert (more, len(shown)) == (True, len(texts))
    body = f"[{','.join(texts)}]\n"
    assert PAGE_BYTES < sent_size(body) <= LARGEST
    fit(Reply(document=Document(JSON, plain=body.encode())), REQUEST)


NAMES = ["\u6771\u4eac\u90fd" * 30 + str(n) for n in range(6)]


@pytest.fixture
def regions(regions_api: ApiApp, regions_committer: Committer) -> ApiApp:
    rows: dict[Key, list[int | None]] = {(name, f"2020-03-0{day}"): [day, day * 10] for name in NAMES for day in (1, 2)}
    regions_api.refresh(regions_committer.commit("2020-03-04T17:00:00Z", rows))
    return regions_api


def pages_of(api: ApiApp, target: str) -> Iterator[Any]:
    """Each page, by its links; none without rows."""
    base = target.rpartition("/")[0]
    while target:
        answer = api.get(target)
        assert answer.status == 200, answer.text
        yield answer
        link = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
        target = f"{base}/{link}" if link else ""


@pytest.mark.parametrize(
    "target",
    [
        "/series",
        "/data",
        "/data?format=csv&limit=100",
        "/data/2020-03-02",
        "/vintages",
        "/vintages?format=csv&limit=100",
        "/runs/2020-03-04T17:00:00Z/changes?format=csv",
    ],
)
def test_lists_of_long_names_beyond_ascii_come_in_pages_that_together_are_the_whole(
    regions: ApiApp, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    [whole] = pages_of(regions, target)
    regions.module.site.cache_clear()
    for module in (pages, change_answers):
        monkeypatch.setattr(module, "PAGE_BYTES", 900)
    _forget_pages()
    parts = list(pages_of(regions, target))
    assert len(parts) > 1
    assert max(sent_size(part.text) for part in parts) < 900 + 1000
    if "format=csv" in target:
        lines = [part.text.splitlines() for part in parts]
        assert [lines[0][0], *(line for its in lines for line in its[1:])] == whole.text.splitlines()
    else:
        assert [row for part in parts for row in part.json] == whole.json


def _forget_pages() -> None:
    from chalicelib.routes import vintage_answers

    vintage_answers._page.cache_clear()


def test_runs_with_long_reasons_come_in_pages(
    served: ApiApp, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(5, 9):
        committer.end(f"2020-03-0{day}T17:00:00Z", "FAILED", reason="\u6771" * 600)
    [whole] = pages_of(served, "/runs?limit=100")
    monkeypatch.setattr(pages, "PAGE_BYTES", 3000)
    parts = list(pages_of(served, "/runs?limit=100"))
    assert len(parts) > 1
    assert [run for part in parts for run in part.json] == whole.json


def test_a_feed_has_as_many_entries_as_fit(
    served: ApiApp, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_BYTES", 1)
    assert served.get("/changes.atom").text.count("<entry>") == 1
    monkeypatch.undo()
    committer.commit("2020-03-05T17:00:00Z", some_rows(days=43))
    assert served.get("/changes.atom").text.count("<entry>") == 3
