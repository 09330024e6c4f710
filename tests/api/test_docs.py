"""/docs: every example on it is followed, and nothing on it comes from elsewhere."""

import re
from collections.abc import Sequence
from html import unescape
from urllib.parse import urlsplit

import pytest

from chalicelib.routes.endpoints import endpoints_of
from tests.api.committing import Committer, Key
from tests.api.serving import Answer, ApiApp


def links_of(page: Answer) -> list[str]:
    return [unescape(link) for link in re.findall(r'(?:href|src)="([^"#]+)"', page.text)]


def fetched(api: ApiApp, link: str) -> int:
    return api.get("/" + link.removeprefix("./")).status


def parameters_without_a_link(page: Answer) -> list[str]:
    addresses = page.text.partition('id="addresses"')[2]
    cells = re.findall(r'<th scope="row"><code>(\w+)</code></th><td>[^<]*</td><td>(<?a?)', addresses)
    return [name for name, link in cells if link != "<a"]


def test_no_two_landmarks_of_the_page_have_one_name(served: ApiApp) -> None:
    page = served.get("/docs").text
    names = re.findall(r'<(?:section|div)[^>]* (aria-labelledby="\w+"|aria-label="[^"]+")', page)
    assert len(names) > 20
    assert sorted(names) == sorted(set(names))


@pytest.fixture
def regions(regions_api: ApiApp, regions_committer: Committer) -> ApiApp:
    rows: dict[Key, Sequence[int | None]] = {
        ("north", "2020-03-03"): [5, 100],
        ("south & west", "2020-03-02"): [2, 10],
    }
    regions_api.refresh(regions_committer.commit("2020-03-04T17:00:00Z", rows))
    return regions_api


def test_every_example_of_a_dataset_of_one_series_is_answered(served: ApiApp) -> None:
    page = served.get("/docs")
    assert {link: fetched(served, link) for link in links_of(page)} == dict.fromkeys(links_of(page), 200)
    assert parameters_without_a_link(page) == []


def test_every_example_of_a_dataset_of_several_series_is_answered(regions: ApiApp) -> None:
    page = regions.get("/docs")
    assert {link: fetched(regions, link) for link in links_of(page)} == dict.fromkeys(links_of(page), 200)
    assert parameters_without_a_link(page) == []
    assert "daily?series=south%20%26%20west" in links_of(page) or "daily?series=north" in links_of(page)


def test_below_a_datasets_name_the_examples_are_its_own(served: ApiApp) -> None:
    page = served.get("/us-covid/docs")
    assert {fetched(served, "us-covid/" + link.removeprefix("./")) for link in links_of(page)} == {200}
    assert "/test/us-covid/latest" in page.text


def test_before_the_first_commit_the_page_is_there_and_its_links_are_answered(api: ApiApp) -> None:
    page = api.get("/docs")
    answered = {link: fetched(api, link) for link in links_of(page) if link != "latest"}
    assert (page.status, set(answered.values())) == (200, {200})


def test_every_route_and_every_parameter_is_on_the_page(served: ApiApp) -> None:
    page = served.get("/docs").text
    for endpoint in endpoints_of(has_series=False):
        _, _, article = page.partition(f'<article aria-label="{endpoint.path}">')
        found = re.findall(r'<th scope="row"><code>(\w+)</code>', article.partition("</article>")[0])
        assert found == [parameter.name for parameter in endpoint.parameters]


def test_the_page_asks_no_other_host(served: ApiApp) -> None:
    page = served.get("/docs")
    assert {urlsplit(link).netloc for link in links_of(page)} == {""}
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("word", ["null", "zero", "gaps", "time-zones", "vintages"])
def test_what_numbers_mean_is_explained_once(served: ApiApp, word: str) -> None:
    assert served.get("/docs").text.count(f'<dt id="{word}">') == 1


def test_what_a_declaration_says_is_escaped(regions: ApiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE", "<script>alert(1)</script>")
    regions.module.site.cache_clear()
    assert "<script>alert" not in regions.get("/docs").text
    assert "&lt;script&gt;alert(1)" in regions.get("/docs").text
