"""Several datasets in one stage: whatever goes wrong with one, the others have their runs, mails and views."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from shared.runs import State
from tests.proof.concurrency import arrivals
from tests.proof.small_feeds import jhu, nyt, pair
from tests.proof.stories import SETTINGS, at
from tests.shared.declared import US_COVID
from tests.world import BUCKET, PublishedMail, World, world

TWIN = replace(US_COVID, name="twin", title="The same, under another name")
BOTH = ("us-covid", "twin")


@pytest.fixture
def system() -> Iterator[World]:
    with world(SETTINGS, beside=[TWIN]) as made:
        yield made


def other(name: str) -> str:
    return BOTH[1 - BOTH.index(name)]


def a_day(system: World, day: int, files: Mapping[str, Mapping[str, bytes]]) -> None:
    """Dataset -> its files of the day; all are fetched at the same time, and watched twice."""
    for name, of_one in files.items():
        system.publish(of_one, at=at(day), dataset=name)
    for name in files:
        system.schedule("fetch", at(day), dataset=name)
    system.settle()
    for time in ("18:30:00", "23:59:00"):
        system.schedule("watch", at(day, time))
        system.settle()


def mails_of(system: World, name: str) -> list[PublishedMail]:
    return [mail for mail in system.platform.mails if mail.dataset == name]


def kept_by(system: World, name: str) -> dict[str, Any]:
    """What readers and subscribers of a dataset have of it."""
    return {
        "runs": [(run.run_id, run.state, run.mail, run.views) for run in system.runs(dataset=name)],
        "mails": [(mail.kind, mail.subject) for mail in mails_of(system, name)],
        "rows": system.rows(dataset=name),
        "data": system.get(f"/{name}/data").json,
        "page": system.get(f"/{name}/").status,
    }


# --- ways to fail ----------------------------------------------------------------------------------------------------


def no_file(_system: World, _name: str) -> dict[str, bytes]:
    return {}


def no_feed(_system: World, _name: str) -> dict[str, bytes]:
    return {"nyt": b"<html>", "jhu": jhu(10)}


def rows_gone(_system: World, _name: str) -> dict[str, bytes]:
    return {"nyt": nyt(10, without=range(2, 8)), "jhu": jhu(10)}


def address_gone(system: World, name: str) -> dict[str, bytes]:
    """The fetcher cannot even be set up."""
    made = system.apps["fetcher"].collector

    def refuse(wanted: str = "") -> Any:
        if wanted == name:
            raise RuntimeError("a setting of this dataset is broken")
        return made(wanted)

    vars(system.apps["fetcher"])["collector"] = refuse
    return pair(10)


def merge_fails(system: World, name: str) -> dict[str, bytes]:
    def fail(*_: Any) -> int:
        raise RuntimeError("rows cannot be written")

    _with(system, "merger", "tools", name, write_rows=fail)
    return pair(10)


def mail_fails(system: World, name: str) -> dict[str, bytes]:
    def fail(_: Any) -> None:
        raise RuntimeError("the topic refuses it")

    _with(system, "notifier", "mailer", name, publish=fail)
    return pair(10)


def views_fail(system: World, name: str) -> dict[str, bytes]:
    """The change set of the day before is gone: nothing can be rendered upon it."""
    for key in [key for key in system.files() if key.startswith((f"views/{name}/{at(1)}", f"changesets/{name}/"))]:
        system.s3.delete_object(Bucket=BUCKET, Key=key)
    return pair(10)


def tools_fail(system: World, name: str) -> dict[str, bytes]:
    """Whatever the merger does of this dataset fails, its watch as well."""
    made = vars(system.apps["merger"])["tools"]

    def refuse(wanted: str = "") -> Any:
        if wanted == name:
            raise RuntimeError("nothing works")
        return made(wanted)

    vars(system.apps["merger"])["tools"] = refuse
    return pair(10)


def _with(system: World, service: str, root: str, name: str, **changed: Any) -> None:
    made = vars(system.apps[service])[root]
    vars(system.apps[service])[root] = lambda wanted="": replace(made(wanted), **(changed if wanted == name else {}))


WAYS: list[Callable[[World, str], dict[str, bytes]]] = [
    no_file,
    no_feed,
    rows_gone,
    address_gone,
    merge_fails,
    mail_fails,
    views_fail,
    tools_fail,
]


@pytest.mark.parametrize("fail", WAYS, ids=lambda it: it.__name__)
@pytest.mark.parametrize("broken", BOTH)
def test_what_goes_wrong_with_one_is_not_seen_in_the_other(
    system: World, broken: str, fail: Callable[[World, str], dict[str, bytes]]
) -> None:
    whole = other(broken)
    a_day(system, 1, dict.fromkeys(BOTH, pair(9)))
    files = fail(system, broken)
    a_day(system, 2, {broken: files, whole: pair(10)})
    last = system.runs(dataset=whole)[-1]
    assert (last.run_id, last.state, last.mail, last.views) == (at(2), State.COMMITTED, "SENT", "RENDERED")
    kept = kept_by(system, whole)
    assert [kind for kind, _ in kept["mails"]] == ["digest", "digest"]
    assert (len(kept["data"]), len(kept["rows"]), kept["page"]) == (10, 10, 200)
    assert kept != kept_by(system, broken) | {"mails": kept["mails"]}, "nothing went wrong"


@pytest.mark.parametrize("slow", BOTH)
def test_a_merge_that_hangs_holds_no_other_dataset_up(system: World, slow: str) -> None:
    whole = other(slow)
    a_day(system, 1, dict.fromkeys(BOTH, pair(9)))
    system.publish(pair(10), at=at(2), dataset=slow)
    system.schedule("fetch", at(2), dataset=slow)
    system.deliver(system.platform.inbox[-1])
    first, last = arrivals(system, 2)
    system.deliver(first)
    hanging = system.start(last, stop_at=9)

    system.publish(pair(10), at=at(2), dataset=whole)
    system.schedule("fetch", at(2), dataset=whole)
    system.settle()
    assert system.run(at(2), dataset=slow).state is State.MERGING
    kept = kept_by(system, whole)
    assert kept["runs"][-1] == (at(2), State.COMMITTED, "SENT", "RENDERED")
    assert ([kind for kind, _ in kept["mails"]], len(kept["data"])) == (["digest", "digest"], 10)

    hanging.finish()
    system.settle()
    assert kept_by(system, whole) == kept
    assert kept_by(system, slow)["runs"][-1] == (at(2), State.COMMITTED, "SENT", "RENDERED")


def test_two_datasets_keep_apart_what_they_have(system: World) -> None:
    a_day(system, 1, {"us-covid": pair(9), "twin": pair(5)})
    assert (len(system.rows()), len(system.rows(dataset="twin"))) == (9, 5)
    assert [(mail.dataset, mail.body.partition("\n")[0]) for mail in system.platform.mails] == [
        ("us-covid", "9 added, 0 changed, 0 removed; latest 2018-01-30"),
        ("twin", "5 added, 0 changed, 0 removed; latest 2018-01-26"),
    ]
    assert [TWIN.title[:20] in mail.subject for mail in system.platform.mails] == [False, True]


def test_a_path_without_a_dataset_is_the_first_ones_and_one_with_its_name_is_its_own(system: World) -> None:
    a_day(system, 1, {"us-covid": pair(9), "twin": pair(5)})
    assert [len(system.get(path).json) for path in ("/data", "/us-covid/data", "/twin/data")] == [9, 9, 5]
    assert system.get("/twin/data/2018-01-26").json["date"] == "2018-01-26"
    assert len(system.get(f"/twin/runs/{at(1)}/changes").json["added"]) == 5
    assert system.get("/twin").headers["location"] == "./twin/"


def test_a_dataset_that_is_not_there_is_a_404_that_lists_what_there_is(system: World) -> None:
    answer = system.get("/france/data")
    assert (answer.status, answer.json["detail"], answer.json["datasets"]) == (
        404,
        "this stage has no dataset 'france'; it has us-covid, twin",
        ["us-covid", "twin"],
    )


def test_the_overview_shows_each_dataset_with_its_newest_numbers_and_leads_to_its_page(system: World) -> None:
    a_day(system, 1, {"us-covid": pair(9), "twin": pair(5)})
    page = system.get("/").text
    for name, newest, rows in (("us-covid", "907", 9), ("twin", "507", 5)):
        section = page[page.index(f'<section aria-labelledby="{name}">') :]
        section = section[: section.index("</section>")]
        assert (f'<a href="{name}/">' in section, f">{newest}</data>" in section) == (True, True)
        assert (section.count('class="spark"'), f"<dd>changed {rows} rows</dd>" in section) == (3, True)
    assert system.get("/?as_of=2018-01-30").headers["location"] == "./us-covid/?as_of=2018-01-30"


def test_the_overview_is_there_before_the_first_commit(system: World) -> None:
    page = system.get("/")
    assert (page.status, page.text.count("No run has brought any rows yet.")) == (200, 2)


def test_one_feed_tells_of_all_with_absolute_addresses_and_each_has_its_own(system: World) -> None:
    a_day(system, 1, {"us-covid": pair(9), "twin": pair(5)})
    feed, own = system.get("/changes.atom").text, system.get("/twin/changes.atom").text
    assert [feed.count(f"<title>{name}: ") for name in BOTH] == [1, 1]
    assert 'href="https://localhost/test/twin/?as_of=' in feed
    assert (own.count("<entry>"), 'href="https://localhost/test/twin/changes.atom"' in own) == (1, True)


def test_health_is_that_of_the_worst_and_of_each(system: World) -> None:
    a_day(system, 1, {"us-covid": pair(9), "twin": {}})
    health = system.get("/health").json
    assert (health["status"], {name: it["status"] for name, it in health["datasets"].items()}) == (
        "empty",
        {"us-covid": "ok", "twin": "empty"},
    )


def test_programs_find_the_datasets_with_their_newest_numbers(system: World) -> None:
    a_day(system, 1, {"us-covid": pair(9), "twin": pair(5)})
    found = {it["name"]: it for it in system.get("/datasets").json}
    assert (list(found), found["twin"]["path"], found["twin"]["rows"]) == (["us-covid", "twin"], "twin/", 5)
    assert found["twin"]["latest"] == {"date": "2018-01-26", "cases": 507, "deaths": 5, "recoveries": 40}


def test_openapi_describes_every_path_that_is_answered_without_a_dataset_and_names_the_others(system: World) -> None:
    described = system.get("/openapi.json").json
    assert "us-covid/openapi.json, twin/openapi.json" in described["info"]["description"]
    assert {"/", "/datasets", "/health"} <= set(described["paths"])
    assert system.get("/twin/openapi.json").json["info"]["title"] == TWIN.title


def test_the_line_of_every_handler_names_the_dataset(system: World) -> None:
    system.publish(pair(9), at=at(1), dataset="twin")
    system.schedule("fetch", at(1), dataset="twin")
    named = set()
    while not system.quiet:
        handler = system.next_handler
        system.deliver_next()
        named.add((handler, json.loads(system.lines.getvalue().splitlines()[-1])["dataset"]))
    handlers = ("fetch", "on_feed_arrived", "on_run_ended", "refresh_views")
    assert named == {(handler, "twin") for handler in handlers}


def test_a_mail_links_to_its_datasets_page_and_its_commands_name_it() -> None:
    with world(SETTINGS | {"DASHBOARD_URL": "https://stats.example.org/"}, beside=[TWIN]) as made:
        a_day(made, 1, {"twin": {"nyt": b"<html>", "jhu": jhu(9)}, "us-covid": pair(9)})
        [failure] = [mail for mail in made.platform.mails if mail.kind == "failure"]
        [digest] = [mail for mail in made.platform.mails if mail.kind == "digest"]
    assert f"make redrive RUN={at(1)} STAGE=test DATASET=twin" in failure.body
    assert f"https://stats.example.org/twin/runs/{at(1)}\n" in failure.body
    assert f"https://stats.example.org/us-covid/runs/{at(1)}/changes\n" in digest.body


def test_a_dataset_called_like_a_route_is_refused() -> None:
    from chalicelib.routes.endpoints import ROUTES
    from shared.datasets import RESERVED

    first = {route.path.split("/")[1].partition(".")[0] for route in ROUTES} - {""}
    assert first <= RESERVED
