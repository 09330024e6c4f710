"""What sends no event is found: late feeds, stuck merges, a schedule that does not fire, a feed that stands still."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.runs.merge_tools import Tools
from chalicelib.runs.merging import merge_run
from chalicelib.runs.watching import _DAILY, WatchPolicy, _feed_ages
from chalicelib.runs.watching import watch as watch_runs
from shared.attributes import to_item
from shared.dataset import ONE_SERIES, Dataset, Period
from shared.declaration import STALE_AFTER_DAYS
from shared.errors import NotAllowed
from shared.ledger import Ledger
from shared.runs import State, parse_time, run_id_at
from tests.proof.small_feeds import date, jhu, nyt, pair
from tests.proof.stories import a_day, at, carry, fetch, merge_dies, publish, together, watch
from tests.proof.troubles import (
    BAD_ITEMS,
    FUTURE,
    MORE,
    ROWS,
    SETTINGS,
    a_bad_item_stops_nothing_else,
    a_command_of_the_future_is_refused,
    a_mail_is_sent_once_it_can_be,
    a_mail_whose_answers_are_lost_is_spoken_of,
    an_approval_while_another_run_writes_says_what_it_gives_way_to,
    an_event_of_the_future_begins_nothing,
    what_a_run_of_the_future_supersedes_is_mailed_about,
)
from tests.shared.calls import CrashPoint, Fault, Invocation
from tests.shared.declared import US_COVID
from tests.shared.refusing import transactions_are_cancelled
from tests.world import ANN_RECORDED, BUCKET, RUNS_TABLE, PublishedMail, World, world


@pytest.fixture(scope="module")
def deployment() -> Iterator[Any]:
    with world(SETTINGS) as made:
        carry(made, a_day(1, pair(ROWS)))
        yield made, made.save()


@pytest.fixture
def fresh(deployment: tuple[World, Any]) -> World:
    """Nothing has happened yet."""
    made, _ = deployment
    made.restore(made.new)
    return made


def mails(system: World) -> list[tuple[str, str]]:
    return [(mail.kind, mail.subject.removeprefix("[test] covid-stats: ")) for mail in system.platform.mails[1:]]


def in_one_line(mail: PublishedMail) -> str:
    return " ".join(mail.body.split()).replace("Run", "run").replace("No run", "no run")


def test_a_feed_that_is_late_ends_the_run_only_after_the_deadline(system: World) -> None:
    carry(system, [publish(2, {"nyt": nyt(ROWS + 1)}), fetch(2), watch(2, "22:59:59")])
    assert system.run(at(2)).state is State.COLLECTING
    carry(system, [watch(2, "23:00:00")])
    run = system.run(at(2))
    assert run.state is State.INCOMPLETE
    assert run.reason.startswith(
        "feed jhu (Johns Hopkins University CSSE) had not arrived after 6 hours: HTTP 404 from"
    )
    assert [kind for kind, _ in mails(system)] == ["failure"]


@pytest.mark.parametrize("reading", [True, False])
def test_no_run_ends_while_a_restore_is_at_work(system: World, reading: bool) -> None:
    """One whose feed is late and one whose merge died each time wait until it is done."""
    carry(system, [together(publish(2, MORE), fetch(2), merge_dies(times=3, reading=reading))])
    carry(system, [publish(3, {"nyt": nyt(ROWS + 2)}), fetch(3)])
    ledger = Ledger(system.dynamodb, table=RUNS_TABLE, dataset="us-covid")
    ledger.close("a restore to 2020-03-01T18:00:00Z is at work")
    carry(system, [watch(3, "23:00:00")])
    assert [(system.run(at(day)).state, mails(system)) for day in (2, 3)] == [
        (State.MERGING, []),
        (State.COLLECTING, []),
    ]
    ledger.open()
    carry(system, [watch(3, "23:30:00")])
    assert [system.run(at(day)).state for day in (2, 3)] == [State.FAILED, State.INCOMPLETE]
    assert [kind for kind, _ in mails(system)] == ["failure", "failure"]


def test_a_run_that_was_made_up_for_is_reported_in_the_next_digest(system: World) -> None:
    carry(system, [*a_day(2, {"nyt": nyt(ROWS + 1)}), *a_day(3, MORE)])
    body = in_one_line(system.platform.mails[-1])
    assert f"run {at(2)} had ended INCOMPLETE: feed jhu" in body
    assert "this run makes up for it" in body


def test_an_arrival_whose_event_was_lost_is_found_in_the_bucket(system: World) -> None:
    carry(system, [publish(2, MORE)])
    fetch(2)(system)
    system.deliver_next()
    system.platform.inbox.clear()
    carry(system, [watch(2, "18:00:00")])
    assert (system.run(at(2)).state, system.platform.dead_letters) == (State.COMMITTED, [])


def test_a_feed_that_arrives_while_the_watch_looks_is_not_called_missing(system: World) -> None:
    """The watch has read the run, and decided; in this moment the last feed arrives."""
    carry(system, [publish(2, {"nyt": nyt(ROWS + 1)}), fetch(2), publish(2, MORE)])
    watch(2)(system)
    [looking] = system.platform.inbox
    for stop_at in range(6):
        saved = system.save()
        slow = system.start(system.platform.inbox[0], stop_at=stop_at)
        fetch(2)(system)
        system.settle()
        slow.finish()
        system.settle()
        assert system.run(at(2)).state in (State.COMMITTED, State.INCOMPLETE)
        if system.run(at(2)).state is State.INCOMPLETE:
            assert system.run(at(2)).arrived == {"nyt"}
        system.restore(saved)
    assert looking.handler == "watch"


def test_a_stuck_merge_is_driven_again(system: World) -> None:
    carry(system, [together(publish(2, MORE), fetch(2), merge_dies()), watch(2, "17:10:00")])
    assert system.run(at(2)).state is State.MERGING
    carry(system, [watch(2, "18:00:00")])
    assert (system.run(at(2)).state, system.run(at(2)).attempts) == (State.COMMITTED, 2)


def test_a_merge_that_failed_is_driven_again_long_before_its_lease_runs_out(system: World) -> None:
    carry(system, [together(publish(2, MORE), fetch(2), merge_dies(fails=True))])
    assert [type(error) for error in system.platform.errors] == [Fault]
    assert system.run(at(2)).state is State.MERGING
    carry(system, [watch(2, "17:00:01")])
    assert (system.run(at(2)).state, system.run(at(2)).attempts) == (State.COMMITTED, 2)


def test_a_lease_that_cannot_be_given_back_does_not_hide_why_the_merge_failed(system: World) -> None:
    """It is noted beside; the lease then runs out by itself, as after a crash."""

    class Unreachable(Ledger):
        def let_go(self, run_id: str, *, owner: str, attempts: int, forgiven: bool) -> None:
            raise ConnectionError("the ledger does not answer")

    def fail(requests: object, check: object) -> int:
        raise Fault("no rows today")

    together(publish(2, MORE), fetch(2))(system)
    system.deliver_next()
    ledger = Unreachable(system.dynamodb, table=RUNS_TABLE, dataset="us-covid")
    tools = replace(system.apps["merger"].tools(), ledger=ledger, write_rows=fail)
    for feed in ("jhu", "nyt"):
        ledger.arrive(at(2), feed)
    with pytest.raises(Fault, match="no rows today") as raised:
        merge_run(at(2), owner="first", tools=tools)
    assert raised.value.__notes__ == [f"nor could the lease on run {at(2)} be given back: the ledger does not answer"]
    assert system.run(at(2)).lease_until == system.platform.now_ms + 960_000


def test_a_merge_that_dies_every_time_is_given_up_and_its_rows_put_right(system: World) -> None:
    before = system.rows()
    carry(system, [together(publish(2, MORE), fetch(2), merge_dies(times=3))])
    assert system.rows() != before
    carry(system, [watch(2, "18:00:00")])
    run = system.run(at(2))
    assert (run.state, run.reason) == (State.FAILED, "merging was begun 3 times and did not come to an end")
    assert (system.rows(), system.head().writing) == (before, "")
    assert [kind for kind, _ in mails(system)] == ["failure"]


def test_a_run_that_was_given_up_is_redriven_from_the_files_that_were_kept(system: World) -> None:
    carry(system, [together(publish(2, MORE), fetch(2), merge_dies(times=3)), watch(2, "18:00:00")])
    carry(system, [publish(2, {})])
    answer = system.operate("redrive", at(2), time=at(2, "20:00:00"))
    assert (answer["state"], answer["fetch"]) == ("COMMITTED", False)
    assert (system.run(at(2)).redriven_at, system.run(at(2)).known_from) == (at(2, "20:00:00"), at(2, "20:00:00"))


def test_an_incomplete_run_is_redriven_with_the_file_that_was_kept_and_what_was_missing(system: World) -> None:
    """Upstream has other bytes by then: those of the run are the ones it had."""
    carry(system, a_day(2, {"nyt": nyt(ROWS + 1)}))
    carry(system, [publish(3, {"nyt": nyt(ROWS + 9), "jhu": jhu(ROWS + 1)})])
    answer = system.operate("redrive", at(2), time=at(3, "06:00:00"))
    assert (answer["state"], answer["fetch"]) == ("COLLECTING", True)
    system.settle()
    assert (system.run(at(2)).state, system.run(at(2)).redriven_by) == (State.COMMITTED, ANN_RECORDED)
    assert system.files()[f"raw/us-covid/{at(2)}/nyt.csv"] == nyt(ROWS + 1)
    assert system.rows()[ONE_SERIES, date(ROWS)]["run_id"] == at(2)


@pytest.mark.parametrize(
    ("files", "by"),
    [({"nyt": nyt(ROWS - 2), "jhu": jhu(ROWS)}, "gate"), ({"nyt": nyt(ROWS), "jhu": b"<html>"}, "contract")],
    ids=["gate", "contract"],
)
def test_a_rejected_run_is_redriven_and_judged_again_by_the_files_that_were_kept(
    system: World, files: dict[str, bytes], by: str
) -> None:
    carry(system, [*a_day(2, files), publish(3, {})])
    answer = system.operate("redrive", at(2), time=at(3, "06:00:00"))
    assert (answer["state"], answer["fetch"]) == ("REJECTED", False)
    system.settle()
    run = system.run(at(2))
    assert (run.rejected_by, run.attempts, run.redriven_by, run.redriven_at) == (by, 2, ANN_RECORDED, at(3, "06:00:00"))
    assert [kind for kind, _ in mails(system)] == ["failure", "failure"]


def test_only_what_ended_badly_is_redriven(system: World) -> None:
    with pytest.raises(NotAllowed, match="is COMMITTED; this needs FAILED or INCOMPLETE or REJECTED"):
        system.operate("redrive", at(1), time=at(2))


def test_a_redriven_run_has_its_deadline_from_the_command_on(system: World) -> None:
    carry(system, a_day(2, {"nyt": nyt(ROWS + 1)}))
    system.operate("redrive", at(2), time=at(3, "06:00:00"))
    carry(system, [watch(3, "11:59:59")])
    assert system.run(at(2)).state is State.COLLECTING
    carry(system, [watch(3, "12:00:00")])
    assert system.run(at(2)).state is State.INCOMPLETE
    assert [kind for kind, _ in mails(system)] == ["failure", "failure"]


def test_of_two_stuck_runs_the_older_is_merged_first(system: World) -> None:
    for day, files in ((2, MORE), (3, {"nyt": nyt(ROWS + 2), "jhu": jhu(ROWS + 2)})):
        carry(system, [publish(day, files)])
        fetch(day)(system)
        system.deliver_next()
        system.platform.inbox.clear()
    carry(system, [watch(3)])
    assert [system.run(at(day)).state for day in (2, 3)] == [State.COMMITTED, State.COMMITTED]


def test_a_run_that_cannot_be_taken_up_does_not_keep_the_others_from_it(system: World) -> None:
    """The raw files of one are gone: it fails for good in the end, the other is merged at once."""
    for day, files in ((2, MORE), (3, {"nyt": nyt(ROWS + 2), "jhu": jhu(ROWS + 2)})):
        carry(system, [publish(day, files)])
        fetch(day)(system)
        system.deliver_next()
        if day == 2:
            for pending in list(system.platform.inbox):
                system.point = CrashPoint(number=1, after=False)
                system.deliver(pending)
        system.platform.inbox.clear()
    for feed in ("nyt", "jhu"):
        system.s3.delete_object(Bucket="covid-stats-test-data", Key=f"raw/us-covid/{at(2)}/{feed}.csv")
    carry(system, [watch(3)])
    assert system.run(at(3)).state is State.COMMITTED
    assert system.run(at(2)).state is State.SUPERSEDED


def test_a_schedule_that_does_not_fire_is_reported_once_a_day(system: World) -> None:
    carry(system, [watch(2, hour) for hour in ("17:00:00", "18:00:00", "19:00:00")])
    carry(system, [watch(3, hour) for hour in ("06:00:00", "18:00:00")])
    assert mails(system) == [("failure", f"no run began at {at(day)}") for day in (2, 3)]


def test_a_schedule_that_never_fired_is_reported_too(fresh: World) -> None:
    carry(fresh, [watch(1, "06:00:00"), watch(1, "17:30:00"), watch(1, "17:59:59")])
    assert fresh.platform.mails == []
    carry(fresh, [watch(1, "18:00:00")])
    [mail] = fresh.platform.mails
    assert mail.kind == "failure"
    assert "no run began since the first watch at 2020-03-01T06:00:00Z" in in_one_line(mail)


def test_runs_missed_for_longer_than_the_watch_looks_back_are_still_reported(system: World) -> None:
    system.schedule("watch", "2020-06-01T18:00:00Z")
    system.settle()
    assert [kind for kind, _ in mails(system)] == ["failure"]


def test_the_digest_after_missed_runs_says_that_they_are_over(system: World) -> None:
    carry(system, [watch(2), *a_day(3, MORE), *a_day(4, {"nyt": nyt(ROWS + 2), "jhu": jhu(ROWS + 2)})])
    bodies = [in_one_line(mail) for mail in system.platform.mails if mail.kind == "digest"]
    assert [f"no run began at {at(2)}" in body for body in bodies] == [False, True, False]


def test_a_feed_that_stands_still_is_reported_once_a_threshold_with_its_name_and_since_when(system: World) -> None:
    for day in range(2, 8):
        carry(system, a_day(day, {"nyt": nyt(ROWS + day), "jhu": jhu(ROWS)}))
    assert [mail for mail in mails(system) if mail[0] == "stale"] == [
        ("stale", "feed jhu stands still since 2020-03-01, 2 days"),
        ("stale", "feed jhu stands still since 2020-03-01, 4 days"),
    ]


def test_the_digest_after_a_feed_came_back_says_so_once(system: World) -> None:
    for day in range(2, 5):
        carry(system, a_day(day, pair(ROWS)))
    carry(system, [*a_day(5, MORE), *a_day(6, {"nyt": nyt(ROWS + 2), "jhu": jhu(ROWS + 2)})])
    digests = [in_one_line(mail) for mail in system.platform.mails if mail.kind == "digest"]
    again = "Johns Hopkins University CSSE has new numbers again; they had stood still since 2020-03-01"
    assert [again in body for body in digests] == [False, True, False]


def ages(system: World, now: str) -> dict[str, float | None]:
    """What the watch measures then, in days."""
    tools = Tools(
        dataset=US_COVID,
        ledger=Ledger(system.dynamodb, table=RUNS_TABLE, dataset=US_COVID.name),
        files=None,  # type: ignore[arg-type]  # no run is open: no file is read
        write_rows=lambda *_, **__: 0,
        fetch_again=lambda _: None,
        policy=None,  # type: ignore[arg-type]  # nor merged
        clock=lambda: 0,
    )
    policy = WatchPolicy(deadline=dt.timedelta(hours=6), stale_after_days=(3,))
    seen = watch_runs(parse_time(now), owner="test", tools=tools, policy=policy)
    found = {"good": seen.good_run_age, "commit": seen.commit_age, "views": seen.views_age}
    return {name: None if age is None else age / dt.timedelta(days=1) for name, age in found.items()}


def test_a_dataset_at_rest_has_good_runs_and_an_old_commit(system: World) -> None:
    """Every day the same files for six weeks: nothing is committed, and nothing is wrong."""
    for day in range(2, 43):
        system.dynamodb.put_item(
            TableName=RUNS_TABLE,
            Item=to_item({"dataset": US_COVID.name, "run_id": later(day), "state": State.UNCHANGED}),
        )
    assert ages(system, later(42)) == {"good": 0, "commit": 41, "views": 41}


def test_a_broken_chain_never_looks_healthier_with_age(system: World) -> None:
    """No run for a year: each measure grows, or stays at the most that the watch can see, and none is missing."""
    measured = [ages(system, later(day)) for day in (2, 20, 31, 32, 60, 365)]
    assert [it["good"] for it in measured] == [1, 19, 30, 30, 30, 30]
    assert [it["commit"] for it in measured] == [it["views"] for it in measured] == [1, 19, 30, 31, 59, 364]


def feed_days(system: World, dataset: Dataset, now: str) -> float:
    ledger = Ledger(system.dynamodb, table=RUNS_TABLE, dataset=dataset.name)
    tools: Any = SimpleNamespace(ledger=ledger, dataset=dataset)
    return max(_feed_ages(tools, parse_time(now))) / dt.timedelta(days=1)


def test_a_feed_is_as_old_as_its_used_rows_and_of_a_weekly_dataset_so_much_younger_as_that_may_be(
    system: World,
) -> None:
    """One limit, of three days, is then the first threshold of each."""
    weekly = replace(US_COVID, stale_after_days=(10, 20))
    assert [feed_days(system, it, later(12)) for it in (US_COVID, weekly)] == [11, 4]
    assert [feed_days(system, it, later(2)) for it in (US_COVID, weekly)] == [1, 0]
    assert STALE_AFTER_DAYS[Period.DAY] == _DAILY


class NoFiles:
    """A bucket that refuses whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise PermissionError(f"{name}: access denied")


def open_days(system: World, now: str) -> float:
    """Since when the oldest open run is open, as the watch measures it while it can take none up."""
    ledger = Ledger(system.dynamodb, table=RUNS_TABLE, dataset=US_COVID.name)
    tools = Tools(
        dataset=US_COVID,
        ledger=ledger,
        files=NoFiles(),  # type: ignore[arg-type]  # as after a mistake in a policy
        write_rows=lambda *_, **__: 0,
        fetch_again=lambda _: None,
        policy=None,  # type: ignore[arg-type]  # nothing is merged
        clock=lambda: 0,
    )
    found, policy = list[dt.timedelta](), WatchPolicy(deadline=dt.timedelta(hours=6), stale_after_days=(3,))
    with contextlib.suppress(PermissionError):
        watch_runs(
            parse_time(now),
            owner="test",
            tools=tools,
            policy=policy,
            report=lambda seen: found.append(seen.open_age),
        )
    [age] = found
    return age / dt.timedelta(days=1)


def test_a_run_that_never_ends_grows_older_beyond_what_the_watch_queries(system: World) -> None:
    """A right was taken away, and for months no run can be ended: the alarm on open runs goes on ringing."""
    run = {"dataset": US_COVID.name, "run_id": later(2), "state": State.COLLECTING}
    system.dynamodb.put_item(TableName=RUNS_TABLE, Item=to_item(run))
    assert [open_days(system, later(day)) for day in (2, 3, 20, 32, 33, 60, 200)] == [0, 1, 18, 30, 31, 58, 198]
    system.dynamodb.put_item(TableName=RUNS_TABLE, Item=to_item(run | {"state": State.INCOMPLETE}))
    assert open_days(system, later(201)) == 0
    assert Ledger(system.dynamodb, table=RUNS_TABLE, dataset=US_COVID.name).open_long() == frozenset()


def test_a_run_that_was_open_for_long_and_is_no_more_in_the_ledger_is_forgotten(system: World) -> None:
    run = {"dataset": US_COVID.name, "run_id": later(2), "state": State.COLLECTING}
    system.dynamodb.put_item(TableName=RUNS_TABLE, Item=to_item(run))
    assert open_days(system, later(20)) == 18
    key = to_item({"dataset": US_COVID.name, "run_id": later(2)})
    system.dynamodb.delete_item(TableName=RUNS_TABLE, Key=key)
    assert open_days(system, later(60)) == 0


def test_views_that_were_never_rendered_lag_however_old_they_are(system: World) -> None:
    system.dynamodb.update_item(
        TableName=RUNS_TABLE,
        Key=to_item({"dataset": US_COVID.name, "run_id": at(1)}),
        UpdateExpression="REMOVE #views",
        ExpressionAttributeNames={"#views": "views"},
    )
    measured = [ages(system, later(day)) for day in (2, 20, 60)]
    assert all((it["views"] or 0) - (it["commit"] or 0) >= 30 for it in measured)


def test_a_stage_without_any_run_counts_from_its_first_watch(fresh: World) -> None:
    assert ages(fresh, later(2)) == {"good": 0, "commit": None, "views": None}
    assert ages(fresh, later(6)) == {"good": 4, "commit": None, "views": None}


def later(day: int) -> str:
    """So many days into the year's March."""
    return run_id_at(parse_time(at(1)) + dt.timedelta(days=day - 1))


def test_a_merge_whose_commit_is_refused_for_good_is_given_up_and_mailed(system: World) -> None:
    """Not for a head that moved: an item that has become too large, say."""
    with transactions_are_cancelled(system.dynamodb, "ValidationError"):
        carry(system, [*a_day(2, MORE), watch(3, "01:00:00"), watch(3, "02:00:00")])
    assert system.run(at(2)).state is State.FAILED
    assert [kind for kind, _ in mails(system)] == ["failure"]
    assert not system.head().dirty


def test_a_run_is_given_up_even_where_its_rows_cannot_be_taken_back(system: World) -> None:
    """They stay dirty: the next run puts them right."""
    carry(system, [together(publish(2, MORE), fetch(2), merge_dies(times=3))])
    index = next(key for key in system.files() if key.endswith(f"{at(1)}.index"))
    kept = system.files()[index]
    system.calls.begin(Invocation())
    system.s3.delete_object(Bucket=BUCKET, Key=index)
    carry(system, [watch(2, "20:00:00"), watch(2, "21:00:00")])
    assert (system.run(at(2)).state, {run.split("#")[0] for run in system.head().dirty}) == (State.FAILED, {at(2)})
    system.calls.begin(Invocation())
    system.s3.put_object(Bucket=BUCKET, Key=index, Body=kept)
    carry(system, a_day(3, pair(ROWS)))
    assert (system.run(at(3)).state, system.head().dirty) == (State.UNCHANGED, frozenset())
    assert {row["run_id"] for row in system.rows().values()} == {at(1)}


def test_one_bad_item_stops_no_merge_and_no_page_and_is_mailed(system: World) -> None:
    system.calls.begin(Invocation())
    for key in ({"dataset": "us-covid#notices", "run_id": "bad"}, {"dataset": "us-covid", "run_id": at(1, "17:30:00")}):
        system.dynamodb.put_item(TableName=RUNS_TABLE, Item={name: {"S": value} for name, value in key.items()})
    carry(system, a_day(2, MORE))
    assert system.run(at(2)).state is State.COMMITTED
    assert [entry["run_id"] for entry in system.get("/changes?since=2020-01-01T00:00:00Z").json] == [at(1), at(2)]
    assert [subject for kind, subject in mails(system) if kind == "failure"] == [
        "an item of the ledger cannot be read and is passed over",
        "an item of the ledger cannot be read and is passed over",
    ]


@pytest.mark.parametrize(("occasion", "hours"), [("digest", 1), ("rejected", 0), ("incomplete", 3), ("missed", 1)])
def test_a_mail_that_could_not_be_published_until_the_retries_ended_is_sent_once_it_can_be(
    system: World, occasion: str, hours: int
) -> None:
    a_mail_is_sent_once_it_can_be(system, occasion=occasion, hours=hours)


def test_views_that_were_never_rendered_are_rendered_once_they_can_be(system: World) -> None:
    system.publish(MORE, at=at(2, "12:00:00"))
    system.schedule("fetch", at(2))
    while system.platform.inbox:
        system.deliver_next()
    system.platform.streams["refresh_views"].waiting.clear()
    carry(system, [watch(2, "17:30:00")])
    assert (system.run(at(2)).views, len(system.get("/data").json)) == ("", ROWS)
    carry(system, [watch(2, "18:30:00")])
    assert (system.run(at(2)).views, len(system.get("/data").json)) == ("RENDERED", ROWS + 1)


def test_an_operator_sends_a_mail_of_which_nobody_knows_whether_it_is_out(system: World) -> None:
    """Its answer is lost each time: published twice, then left, then spoken of, and sent again by a command."""
    a_mail_whose_answers_are_lost_is_spoken_of(system, occasion="digest")
    assert system.operate("resend", at(2), time=at(2, "21:00:00"))["state"] == "COMMITTED"
    system.settle()
    assert [kind for kind, _ in mails(system)] == ["digest", "digest", "failure", "digest"]
    with pytest.raises(NotAllowed, match="is COMMITTED, its mail SENT, its views RENDERED: there is nothing"):
        system.operate("resend", at(2), time=at(2, "22:00:00"))


# --- times of the future ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", ["fetch", "watch", "on_feed_arrived"])
def test_a_time_more_than_a_day_ahead_of_the_clock_begins_nothing(system: World, handler: str) -> None:
    an_event_of_the_future_begins_nothing(system, handler=handler, time=FUTURE[0])


def test_a_command_of_the_future_is_refused(system: World) -> None:
    a_command_of_the_future_is_refused(system, command="redrive", time=FUTURE[0])


def test_runs_that_a_run_of_the_future_supersedes_are_mailed_about(system: World) -> None:
    what_a_run_of_the_future_supersedes_is_mailed_about(system)


def test_a_run_that_gives_way_to_its_own_successor_is_not_mailed_about(system: World) -> None:
    carry(
        system,
        [publish(2, {"nyt": nyt(ROWS + 1)}), fetch(2), *a_day(3, MORE)[:2], publish(3, MORE), fetch(2), watch(3)],
    )
    assert (system.run(at(2)).state, system.run(at(2)).superseded_by) == (State.SUPERSEDED, at(3))
    assert [kind for kind, _ in mails(system)] == ["digest"]


def test_an_approval_while_another_run_writes_says_what_it_gives_way_to(system: World) -> None:
    an_approval_while_another_run_writes_says_what_it_gives_way_to(system)


@pytest.mark.parametrize("item", BAD_ITEMS)
def test_an_item_that_is_not_as_the_ledger_writes_it_stops_nothing_else(system: World, item: str) -> None:
    a_bad_item_stops_nothing_else(system, item=item)
