"""The ledger: every write is conditional, so that repeating it, or doing it late, changes nothing."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.attributes import to_item
from shared.errors import HeadMoved, ItemMalformed, LeaseHeld, NotAllowed, UnknownRun
from shared.ledger import Ledger
from shared.ledger.items import FeedState, Head, Notice
from shared.observation import invocation
from shared.runs import ENDED_BADLY, Delivery, Run, State
from tests.shared.in_memory import Cloud

SATURDAY, SUNDAY, MONDAY = "2020-10-24T17:00:00Z", "2020-10-25T17:00:00Z", "2020-10-26T17:00:00Z"
BOTH = frozenset({"nyt", "jhu"})


@pytest.fixture
def ledger(cloud: Cloud) -> Ledger:
    return cloud.ledger()


def merging(ledger: Ledger, run_id: str, *, owner: str = "me", now: int = 0, until: int = 100) -> Run:
    """The run, begun, with all its feeds, and claimed."""
    ledger.begin(run_id)
    for feed in sorted(BOTH):
        ledger.arrive(run_id, feed)
    run = ledger.claim(run_id, owner=owner, now=now, until=until)
    assert run is not None
    return run


def committed(ledger: Ledger, run_id: str, *, base: str = "") -> Head:
    """The head after a run that committed."""
    run = merging(ledger, run_id)
    ledger.begin_writing(run, base=base, now=0, until=100)
    head = Head(head=run_id, newest="2020-10-24", rows=277, sources={"nyt": "a"}, seen={"nyt": "a"}, rules="r")
    ledger.commit(run, head=head, base=base, ended={"state": State.COMMITTED, "added": 1})
    return ledger.head()


# --- collecting ----------------------------------------------------------------------------------------------------


def test_a_run_begins_once(ledger: Ledger) -> None:
    assert (ledger.begin(SUNDAY), ledger.begin(SUNDAY)) == (True, False)
    assert ledger.get(SUNDAY) == Run(run_id=SUNDAY, state=State.COLLECTING, known_from=SUNDAY)


def test_beginning_late_does_not_set_a_run_back(ledger: Ledger) -> None:
    merging(ledger, SUNDAY)
    assert not ledger.begin(SUNDAY)
    assert ledger.get(SUNDAY).state is State.MERGING


def test_an_unknown_run_is_named(ledger: Ledger) -> None:
    with pytest.raises(UnknownRun, match=f"^there is no run {SUNDAY}$"):
        ledger.get(SUNDAY)


def test_what_became_of_a_feed_is_written_down_beside_the_others(ledger: Ledger) -> None:
    ledger.begin(SUNDAY)
    ledger.record_delivery(SUNDAY, "nyt", Delivery(status="failed", reason="HTTP 500"))
    ledger.record_delivery(SUNDAY, "jhu", Delivery(status="same", sha256="b", bytes=2))
    ledger.record_delivery(SUNDAY, "nyt", Delivery(status="new", sha256="a", bytes=1))
    assert ledger.get(SUNDAY).deliveries == {
        "nyt": Delivery(status="new", sha256="a", bytes=1),
        "jhu": Delivery(status="same", sha256="b", bytes=2),
    }


def test_whoever_brings_the_last_feed_sees_all_and_so_does_a_duplicate(ledger: Ledger) -> None:
    ledger.begin(SUNDAY)
    assert [sorted(ledger.arrive(SUNDAY, feed).arrived) for feed in ("nyt", "nyt", "jhu", "nyt")] == [
        ["nyt"],
        ["nyt"],
        ["jhu", "nyt"],
        ["jhu", "nyt"],
    ]


def test_a_feed_that_arrives_before_its_run_has_begun_opens_it(ledger: Ledger) -> None:
    assert ledger.arrive(SUNDAY, "nyt") == Run(
        run_id=SUNDAY, state=State.COLLECTING, arrived=frozenset({"nyt"}), known_from=SUNDAY
    )
    ledger.record_delivery(SUNDAY, "nyt", Delivery(status="new"))
    assert ledger.get(SUNDAY).deliveries == {"nyt": Delivery(status="new")}


def test_the_last_copy_of_a_feed_is_that_of_the_newest_run(ledger: Ledger) -> None:
    sunday = FeedState(feed="nyt", sha256="a", etag='"1"', last_run_id=SUNDAY, changed_run_id=SATURDAY)
    assert ledger.save_feed_state(sunday)
    assert not ledger.save_feed_state(dataclasses.replace(sunday, sha256="old", last_run_id=SATURDAY))
    assert ledger.feed_states() == {"nyt": sunday}
    monday = dataclasses.replace(sunday, sha256="b", last_run_id=MONDAY, changed_run_id=MONDAY)
    assert (ledger.save_feed_state(monday), ledger.save_feed_state(monday)) == (True, True)
    assert ledger.feed_states() == {"nyt": monday}


# --- merging -------------------------------------------------------------------------------------------------------


def test_a_run_is_claimed_by_one_owner_until_its_lease_runs_out(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY, owner="one", now=0, until=100)
    assert (run.state, run.attempts, run.lease_owner, run.lease_until) == (State.MERGING, 1, "one", 100)
    with pytest.raises(LeaseHeld, match="is being merged by one"):
        ledger.claim(SUNDAY, owner="two", now=100, until=200)
    taken = ledger.claim(SUNDAY, owner="two", now=101, until=201)
    assert taken is not None
    assert (taken.attempts, taken.lease_owner) == (2, "two")


def test_an_owner_can_claim_again_what_is_its_own(ledger: Ledger) -> None:
    merging(ledger, SUNDAY, owner="one", now=0, until=100)
    again = ledger.claim(SUNDAY, owner="one", now=50, until=150)
    assert again is not None
    assert (again.attempts, again.lease_until) == (2, 150)


def test_a_run_that_has_ended_cannot_be_claimed(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY)
    assert ledger.end(run, {"state": State.REJECTED, "reason": "no", "rejected_by": "gate"})
    assert ledger.claim(SUNDAY, owner="me", now=0, until=1) is None


def test_a_run_ends_once_and_leaves_no_lease(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY)
    ends = [ledger.end(run, {"state": State.REJECTED, "reason": reason}) for reason in ("first", "second")]
    assert ends == [True, False]
    ended = ledger.get(SUNDAY)
    assert (ended.state, ended.reason, ended.lease_owner, ended.lease_until) == (State.REJECTED, "first", "", 0)


def test_an_owner_whose_lease_was_taken_ends_nothing(ledger: Ledger) -> None:
    slow = merging(ledger, SUNDAY, owner="slow", now=0, until=100)
    ledger.claim(SUNDAY, owner="quick", now=101, until=201)
    assert not ledger.end(slow, {"state": State.FAILED, "reason": "too slow"})
    assert ledger.get(SUNDAY).state is State.MERGING


def test_a_run_still_collecting_does_not_end_over_a_feed_that_arrived_meanwhile(ledger: Ledger) -> None:
    ledger.begin(SUNDAY)
    seen = ledger.get(SUNDAY)
    ledger.arrive(SUNDAY, "nyt")
    assert not ledger.end(seen, {"state": State.INCOMPLETE, "reason": "nothing came"})
    assert ledger.end(ledger.get(SUNDAY), {"state": State.INCOMPLETE, "reason": "jhu did not come"})


def test_a_commit_moves_the_head_and_ends_the_run_at_once(ledger: Ledger) -> None:
    assert committed(ledger, SUNDAY) == Head(
        head=SUNDAY, newest="2020-10-24", rows=277, sources={"nyt": "a"}, seen={"nyt": "a"}, rules="r"
    )
    run = ledger.get(SUNDAY)
    assert (run.state, run.added, run.lease_owner) == (State.COMMITTED, 1, "")


def test_a_commit_over_another_head_changes_neither_head_nor_run(ledger: Ledger) -> None:
    committed(ledger, SATURDAY)
    late = merging(ledger, MONDAY)
    before = ledger.head(), ledger.get(MONDAY)
    with pytest.raises(HeadMoved):
        ledger.commit(late, head=Head(head=MONDAY), base="", ended={"state": State.COMMITTED})
    assert (ledger.head(), ledger.get(MONDAY)) == before


def test_a_commit_whose_lease_was_taken_changes_neither_head_nor_run(ledger: Ledger) -> None:
    slow = merging(ledger, SUNDAY, owner="slow", now=0, until=100)
    ledger.begin_writing(slow, base="", now=0, until=100)
    ledger.claim(SUNDAY, owner="quick", now=101, until=201)
    before = ledger.head(), ledger.get(SUNDAY)
    with pytest.raises(HeadMoved):
        ledger.commit(slow, head=Head(head=SUNDAY), base="", ended={"state": State.COMMITTED})
    assert (ledger.head(), ledger.get(SUNDAY)) == before


def test_rows_are_not_committed_by_a_run_that_was_not_writing_them(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY)
    with pytest.raises(HeadMoved):
        ledger.commit(run, head=Head(head=SUNDAY), base="", ended={"state": State.COMMITTED})


def test_there_is_one_writer_at_a_time_and_the_next_learns_who_died(ledger: Ledger) -> None:
    sunday, monday = merging(ledger, SUNDAY), merging(ledger, MONDAY)
    assert ledger.begin_writing(sunday, base="", now=0, until=100) == Head()
    with pytest.raises(LeaseHeld, match=f"^run {SUNDAY} is writing$"):
        ledger.begin_writing(monday, base="", now=100, until=200)
    before = ledger.begin_writing(monday, base="", now=101, until=201)
    assert (before.writing, before.dirty) == (SUNDAY, frozenset({f"{SUNDAY}#"}))


def test_writing_on_top_of_another_head_is_refused(ledger: Ledger) -> None:
    committed(ledger, SATURDAY)
    run = merging(ledger, SUNDAY)
    with pytest.raises(HeadMoved, match=f"was compared with nothing, the head is {SATURDAY}"):
        ledger.begin_writing(run, base="", now=0, until=1)
    assert ledger.begin_writing(run, base=SATURDAY, now=0, until=1).head == SATURDAY


def test_a_writer_that_gives_up_leaves_the_place_free_and_nothing_to_put_right(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY)
    ledger.begin_writing(run, base="", now=0, until=100)
    ledger.end_writing(run, base="", late=frozenset())
    head = ledger.head()
    assert (head.writing, head.writing_until, head.dirty) == ("", 0, frozenset())


def test_a_run_that_is_let_go_is_free_at_once_and_the_attempt_counts_unless_it_is_forgiven(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY)
    ledger.let_go(SUNDAY, owner=run.lease_owner, attempts=1, forgiven=False)
    again = ledger.claim(SUNDAY, owner="other", now=1, until=100)
    assert again is not None
    assert (again.attempts, again.attempts_forgiven) == (2, 0)
    ledger.let_go(SUNDAY, owner="other", attempts=2, forgiven=True)
    assert ledger.get(SUNDAY).attempts_forgiven == 1


def test_a_run_that_has_changed_hands_is_not_let_go_by_whom_it_was_taken_from(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY)
    ledger.let_go(SUNDAY, owner=run.lease_owner, attempts=1, forgiven=False)
    taken = ledger.claim(SUNDAY, owner="other", now=1, until=100)
    ledger.let_go(SUNDAY, owner=run.lease_owner, attempts=1, forgiven=True)
    ledger.let_go(SUNDAY, owner="other", attempts=1, forgiven=True)
    assert ledger.get(SUNDAY) == taken


def test_a_claim_whose_answer_got_lost_is_given_back_by_its_owner_alone(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY)
    ledger.let_go(SUNDAY, owner="other", attempts=0, forgiven=False)
    assert ledger.get(SUNDAY) == run
    ledger.let_go(SUNDAY, owner=run.lease_owner, attempts=0, forgiven=False)
    assert ledger.get(SUNDAY).lease_until == 0


# --- commands ------------------------------------------------------------------------------------------------------


def test_a_run_that_ended_badly_is_reopened_with_what_it_has(ledger: Ledger) -> None:
    run = merging(ledger, SUNDAY)
    ledger.end(run, {"state": State.REJECTED, "reason": "no", "rejected_by": "gate"})
    command = {"approved_by": "arn:alice", "approved_at": MONDAY}
    assert ledger.reopen(SUNDAY, allowed=frozenset({State.REJECTED}), command=command, known_from=MONDAY) == Run(
        run_id=SUNDAY,
        state=State.COLLECTING,
        arrived=BOTH,
        attempts=1,
        attempts_forgiven=1,
        known_from=MONDAY,
        approved_by="arn:alice",
        approved_at=MONDAY,
    )


def test_a_run_in_another_state_is_not_reopened(ledger: Ledger) -> None:
    ledger.begin(SUNDAY)
    with pytest.raises(NotAllowed, match=f"^run {SUNDAY} is COLLECTING; this needs FAILED or INCOMPLETE or REJECTED$"):
        ledger.reopen(SUNDAY, allowed=ENDED_BADLY, command={"redriven_by": "arn"}, known_from=SUNDAY)
    with pytest.raises(UnknownRun):
        ledger.reopen(MONDAY, allowed=ENDED_BADLY, command={"redriven_by": "arn"}, known_from=MONDAY)


def test_a_notice_is_written_once(ledger: Ledger) -> None:
    notice = Notice(
        kind="stale",
        about="nyt#2020-10-12#3",
        text="still",
        time=SUNDAY,
        details={"feed": "nyt", "since": SATURDAY, "days": 3},
    )
    later = dataclasses.replace(notice, text="again", time=MONDAY)
    assert (ledger.notify(notice), ledger.notify(later)) == (True, False)
    assert list(ledger.notices()) == [notice]


# --- mail ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """Claims of the mail about one run that was rejected."""

    ledger: Ledger
    still: dict[str, Any] = field(default_factory=lambda: {"state": "REJECTED", "redriven_at": None})

    def __call__(self, owner: str, *, now: int) -> bool:
        key = to_item({"dataset": "us-covid", "run_id": SUNDAY})
        return bool(self.ledger.claim_mail(key, still=self.still, owner=owner, now=now, until=now + 60))

    def mark(self, owner: str) -> None:
        self.ledger.record_mailed(to_item({"dataset": "us-covid", "run_id": SUNDAY}), owner=owner)


@pytest.fixture
def claim(ledger: Ledger) -> Claim:
    ledger.end(merging(ledger, SUNDAY), {"state": State.REJECTED, "reason": "no"})
    return Claim(ledger)


def test_a_mail_is_claimed_sent_and_then_over(claim: Claim) -> None:
    assert claim("one", now=0)
    claim.mark("one")
    assert claim.ledger.get(SUNDAY).mail == "SENT"
    assert (claim("one", now=0), claim("two", now=9_999)) == (False, False)


def test_a_mail_being_sent_is_left_to_its_owner_until_the_lease_runs_out(claim: Claim) -> None:
    assert claim("one", now=0)
    with pytest.raises(LeaseHeld, match=f"^one is mailing about {SUNDAY}$"):
        claim("two", now=60)
    assert (claim("one", now=60), claim("two", now=121)) == (True, True)


def test_a_mark_of_one_who_lost_the_claim_does_not_count(claim: Claim) -> None:
    claim("one", now=0)
    claim("two", now=61)
    claim.mark("one")
    assert claim.ledger.get(SUNDAY).mail == "SENDING"


def test_a_mail_about_what_is_no_longer_so_is_not_sent(claim: Claim) -> None:
    allowed = frozenset({State.REJECTED})
    claim.ledger.reopen(SUNDAY, allowed=allowed, command={"redriven_at": MONDAY}, known_from=MONDAY)
    assert not claim("one", now=0)
    claim.ledger.end(claim.ledger.get(SUNDAY), {"state": State.REJECTED, "reason": "again"})
    assert not claim("one", now=0)
    assert Claim(claim.ledger, {"state": "REJECTED", "redriven_at": MONDAY})("one", now=0)


def test_a_mail_about_an_item_that_is_gone_is_not_sent(ledger: Ledger) -> None:
    key = to_item({"dataset": "us-covid", "run_id": MONDAY})
    assert not ledger.claim_mail(key, still={}, owner="one", now=0, until=1)


def test_a_run_that_ends_anew_is_to_be_mailed_anew(claim: Claim) -> None:
    claim("one", now=0)
    claim.mark("one")
    claim.ledger.reopen(SUNDAY, allowed=ENDED_BADLY, command={"redriven_at": MONDAY}, known_from=MONDAY)
    claim.ledger.end(claim.ledger.get(SUNDAY), {"state": State.REJECTED, "reason": "again"})
    assert claim.ledger.get(SUNDAY).mail == ""


# --- views and reading ---------------------------------------------------------------------------------------------


def test_rendered_views_stay_rendered(ledger: Ledger) -> None:
    ledger.begin(SUNDAY)
    states = []
    for mark in ("FAILED", "RENDERED", "FAILED"):
        ledger.record_views(SUNDAY, mark)
        states.append(ledger.get(SUNDAY).views)
    assert states == ["FAILED", "RENDERED", "RENDERED"]


def test_views_of_a_run_that_is_not_there_leave_nothing(ledger: Ledger, cloud: Cloud) -> None:
    ledger.record_views(SUNDAY, "RENDERED")
    assert cloud.items() == {}


def test_runs_are_read_newest_first_within_bounds_and_by_state(ledger: Ledger) -> None:
    for run_id in (SUNDAY, MONDAY):
        ledger.begin(run_id)
    committed(ledger, SATURDAY)
    assert [run.run_id for run in ledger.newest_first()] == [MONDAY, SUNDAY, SATURDAY]
    assert [run.run_id for run in ledger.newest_first(upto=SUNDAY)] == [SUNDAY, SATURDAY]
    assert [run.run_id for run in ledger.newest_first(since=SUNDAY)] == [MONDAY, SUNDAY]
    assert [run.run_id for run in ledger.newest_first(state=State.COMMITTED)] == [SATURDAY]
    assert [run.run_id for run in ledger.oldest_first(after="")] == [SATURDAY]
    assert list(ledger.oldest_first(after=SATURDAY)) == []


def test_datasets_do_not_see_each_other(cloud: Cloud) -> None:
    cloud.ledger("us-covid").begin(SUNDAY)
    committed(cloud.ledger("us-covid"), MONDAY)
    other = cloud.ledger("regions")
    assert (list(other.newest_first()), other.head(), other.feed_states(), list(other.notices())) == (
        [],
        Head(),
        {},
        [],
    )


@dataclass
class PagedClient:
    """Answers queries page by page, and writes down where each began."""

    pages: list[list[str]]
    begun_at: list[object] = field(default_factory=list)

    def query(self, **query: Any) -> dict[str, Any]:
        self.begun_at.append(query.get("ExclusiveStartKey"))
        page = self.pages.pop(0)
        items = [to_item({"dataset": "us-covid", "run_id": run_id, "state": "COLLECTING"}) for run_id in page]
        return {"Items": items} | ({"LastEvaluatedKey": {"run_id": page[-1:]}} if self.pages else {})


def test_a_long_list_is_read_to_its_end_page_by_page_and_no_further_than_it_is_taken() -> None:
    client = PagedClient([["d", "c"], [], ["b"], ["a"]])
    runs = Ledger(client, table="runs", dataset="us-covid").newest_first()
    assert [next(runs).run_id for _ in range(2)] == ["d", "c"]
    assert client.begun_at == [None]
    assert [run.run_id for run in runs] == ["b", "a"]
    assert client.begun_at == [None, {"run_id": ["c"]}, {"run_id": []}, {"run_id": ["b"]}]


# --- items that are not as the ledger writes them --------------------------------------------------------------------


def test_a_bad_run_is_named_and_passed_over_by_queries_and_an_error_where_it_is_meant(
    cloud: Cloud, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    for run_id in (SATURDAY, SUNDAY, MONDAY):
        ledger.begin(run_id)
    key = {"dataset": {"S": "us-covid"}, "run_id": {"S": SUNDAY}}
    cloud.put(**key, state={"S": "COMMITTED"}, added={"S": "many"}, junk={"B": b"1"})
    assert [run.run_id for run in ledger.newest_first()] == [MONDAY, SATURDAY]
    assert caplog.messages == [
        f"us-covid {SUNDAY} is passed over: it is no run: TypeError: added is 'many', a str",
    ]
    with pytest.raises(ItemMalformed, match="it is no run: TypeError: added is 'many', a str"):
        ledger.get(SUNDAY)
    cloud.put(**key, state={"S": "LOST"})
    assert [run.run_id for run in ledger.newest_first()] == [MONDAY, SATURDAY]


def test_a_bad_notice_and_a_bad_feed_are_passed_over(cloud: Cloud, ledger: Ledger) -> None:
    good = Notice(kind="failure", about="missed#1", text="none", time=SUNDAY)
    ledger.notify(good)
    state = FeedState(feed="nyt", sha256="a", last_run_id=SUNDAY, changed_run_id=SUNDAY)
    ledger.save_feed_state(state)
    for place, item in enumerate([{}, {"kind": {"S": "stale"}}, {"kind": {"S": "rumour"}}]):
        cloud.put(dataset={"S": "us-covid#notices"}, run_id={"S": f"bad#{place}"}, **item)
    cloud.put(dataset={"S": "us-covid#feeds"}, run_id={"S": "jhu"})
    assert (list(ledger.notices()), ledger.feed_states()) == ([good], {"nyt": state})


def test_what_is_passed_over_is_named_and_counted_on_the_line(
    cloud: Cloud, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.put(dataset={"S": "us-covid#notices"}, run_id={"S": "bad"})
    with invocation(service="merger", handler="watch", stage="test"):
        assert list(ledger.notices()) == []
    fields = json.loads(capsys.readouterr().out)
    assert fields["items_passed_over"] == 1
    assert fields["passed_over"].startswith("us-covid#notices bad: it is no Notice: ")
