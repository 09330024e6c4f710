"""The dashboard's HTML as it is without JavaScript."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from chalicelib.pages.formatting import MINUS, percent
from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp
from tests.shared.declared import US_COVID

_WITHIN_A_LINE = {"a", "data", "span", "time"}


class Page(HTMLParser):
    """What a test needs to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.labelled: list[str] = []
        self.text = ""
        self.within = ""
        self.parts: dict[str, str] = {}
        """Styles and scripts within the page."""
        self.meta: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.text += "" if tag in _WITHIN_A_LINE else " "
        self.links += [attributes[name] or "" for name in ("href", "src", "action") if name in attributes]
        self.inline += [name for name in attributes if name.startswith("on") or name == "style"]
        inline = tag == "style" or (tag == "script" and "src" not in attributes)
        self.within = f"{tag} {attributes.get('type', '')}".strip() if inline else ""
        if tag == "meta" and "property" in attributes:
            self.meta[attributes["property"] or ""] = attributes["content"] or ""
        self.ids += [attributes["id"] or ""] if "id" in attributes else []
        self.labelled += (attributes.get("aria-labelledby") or attributes.get("for") or "").split()

    def handle_endtag(self, tag: str) -> None:
        self.within = ""

    def handle_data(self, data: str) -> None:
        if self.within:
            self.parts[self.within] = data
        else:
            self.text += data

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", self.text)


def page_of(api: ApiApp, target: str = "/") -> Page:
    return Page(api.get(target).text)


def test_the_page_leads_to_how_final_its_numbers_are_and_to_two_states(served: ApiApp) -> None:
    page = served.get("/?as_of=2020-03-03").text
    assert '<a href="revisions">How final these numbers are</a>' in page
    [form] = re.findall(r'<form class="known"[^>]*>(?:(?!</form>).)*name="compare".*?</form>', page, re.DOTALL)
    assert 'action="." method="get"' in form
    assert '<input type="hidden" name="as_of" value="2020-03-03">' in form
    assert served.get("/revisions", headers={"Accept": "text/html"}).status == 200
    compared = served.get("/?as_of=2020-03-03&compare=2020-03-02")
    assert (compared.status, "As of" in compared.text) == (200, True)


def test_the_numbers_read_without_javascript(served: ApiApp) -> None:
    words = page_of(served).words
    for expected in (
        "Monday 2 March 2020",
        "Cases 8,200 +400 new on Mon 2 Mar 7-day mean 370, ▲ +23.3 % on the week",
        "Last run 4 Mar 2020, 17:00 UTC",
        "It found nothing new",
        "Next run due 5 Mar 2020, 17:00 UTC",
        "3 Mar 2020, 17:00 UTC: 1 date added, 1 changed, 0 removed",
        "Run of 3 Mar 2020 20 Feb 2020 Cases 4,350 2,000 \N{MINUS SIGN}2,350",
        "Week to Cases Deaths Recoveries 8 Mar so far 400",
        "Data from The New York Times",
        "Johns Hopkins University",
    ):
        assert expected in words, expected


def test_every_address_is_relative_and_nothing_is_inline(served: ApiApp) -> None:
    page = page_of(served)
    sources = [feed.url for feed in US_COVID.feeds]
    assert [link for link in page.links if re.match(r"[a-z]+:|//|/", link)] == sources
    assert page.inline == []


def test_the_policy_allows_the_page_s_own_style_and_script_and_no_other(served: ApiApp) -> None:
    answer = served.get("/")
    page = Page(answer.text)
    hashes = {
        tag: f"'sha256-{base64.b64encode(hashlib.sha256(page.parts[tag].encode()).digest()).decode()}'"
        for tag in ("style", "script")
    }
    directives = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert directives["script-src"] == f"'self' {hashes['script']}"
    assert directives["style-src"].split()[-1] == hashes["style"]
    assert set(page.parts) == {"style", "script", "script application/ld+json"}


def test_a_preview_elsewhere_has_whole_addresses_and_a_picture(served: ApiApp) -> None:
    page = page_of(served, "/?as_of=2020-03-02")
    assert page.meta["og:image"] == "https://localhost/test/chart.png?theme=light&as_of=2020-03-02"
    assert page.meta["og:url"] == "https://localhost/test/?as_of=2020-03-02"
    assert page.meta["og:title"] == US_COVID.title
    described = json.loads(page.parts["script application/ld+json"])
    assert described["temporalCoverage"] == "2020-01-22/2020-03-01"
    assert described["distribution"][1]["contentUrl"] == "https://localhost/test/daily?format=csv"
    assert described["isBasedOn"] == [feed.url for feed in US_COVID.feeds]


def test_sources_licences_and_definitions_stand_on_the_page(served: ApiApp) -> None:
    words = page_of(served).words
    for feed in US_COVID.feeds:
        assert f"{feed.title}: {feed.credit} Licence of the data: {feed.licence}." in words
    assert "Cases Confirmed and probable cases since the beginning. A running total; what is new is" in words
    assert served.get("/openapi.json").json["info"]["license"] == {
        "name": "Free for non-commercial use with credit; ODC-PDDL 1.0"
    }


def test_every_address_of_the_page_leads_somewhere(served: ApiApp) -> None:
    for target in ("/", "/?as_of=2020-03-02"):
        for link in page_of(served, target).links:
            if not link.startswith(("#", "https:")):
                path = "/" + link.removeprefix("./").removeprefix(".")
                assert served.get(path).status == 200, link


def test_every_label_names_something_and_no_id_is_there_twice(served: ApiApp) -> None:
    page = page_of(served)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.labelled) <= set(page.ids)


def test_the_policy_allows_no_foreign_origin(served: ApiApp) -> None:
    policy = served.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "unsafe-inline" not in policy
    assert "http" not in policy


def test_as_of_turns_the_whole_page_back(served: ApiApp) -> None:
    page = page_of(served, "/?as_of=2020-03-02")
    assert "Sunday 1 March 2020" in page.words
    assert "This is what was known at the end of 2 Mar 2020: by the run of 2 Mar 2020, 17:00 UTC." in page.words
    assert "2,000" not in page.words
    assert "3 Mar 2020" not in page.words.replace("Next run due 3 Mar 2020", "")
    downloads = [link for link in page.links if "format=csv" in link]
    assert len(downloads) == 5  # one is for who has no JavaScript
    assert all("as_of=2020-03-02" in link for link in downloads)


def test_before_the_first_commit_the_page_says_so(api: ApiApp, committer: Committer) -> None:
    assert "No data yet No run has brought any rows yet." in page_of(api).words
    committer.end("2020-03-02T17:00:00Z", "INCOMPLETE", reason="feed nyt had not arrived by 23:00")
    words = page_of(api).words
    assert "It found incomplete: feed nyt had not arrived by 23:00" in words


def test_what_upstream_and_operators_write_is_escaped(api: ApiApp, committer: Committer) -> None:
    committer.end("2020-03-02T17:00:00Z", "REJECTED", reason="<script>alert(1)</script> & more")
    text = api.get("/").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text


def test_a_measure_that_is_no_longer_reported_keeps_its_last_value_and_says_so(
    api: ApiApp, committer: Committer
) -> None:
    rows = some_rows(days=40)
    gone = {key: [*values[:2], None if key[1] > "2020-02-25" else values[2]] for key, values in rows.items()}
    api.refresh(committer.commit("2020-03-02T17:00:00Z", gone))
    words = page_of(api).words
    assert "Recoveries 72 +3 new on Tue 25 Feb" in words
    assert "Not reported after 25 Feb 2020." in words
    assert "means not reported: it is not zero. Recoveries were last reported for 25 Feb 2020." in words


def test_a_measure_that_never_was_reported_is_shown_as_not_reported(api: ApiApp, committer: Committer) -> None:
    rows = {key: [*values[:2], None] for key, values in some_rows(days=3).items()}
    assert api.refresh(committer.commit("2020-03-02T17:00:00Z", rows)) == {"batchItemFailures": []}
    assert "Never reported." in page_of(api).words


def test_one_date_alone_makes_a_page(api: ApiApp, committer: Committer) -> None:
    assert api.refresh(committer.commit("2020-03-02T17:00:00Z", some_rows(days=1))) == {"batchItemFailures": []}
    assert "1 date from 22 Jan 2020 to 22 Jan 2020." in page_of(api).words


def test_a_store_that_was_emptied_makes_a_page(api: ApiApp, committer: Committer) -> None:
    api.refresh(committer.commit("2020-03-02T17:00:00Z", some_rows(days=1)))
    assert api.refresh(committer.commit("2020-03-03T17:00:00Z", {})) == {"batchItemFailures": []}
    assert api.get("/data").json == []
    assert "No data" in page_of(api).words


def test_without_a_slash_the_root_sends_on_to_where_relative_addresses_hold(served: ApiApp) -> None:
    event = served.event("GET", "/", headers={"Accept": "*/*"}, body=None)
    event["requestContext"]["path"] = "/test"
    answer = served.module.app(event, None)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (308, "./test/")


@pytest.mark.parametrize("run_id", ["2020-03-02T17:00:00Z"])
def test_a_page_and_its_static_files_are_cached_as_they_may_be(served: ApiApp, run_id: str) -> None:
    assert served.get("/").headers["cache-control"].startswith("public, max-age=0")
    for link in page_of(served).links:
        if link.startswith("static/"):
            assert served.get(f"/{link}").headers["cache-control"] == "public, max-age=31536000, immutable"


def test_first_load_and_the_next_day_s_visit_stay_light(served: ApiApp) -> None:
    headers = {"Accept": "*/*", "Accept-Encoding": "gzip"}
    fonts = [f"static/{name}" for name in served.module.ASSETS.all() if name.endswith(".woff2")]
    static = {link for link in page_of(served).links if link.startswith("static/")} | set(fonts)
    once = sum(len(served.get(f"/{link}", headers=headers).body) for link in static)
    daily = sum(len(served.get(path, headers=headers).body) for path in ("/", "/figures"))
    assert once + daily < 600_000
    assert daily < 60_000


def test_the_title_and_labels_come_from_the_declaration(served: ApiApp) -> None:
    words = page_of(served).words
    assert US_COVID.title in words
    assert all(measure.label in words for measure in US_COVID.measures)


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Encoding": "gzip"}


def test_a_link_with_what_others_append_to_it_shows_the_page(served: ApiApp) -> None:
    plain = served.get("/?as_of=2020-03-02").text
    assert served.get("/?utm_source=mail&as_of=2020-03-02&utm_source=x").text == plain
    assert served.get("/daily?utm_source=mail").status == 400


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        ("/nowhere", 404, "Not Found There is no '/nowhere'; there is /,"),
        ("/?as_of=yesterday", 400, "Bad Request As_of is 'yesterday'; allowed: a date that exists"),
        ("/data/2019-01-01", 404, "No run ever had the date 2019-01-01."),
        ("/daily?from=%3Cscript%3E", 400, "From is '<script>'"),
    ],
)
def test_what_is_wrong_is_a_page_for_a_person_and_json_for_a_program(
    served: ApiApp, target: str, status: int, words: str
) -> None:
    answer = served.get(target, headers=BROWSER)
    page = Page(answer.text)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-store", "Accept")
    assert words in page.words
    assert "/test/" in page.links
    assert page.inline == []
    program = served.get(target)
    assert (program.status, program.headers["content-type"]) == (status, "application/problem+json")
    assert program.json["status"] == status


def test_a_page_about_a_problem_of_a_dataset_s_own_path_leads_to_the_stage_s_root(served: ApiApp) -> None:
    style = next(it for it in Page(served.get("/runs/never", headers=BROWSER).text).links if it.endswith(".css"))
    assert style.startswith("/test/static/page.")


def test_a_share_is_not_rounded_twice() -> None:
    """5,352 after 6,694 is -20.05 %: the page's script rounds what is in `value`."""
    assert percent(5352 / 6694 - 1) == f'<data value="-0.200478" class="percent">{MINUS}20.0 %</data>'


def test_a_feed_that_stands_still_is_named_and_one_that_moved_without_a_commit_is_not(
    api: ApiApp, committer: Committer
) -> None:
    rows, first = some_rows(days=40), "2020-03-02T17:00:00Z"
    api.refresh(committer.commit(first, rows))
    committer.end("2020-03-09T17:00:00Z", "UNCHANGED", base_run_id=first)
    still = "Numbers stand still Johns Hopkins University CSSE since 2 Mar 2020 (7 days)"
    committer.put_head(rows_since={"nyt": "2020-03-09T17:00:00Z", "jhu": first})
    assert f"{still} Over time" in page_of(api).words
    for day in ("2020-03-09", "2020-03-02"):
        assert "Numbers stand still" not in page_of(api, f"/?as_of={day}").words
    committer.put_head(rows_since={"nyt": first, "jhu": "2020-03-09T17:00:00Z"})
    assert (
        "Numbers stand still The New York Times, US national since 2 Mar 2020 (7 days) Over time" in page_of(api).words
    )


def test_of_a_past_day_it_is_named_only_where_its_last_run_was_a_commit(api: ApiApp, committer: Committer) -> None:
    """After a commit a feed may have moved without another: what the commit wrote down is not what was known then."""
    rows, first, second = some_rows(days=40), "2020-03-02T17:00:00Z", "2020-03-09T17:00:00Z"
    committer.commit(first, rows)
    newer = dict(list(rows.items())[:-1])
    api.refresh(committer.commit(second, newer, rows_since={"nyt": second, "jhu": first}))
    committer.end("2020-03-10T17:00:00Z", "UNCHANGED", base_run_id=second)
    still = "Numbers stand still Johns Hopkins University CSSE since 2 Mar 2020 (7 days)"
    assert still in page_of(api, "/?as_of=2020-03-09").words
    assert "Numbers stand still" not in page_of(api, "/?as_of=2020-03-10").words


def test_sentences_name_the_date_where_a_measure_ends_before_the_others(api: ApiApp, committer: Committer) -> None:
    """What is "at the end" would be read as of the newest date of the page, 28 February."""
    rows = some_rows(days=38)
    newest = sorted(rows)[-5:]
    short = {key: [*values[:2], None] if key in newest else values for key, values in rows.items()}
    api.refresh(committer.commit("2020-02-29T17:00:00Z", short))
    words = page_of(api).words
    [course] = re.findall(r"Recoveries: the 7-day mean[^.]*\.", words)
    assert "at the end" not in course
    assert "on 23 Feb 2020" in course
    in_all = words[words.index("In all", words.index("Last 6 months")) :].partition(".")[0]
    assert re.fullmatch(r"In all [\d,]+ cases, [\d,]+ deaths, [\d,]+ recoveries in 23 days", in_all)
