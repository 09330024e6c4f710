"""The proof is sharp: a system that breaks the promise is found out, and how it breaks it is told."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from shared.ledger import Ledger
from shared.ledger.mailing import MailClaim
from shared.runs import Run, State
from tests.proof import concurrency, oversized, restoring
from tests.proof.crash_points import Then, try_story
from tests.proof.findings import Kind, kind_found
from tests.proof.small_feeds import pair
from tests.proof.stories import SETTINGS, Story, a_day, at
from tests.shared.in_memory import cloud_in_memory
from tests.world import RUNS_TABLE, Sleep, World, world

ROWS = 9


@pytest.fixture
def system() -> Iterator[World]:
    with world(SETTINGS) as made:
        yield made


def found(system: World, handler: str) -> Iterator[Kind]:
    """What is found where only this handler crashes, on the first day, as it is found."""
    story = Story(
        name="first load",
        steps=a_day(1, pair(ROWS)),
        crash=frozenset({handler}),
        ends={at(1): State.COMMITTED},
        mails=["digest"],
    )
    tried = try_story(system, story, then=Then.AGAIN, to_the_end=True)
    yield from (finding.kind for it in tried for finding in it.findings)


def sabotage(system: World, service: str, root: str, ledger: type[Ledger], **others: Any) -> None:
    """Another ledger, or other tools, in a service's composition root."""
    tools = vars(system.apps[service])[root]()
    made = ledger(system.dynamodb, table=RUNS_TABLE, dataset=system.dataset.name, service=service)
    changed = replace(tools, ledger=made, **others)
    vars(system.apps[service])[root] = lambda _name="": changed


class MailsWithoutClaim(Ledger):
    """Everybody may mail, always."""

    def claim_mail(self, *arguments: Any, **named: Any) -> MailClaim | None:
        super().claim_mail(*arguments, **named)
        return MailClaim(unanswered=0)


class MarksFirst(Ledger):
    """A mail is marked as sent when it is claimed."""

    def claim_mail(self, key: Any, *, owner: str, **named: Any) -> MailClaim | None:
        taken = super().claim_mail(key, owner=owner, **named)
        if taken:
            self.record_mailed(key, owner=owner)
        return taken


class EndsFirst(Ledger):
    """A merge is called committed before its rows are written."""

    def begin_writing(self, run: Run, *, base: str, now: int, until: int) -> Any:
        head = super().begin_writing(run, base=base, now=now, until=until)
        self.end(run, {"state": State.COMMITTED, "reason": ""})
        return head


def test_the_system_as_it_is_breaks_nothing(system: World) -> None:
    assert list(found(system, "on_run_ended")) == []


@pytest.mark.parametrize(
    ("ledger", "kind"),
    [(MailsWithoutClaim, Kind.DUPLICATE), (MarksFirst, Kind.LOSS)],
    ids=lambda it: getattr(it, "__name__", None),
)
def test_a_notifier_that_tells_twice_or_not_at_all_is_found_out(
    system: World, ledger: type[Ledger], kind: Kind
) -> None:
    sabotage(system, "notifier", "mailer", ledger)
    assert kind in found(system, "on_run_ended")


def test_a_run_that_is_called_committed_before_it_is_written_is_found_out(system: World) -> None:
    sabotage(system, "merger", "tools", EndsFirst)
    assert Kind.LOSS in found(system, "on_feed_arrived")


# --- mends that are taken back where the proof makes a world of its own ----------------------------------------------


OVERSIZED: Mapping[str, tuple[str, Callable[[Any], None]]] = {
    "the reasons of feeds": ("shared.runs.cut", oversized.a_run_whose_every_feed_failed_at_length_ends),
    "a run's summary": ("shared.ledger.committing.cut", oversized.a_full_run_commits),
    "a notice": ("shared.ledger.mailing.cut", oversized.a_notice_and_a_feed_state_are_bounded),
    "a feed's state": ("shared.ledger.collecting.cut", oversized.a_notice_and_a_feed_state_are_bounded),
}


@pytest.mark.parametrize("what", OVERSIZED)
def test_a_text_that_is_not_cut_where_it_enters_the_ledger_is_found(what: str) -> None:
    place, scenario = OVERSIZED[what]
    with cloud_in_memory() as cloud, mock.patch(place, lambda text, *_: text):
        assert kind_found(lambda: scenario(cloud)) is Kind.DIFFERENCE


def without_late(ledger: Ledger, *arguments: Any, head: Any, **named: Any) -> None:
    """A commit after which nobody looks after writers that were late."""
    COMMIT(ledger, *arguments, head=replace(head, late=frozenset()), **named)


COMMIT = Ledger.commit


def test_a_writer_that_wakes_after_another_has_committed_and_is_not_looked_after_is_found() -> None:
    with world(SETTINGS) as made:
        saved = concurrency.two_runs_have_arrived(made)
        wakes = functools.partial(
            concurrency.a_writer_that_wakes_after_another_has_committed, made, stop_at=12, sleeps=Sleep.KILLED
        )
        assert kind_found(wakes) is None
        made.restore(saved)
        with mock.patch("shared.ledger.Ledger.commit", without_late):
            assert kind_found(wakes) is Kind.DIFFERENCE


def test_a_restore_that_does_not_close_the_stage_is_found() -> None:
    with restoring.committed_twice() as twice, mock.patch("shared.ledger.Ledger.close"):
        begins = functools.partial(restoring.a_run_begins, twice, restoring.Begins.WHOLE, at_call=8)
        assert kind_found(begins) is Kind.LOSS
