"""Mailing about batches of the ledger's stream: once per occasion, one record's failure not another's."""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.letterhead import Letterhead, Mail
from chalicelib.mailing import LEASE_MS, Mailer, mail_batch
from chalicelib.run_events import RunEvent
from shared.errors import AnswerLost, CovidStatsError, EventMalformed
from shared.ledger.items import Notice
from shared.observation import Line
from shared.runs import Run, State
from shared.tracing import Span
from tests.shared.calls import Calls, Crash, every_crash
from tests.shared.declared import US_COVID
from tests.shared.in_memory import Cloud, event

SUNDAY, MONDAY = "2020-10-25T17:00:00Z", "2020-10-26T17:00:00Z"
SUBJECT = "[test] covid-stats: Cases +78,702, deaths +910, recoveries +31,229 on 24 Oct; 2 past days revised"
STALE = "stale#jhu#2020-10-12#3"


@dataclass
class Notifier:
    """A mailer whose topic is a list and whose clock is set by hand."""

    cloud: Cloud
    sent: list[Mail] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    """Ends of runs of which there was an event."""
    no_bus: bool = False
    now: int = 1_603_645_210_000
    refuse: list[str] = field(default_factory=list)
    """Kinds of mail that the topic does not take."""
    silent: bool = False
    """The topic takes mails, and its answer is lost."""
    line: Line = field(default_factory=lambda: Line(Span(None)))

    def publish(self, mail: Mail) -> None:
        if mail.kind in self.refuse:
            raise ConnectionError(f"no topic for {mail.kind}")
        self.sent.append(mail)
        if self.silent:
            raise AnswerLost(f"no answer to the {mail.kind}")

    def put_event(self, event: RunEvent) -> None:
        if self.no_bus:
            raise ConnectionError("no bus")
        self.events.append(event.id)

    def handle(self, stream: object) -> list[str]:
        """The sequence numbers that are to be delivered again."""
        using = Mailer(
            letterhead=Letterhead(stage="test", dataset=US_COVID),
            ledger=self.cloud.ledger(),
            publish=self.publish,
            put_event=self.put_event,
            now_ms=lambda: self.now,
        )
        reply = mail_batch(stream, using=lambda _: using, line=self.line)
        return [failed["itemIdentifier"] for failed in reply["batchItemFailures"]]

    @property
    def kinds(self) -> list[str]:
        return [mail.kind for mail in self.sent]


@pytest.fixture
def notifier(cloud: Cloud) -> Notifier:
    """The ledger holds what the three events say."""
    for name in ("stream_committed", "stream_rejected", "stream_notice"):
        cloud.put(**image(event(name)))
    return Notifier(cloud=cloud)


def image(stream: Any) -> dict[str, Any]:
    found: dict[str, Any] = stream["Records"][0]["dynamodb"]["NewImage"]
    return found


def batch(*names: str) -> dict[str, Any]:
    """The records of these events in one batch."""
    return {"Records": [record for name in names for record in event(name)["Records"]]}


def mail_marks(cloud: Cloud) -> dict[str, str]:
    return {sort: item["mail"] for (_, sort), item in cloud.items().items() if "mail" in item}


def test_a_committed_run_is_told_by_one_digest_and_marked(notifier: Notifier) -> None:
    assert notifier.handle(event("stream_committed")) == []
    [mail] = notifier.sent
    assert (mail.kind, mail.subject) == ("digest", SUBJECT)
    assert mail_marks(notifier.cloud) == {SUNDAY: "SENT"}


def test_a_rejected_run_and_a_stale_feed_are_told(notifier: Notifier) -> None:
    assert notifier.handle(batch("stream_rejected", "stream_notice")) == []
    assert notifier.kinds == ["failure", "stale"]
    assert mail_marks(notifier.cloud) == {MONDAY: "SENT", STALE: "SENT"}


def test_a_failure_names_the_last_good_run(notifier: Notifier) -> None:
    head = {"dataset": {"S": "us-covid#head"}, "run_id": {"S": "head"}, "head": {"S": SUNDAY}, "rows": {"N": "277"}}
    notifier.cloud.put(**head, newest={"S": "2020-10-24"})
    notifier.handle(event("stream_rejected"))
    assert f"The last good run, {SUNDAY}, stays served: 277 rows, newest date 2020-10-24." in notifier.sent[0].body


def test_the_same_records_again_send_nothing(notifier: Notifier) -> None:
    everything = batch("stream_committed", "stream_rejected", "stream_notice")
    notifier.handle(everything)
    before = notifier.cloud.items()
    assert notifier.handle(everything) == []
    assert len(notifier.sent) == 3
    assert notifier.cloud.items() == before


def test_what_the_line_says(notifier: Notifier) -> None:
    notifier.handle(batch("stream_committed", "stream_rejected"))
    fields = json.loads(notifier.line.render(epoch_ms=0))
    fields.pop("_aws")
    assert fields == {
        "dataset": "us-covid",
        "run_id": f"{SUNDAY} {MONDAY}",
        "state": "COMMITTED REJECTED",
        "mails": "digest failure",
        "mails_sent": 2,
        "events_sent": 2,
        "records_failed": 0,
    }


def test_each_end_of_a_run_is_an_event_and_a_notice_is_none(notifier: Notifier) -> None:
    everything = batch("stream_committed", "stream_rejected", "stream_notice")
    assert notifier.handle(everything) == []
    ends = [f"test/us-covid/{SUNDAY}/COMMITTED/1", f"test/us-covid/{MONDAY}/REJECTED/1"]
    assert notifier.events == ends
    notifier.handle(everything)
    assert notifier.events == ends


@pytest.mark.parametrize("state", ["UNCHANGED", "SUPERSEDED"])
def test_an_end_that_nobody_is_mailed_about_is_an_event(notifier: Notifier, state: str) -> None:
    stream = event("stream_rejected")
    image(stream)["state"] = {"S": state}
    assert notifier.handle(stream) == []
    assert (notifier.sent, notifier.events) == ([], [f"test/us-covid/{MONDAY}/{state}/1"])


def test_without_a_bus_the_mail_goes_out_and_the_event_comes_later(notifier: Notifier) -> None:
    notifier.no_bus = True
    assert notifier.handle(event("stream_committed")) == [number(event("stream_committed"))]
    assert (notifier.kinds, notifier.events) == (["digest"], [])
    notifier.no_bus = False
    assert notifier.handle(event("stream_committed")) == []
    assert (notifier.kinds, len(notifier.events)) == (["digest"], 1)


def test_without_a_topic_the_event_goes_out_once(notifier: Notifier) -> None:
    notifier.refuse = ["digest"]
    for _ in range(3):
        assert notifier.handle(event("stream_committed")) == [number(event("stream_committed"))]
    assert (notifier.kinds, len(notifier.events)) == ([], 1)


def number(stream: Any) -> str:
    found: str = stream["Records"][0]["dynamodb"]["SequenceNumber"]
    return found


@pytest.mark.parametrize("state", ["COLLECTING", "MERGING", "UNCHANGED", "SUPERSEDED"])
def test_a_run_in_any_other_state_is_no_occasion(notifier: Notifier, state: str) -> None:
    stream = event("stream_rejected")
    image(stream)["state"] = {"S": state}
    assert (notifier.handle(stream), notifier.sent) == ([], [])


@pytest.mark.parametrize("name", ["stream_committed", "stream_rejected"])
def test_a_run_that_was_backfilled_is_no_occasion(notifier: Notifier, name: str) -> None:
    stream = event(name)
    image(stream)["source"] = {"S": "backfill of 2020-10-01"}
    assert (notifier.handle(stream), notifier.sent) == ([], [])


def test_records_of_other_kinds_are_no_occasion(notifier: Notifier) -> None:
    """The head, a feed, another dataset, an item that has its mail, an item that is deleted."""
    records = batch(*["stream_committed"] * 5)["Records"]
    for record, partition in zip(records, ["us-covid#head", "us-covid#feeds", "regions"], strict=False):
        record["dynamodb"]["NewImage"]["dataset"] = {"S": partition}
    records[3]["dynamodb"]["NewImage"]["mail"] = {"S": "SENDING"}
    records[4]["eventName"] = "REMOVE"
    del records[4]["dynamodb"]["NewImage"]
    assert (notifier.handle({"Records": records}), notifier.sent) == ([], [])


def test_a_poison_record_neither_blocks_nor_hides_its_neighbours(notifier: Notifier) -> None:
    stream = batch("stream_committed", "stream_rejected", "stream_notice")
    stream["Records"][1]["dynamodb"]["NewImage"]["deliveries"] = {"B": "AAEC"}
    assert notifier.handle(stream) == ["100000000000000000102"]
    assert notifier.kinds == ["digest", "stale"]
    fields = json.loads(notifier.line.render(epoch_ms=0))
    assert (fields["outcome"], fields["records_failed"]) == ("EventMalformed", 1)
    assert "attribute of kind B is not used here" in fields["error"]


def test_a_record_without_a_number_is_raised_after_its_neighbours_are_through(notifier: Notifier) -> None:
    """A partial batch response could not name it, so the whole batch has to be delivered again."""
    stream = batch("stream_committed", "stream_notice")
    del stream["Records"][0]["dynamodb"]["SequenceNumber"]
    with pytest.raises(EventMalformed, match="SequenceNumber"):
        notifier.handle(stream)
    assert notifier.kinds == ["stale"]


@pytest.mark.parametrize("malformed", [None, {}, [], {"Records": None}, {"Records": {}}, {"Records": [None]}])
def test_what_is_no_batch_is_malformed(notifier: Notifier, malformed: object) -> None:
    with pytest.raises(EventMalformed):
        notifier.handle(malformed)


def test_a_mail_that_cannot_be_published_is_tried_again_and_its_neighbours_are_not(notifier: Notifier) -> None:
    notifier.refuse = ["failure"]
    stream = batch("stream_committed", "stream_rejected", "stream_notice")
    assert notifier.handle(stream) == ["100000000000000000102"]
    notifier.refuse = []
    assert notifier.handle(stream) == []
    assert notifier.kinds == ["digest", "stale", "failure"]


def test_another_record_of_the_same_end_waits_while_the_mail_is_being_sent(notifier: Notifier) -> None:
    """The run's item changed once more before it was marked: its next record is about the same mail."""
    notifier.refuse = ["digest"]
    notifier.handle(event("stream_committed"))
    notifier.refuse = []
    later = event("stream_committed")
    later["Records"][0]["dynamodb"]["SequenceNumber"] = "100000000000000000999"
    assert (notifier.handle(later), notifier.sent) == (["100000000000000000999"], [])
    notifier.now += LEASE_MS + 1
    assert (notifier.handle(later), notifier.kinds) == ([], ["digest"])
    assert notifier.handle(event("stream_committed")) == []
    assert notifier.kinds == ["digest"]


def test_an_end_that_was_redriven_meanwhile_is_not_told(notifier: Notifier) -> None:
    """Its record comes late: the run is open again, or has ended again, of which there is a record of its own."""
    ledger = notifier.cloud.ledger()
    rejected = frozenset({State.REJECTED})
    ledger.reopen(MONDAY, allowed=rejected, command={"redriven_by": "arn", "redriven_at": MONDAY}, known_from=MONDAY)
    assert (notifier.handle(event("stream_rejected")), notifier.sent) == ([], [])

    claimed = ledger.claim(MONDAY, owner="me", now=0, until=1)
    assert claimed is not None
    ledger.end(claimed, {"state": State.REJECTED, "reason": "again", "rejected_by": "contract"})
    assert (notifier.handle(event("stream_rejected")), notifier.sent) == ([], [])

    again = event("stream_rejected")
    again["Records"][0]["dynamodb"]["NewImage"] |= notifier.cloud.item("us-covid", MONDAY)
    assert notifier.handle(again) == []
    assert notifier.kinds == ["failure"]
    assert "Again." in notifier.sent[0].body


def test_a_crash_at_any_call_and_the_record_again_send_each_mail_once(notifier: Notifier) -> None:
    """But twice where it dies between publishing and marking: then nobody knows that it is out."""
    cloud, stream = notifier.cloud, batch("stream_committed", "stream_rejected", "stream_notice")
    names = ("stream_committed", "stream_rejected", "stream_notice")

    def afresh() -> None:
        cloud.clear()
        notifier.sent.clear()
        notifier.events.clear()
        for name in names:
            cloud.put(**image(event(name)))

    afresh()
    notifier.handle(stream)
    undisturbed, mails, events = cloud.items(), list(notifier.sent), list(notifier.events)
    calls, points, twice = Calls(cloud.dynamodb), [], 0
    for point in every_crash(calls, lambda: notifier.handle(stream), afresh=afresh):
        assert notifier.handle(stream) == []
        assert cloud.items() == undisturbed
        assert [mail for mail in mails if mail not in notifier.sent] == []
        assert len(notifier.sent) - len(mails) in (0, 1), f"crash point {point}"
        assert set(notifier.events) == set(events)
        assert len(notifier.events) - len(events) in (0, 1), f"crash point {point}"
        twice += len(notifier.sent) - len(mails)
        points.append(point)
    assert len(points) == 2 * 12
    assert twice == 3, "once for each mail: before its mark"


def test_a_crash_while_publishing_is_not_taken_for_a_failed_record(notifier: Notifier) -> None:
    def die(mail: Mail) -> None:
        raise Crash("while publishing")

    notifier.publish = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        notifier.handle(event("stream_committed"))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_record_with_anything_in_place_of_any_part_is_a_declared_error_or_a_failed_record(
    notifier: Notifier, data: st.DataObject
) -> None:
    stream = copy.deepcopy(batch("stream_committed"))
    holder = data.draw(st.sampled_from(list(_holders(stream))), label="where")
    name = data.draw(st.sampled_from(sorted(holder)), label="what")
    holder[name] = data.draw(_json, label="instead")
    try:
        failed = notifier.handle(stream)
    except CovidStatsError:
        return
    assert set(failed) <= {"100000000000000000101", holder.get("SequenceNumber")}


def _holders(value: Any) -> Any:
    """Every object of the event that has members, the event itself first."""
    if isinstance(value, dict) and value:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _holders(inner)


def test_a_mail_whose_answers_are_lost_comes_twice_at_most_and_is_called_unsure(notifier: Notifier) -> None:
    notifier.silent = True
    again = [notifier.handle(event("stream_committed")) for _ in range(9)]
    assert (len(notifier.sent), [bool(failed) for failed in again[:4]]) == (2, [True, True, False, False])
    assert mail_marks(notifier.cloud) == {SUNDAY: "UNSURE"}


def test_a_lost_answer_costs_one_mail_more_and_no_third(notifier: Notifier) -> None:
    notifier.silent = True
    notifier.handle(event("stream_committed"))
    notifier.silent = False
    assert (notifier.handle(event("stream_committed")), notifier.kinds) == ([], ["digest", "digest"])
    assert mail_marks(notifier.cloud) == {SUNDAY: "SENT"}


def test_a_mail_that_is_refused_however_often_is_sent_when_the_watch_asks_for_it(notifier: Notifier) -> None:
    notifier.refuse = ["digest", "stale"]
    for _ in range(9):
        notifier.handle(batch("stream_committed", "stream_notice"))
    ledger, at = notifier.cloud.ledger(), "2020-10-25T20:00:00Z"
    items: list[Run | Notice] = [ledger.get(SUNDAY), next(ledger.notices())]
    assert [ledger.mail_again(item, at=at, now=notifier.now) for item in items] == [False, False]
    notifier.now += LEASE_MS + 1
    assert [ledger.mail_again(item, at=at, now=notifier.now) for item in items] == [True, True]
    assert mail_marks(notifier.cloud) == {SUNDAY: "AGAIN", STALE: "AGAIN"}
    notifier.refuse = []
    both = batch("stream_committed", "stream_notice")
    for place, record in enumerate(both["Records"]):
        record["dynamodb"]["SequenceNumber"] = f"20000000000000000000{place}"
        record["dynamodb"]["NewImage"]["mail"] = {"S": "AGAIN"}
    assert (notifier.handle(both), notifier.kinds) == ([], ["digest", "stale"])
    assert [ledger.mail_again(item, at=at, now=notifier.now + LEASE_MS * 2) for item in items] == [False, False]
