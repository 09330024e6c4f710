"""Troubles that are aimed, not chosen at random.

Times of the future, publishing that fails to the end, items that are not as the ledger writes them, and an approval
while another run writes.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from infra.local.chain import scheduled_event
from shared import aws
from shared.errors import EventMalformed
from shared.keys import raw_key
from shared.runs import State
from tests.proof.findings import Lost, Twice
from tests.proof.small_feeds import jhu, nyt, pair
from tests.proof.stories import Step, a_day, at, carry, fetch, merge_dies, publish, together, watch
from tests.shared.refusing import refused
from tests.world import ANN_RECORDED, RUNS_TABLE, World, object_created

ROWS = 12
SETTINGS = {"STALE_AFTER_DAYS": "2,4", "MAX_ATTEMPTS": "3", "DEADLINE_HOURS": "6"}
MORE = pair(ROWS + 1)
FUTURE = ("2020-03-03T00:00:00Z", "2020-03-20T17:00:00Z", "2021-03-02T17:00:00Z", "9999-12-31T23:59:59Z")
"""From a second beyond the limit on."""

type Scenario = Callable[[World], None]


def loaded(made: World) -> Any:
    """The first of March is committed; it is a minute before midnight."""
    carry(made, a_day(1, pair(ROWS)))
    return made.save()


# --- times of the future ---------------------------------------------------------------------------------------------


def an_event_of_the_future_begins_nothing(system: World, *, handler: str, time: str) -> None:
    before = system.items()
    event = scheduled_event(time, function=handler)
    if handler == "on_feed_arrived":
        event = object_created(raw_key(system.dataset.name, time, system.dataset.feeds[0].name))
    system._queue(handler, event)
    system.settle()
    latest = "at most 2020-03-02T23:59:00Z is allowed"
    assert {str(error) for error in system.platform.errors} == {f"the time {time} is more than a day ahead; {latest}"}
    assert all(isinstance(error, EventMalformed) for error in system.platform.errors)
    assert (system.items(), len(system.platform.dead_letters)) == (before, 1)


def a_command_of_the_future_is_refused(system: World, *, command: str, time: str) -> None:
    before = system.items()
    refusal = ""
    try:
        system.operate(command, at(1), time=time)
    except EventMalformed as error:
        refusal = str(error)
    assert "more than a day ahead" in refusal, f"{command} of {time} is answered: {refusal or 'it is taken'}"
    assert system.items() == before


def a_run_of_the_future(system: World) -> None:
    """As one could begin before its time was checked: the clock stands there, and goes back."""
    now = system.platform.now_ms
    carry(system, [publish(1, MORE), lambda world: world.schedule("fetch", "2021-03-01T17:00:00Z")])
    system.platform.now_ms = now


def what_a_run_of_the_future_supersedes_is_mailed_about(system: World) -> None:
    a_run_of_the_future(system)
    carry(system, [*a_day(2, pair(ROWS + 2)), *a_day(3, pair(ROWS + 3))])
    assert [system.run(at(day)).state for day in (2, 3)] == [State.SUPERSEDED, State.SUPERSEDED]
    subjects = Counter(mail.subject for mail in system.platform.mails[1:] if mail.kind == "failure")
    wanted = Counter(f"[test] covid-stats: run {at(day)} was superseded out of turn" for day in (2, 3))
    if subjects != wanted:
        raise (Twice if wanted < subjects else Lost)(f"{subjects} are mailed; {wanted} are due")
    assert "make restore STAGE=test TIME=..." in system.platform.mails[-1].body
    answer = system.get("/health")
    assert (answer.status, answer.json["status"]) == (503, "ahead")


def times_of_the_future() -> Iterator[tuple[str, Scenario]]:
    """(what happens, how to make it happen), each from `loaded`."""
    for time in FUTURE:
        for handler in ("fetch", "watch", "on_feed_arrived"):
            yield f"{handler} at {time}", partial(an_event_of_the_future_begins_nothing, handler=handler, time=time)
        for command in ("approve", "redrive", "resend"):
            yield f"{command} at {time}", partial(a_command_of_the_future_is_refused, command=command, time=time)
    yield "runs after one of the future", what_a_run_of_the_future_supersedes_is_mailed_about


# --- publishing that fails to the end --------------------------------------------------------------------------------


def sns_is_down() -> None:
    raise EndpointConnectionError(endpoint_url="https://sns.us-east-1.amazonaws.com/")


def sns_is_silent() -> None:
    raise ReadTimeoutError(endpoint_url="https://sns.us-east-1.amazonaws.com/")


OCCASIONS: dict[str, tuple[list[Step], str]] = {
    "digest": ([publish(2, MORE), fetch(2)], "digest"),
    "rejected": ([publish(2, {"nyt": nyt(ROWS - 6), "jhu": MORE["jhu"]}), fetch(2)], "failure"),
    "incomplete": ([publish(2, {"nyt": MORE["nyt"]}), fetch(2), watch(2, "23:30:00")], "failure"),
    "missed": ([watch(2, "20:00:00")], "failure"),
}
"""What is mailed about: the steps that lead to it, and the kind of the mail."""


def a_mail_is_sent_once_it_can_be(system: World, *, occasion: str, hours: int) -> None:
    """SNS is down until the retries have ended, and while the watch looks so many times more."""
    steps, kind = OCCASIONS[occasion]
    with refused(aws.client("sns"), "sns.Publish", sns_is_down):
        carry(system, steps)
        for hour in range(hours):
            system.advance(minutes=2)
            carry(system, [watch(3, f"{hour:02d}:30:00")])
        assert len(system.platform.mails) == 1, "SNS is down"
    system.advance(minutes=2)
    carry(system, [watch(3, f"{hours:02d}:30:00"), watch(3, f"{hours + 1:02d}:30:00")])
    kinds = [mail.kind for mail in system.platform.mails[1:]]
    if kinds != [kind]:
        raise (Lost if not kinds else Twice)(f"{kinds} are mailed; one {kind} is due")


def a_mail_whose_answers_are_lost_is_spoken_of(system: World, *, occasion: str) -> None:
    """It comes twice at most, then a notice says that it is not known whether it is out, and no third comes."""
    steps, kind = OCCASIONS[occasion]
    sns = aws.client("sns")

    def lose(**_: Any) -> None:
        sns_is_silent()

    sns.meta.events.register_last("after-call.sns.Publish", lose)
    try:
        carry(system, steps)
    finally:
        sns.meta.events.unregister("after-call.sns.Publish", lose)
    published = [mail.kind for mail in system.platform.mails[1:]]
    if published != [kind, kind]:
        raise (Lost if len(published) < 2 else Twice)(f"{published} are mailed; two of {kind} are")
    assert system.run(at(2)).mail == "UNSURE"
    carry(system, [watch(3, "01:00:00"), watch(3, "02:00:00")])
    spoken = [mail.subject for mail in system.platform.mails[3:]]
    assert spoken == [f"[test] covid-stats: it is not known whether the mail about run {at(2)} is out"]


def publishing_that_fails_to_the_end() -> Iterator[tuple[str, Scenario]]:
    """(what happens, how to make it happen), each from `loaded`."""
    for occasion in OCCASIONS:
        for hours in (0, 1, 3):
            name = f"{occasion}: SNS is down until the retries end and {hours} hours more"
            yield name, partial(a_mail_is_sent_once_it_can_be, occasion=occasion, hours=hours)
    for occasion in ("digest", "rejected", "incomplete"):
        name = f"{occasion}: the answers of SNS are lost"
        yield name, partial(a_mail_whose_answers_are_lost_is_spoken_of, occasion=occasion)


# --- items that are not as the ledger writes them --------------------------------------------------------------------

BAD_ITEMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a run whose count is a text": ("", "2020-02-20T17:00:00Z", {"state": {"S": "COMMITTED"}, "added": {"S": "many"}}),
    "a run in a state that there is not": ("", "2020-02-20T17:00:00Z", {"state": {"S": "LOST"}}),
    "a run newer than the head, without a state": ("", "2020-03-01T18:00:00Z", {}),
    "a notice without anything": ("#notices", "failure#x", {}),
    "a notice of a kind that there is not": ("#notices", "rumour#x", {"kind": {"S": "rumour"}}),
    "a feed that was never seen": ("#feeds", "nyt", {}),
}
"""What it is -> the partition behind the dataset's name, the sort key, and its other attributes."""
_NAMED = "[test] covid-stats: an item of the ledger cannot be read and is passed over"
_READ = ("/", "/data", "/runs", "/changes", "/changes.atom", "/vintages", "/latest", "/openapi.json")


def a_bad_item_stops_nothing_else(system: World, *, item: str) -> None:
    """The next day is committed and mailed about, and all pages are answered."""
    partition, sort, values = BAD_ITEMS[item]
    key = {"dataset": {"S": system.dataset.name + partition}, "run_id": {"S": sort}}
    system.dynamodb.put_item(TableName=RUNS_TABLE, Item=key | values)
    carry(system, a_day(2, MORE))
    assert (system.run(at(2)).state, system.head().head) == (State.COMMITTED, at(2))
    subjects = [mail.subject for mail in system.platform.mails[1:] if mail.subject != _NAMED]
    if len(subjects) != 1 or "Cases +100" not in subjects[0]:
        raise Lost(f"{subjects} are mailed; a digest is due")
    answered = {path: system.get(path).status for path in _READ}
    assert answered == dict.fromkeys(_READ, 200)


def bad_items() -> Iterator[tuple[str, Scenario]]:
    """(what happens, how to make it happen), each from `loaded`."""
    for item in BAD_ITEMS:
        yield item, partial(a_bad_item_stops_nothing_else, item=item)


# --- an approval while another run writes ----------------------------------------------------------------------------


def an_approval_while_another_run_writes_says_what_it_gives_way_to(system: World) -> None:
    """And goes on when the same command comes again."""
    carry(system, [publish(2, {"nyt": nyt(ROWS - 3), "jhu": jhu(ROWS)}), fetch(2)])
    assert system.run(at(2)).state is State.REJECTED
    carry(system, [together(publish(3, MORE), fetch(3), merge_dies())])
    answer = system.operate("approve", at(2), time=at(2, "20:00:00"))
    assert answer == {
        "run_id": at(2),
        "state": "MERGING",
        "reason": "",
        "fetch": False,
        "waits": f"run {at(3)} is writing",
    }
    assert system.run(at(2)).approved_by == ANN_RECORDED
    system.advance(hours=1)
    answer = system.operate("approve", at(2), time=at(2, "20:00:00"))
    assert (answer["state"], "waits" in answer) == ("COMMITTED", False)


def approvals() -> Iterator[tuple[str, Scenario]]:
    """(what happens, how to make it happen), each from `loaded`."""
    yield "approved while another run writes", an_approval_while_another_run_writes_says_what_it_gives_way_to
