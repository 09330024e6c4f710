"""Each kind that the proof tries is found where its mend is taken back: what breaks, and which proof says so.

A mend is taken back by a patch of the one place that makes it. `infra/docs/proof.md` lists the same.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any
from unittest import mock

import pytest

from shared.ledger import Ledger
from shared.ledger.mailing import MailClaim
from shared.ledger.table import LedgerTable
from tests.proof import hostile_answers, troubles
from tests.proof.findings import Kind, kind_found
from tests.world import World, world


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[World, Any]]:
    with world(troubles.SETTINGS) as made:
        yield made, troubles.loaded(made)


@pytest.fixture
def system(loaded: tuple[World, Any]) -> World:
    made, saved = loaded
    made.restore(saved)
    return made


def as_it_is(value: Any, *_: Any, **__: Any) -> Any:
    """In place of what bounds, prints or refuses a value."""
    return value


def every_item(table: LedgerTable, query: dict[str, Any], make: Callable[[dict[str, Any]], Any]) -> Iterator[Any]:
    """A query in which one bad item is an error of the whole."""
    return map(make, table._pages(query))


def none(*_: Any, **__: Any) -> Iterator[Any]:
    return iter(())


def never(*_: Any, **__: Any) -> bool:
    return False


def nothing(*_: Any, **__: Any) -> None:
    """In place of what writes something down."""


def always_new(ledger: Ledger, *arguments: Any, **named: Any) -> MailClaim | None:
    """A claim that does not know of tries before it."""
    return CLAIM(ledger, *arguments, **named) and MailClaim(unanswered=0)


def without_waits(run: Any, *, fetch: bool = False, waits: str = "") -> dict[str, Any]:
    """A command's answer that leaves out what it gives way to."""
    return {"run_id": run.run_id, "state": run.state.value, "reason": run.reason, "fetch": fetch}


CLAIM = Ledger.claim_mail

MENDS: Mapping[str, tuple[str, Any, Callable[[World], None], Kind]] = {
    "an event of the future begins no run": (
        "merger_app.not_ahead",
        as_it_is,
        functools.partial(troubles.an_event_of_the_future_begins_nothing, handler="watch", time=troubles.FUTURE[0]),
        Kind.DIFFERENCE,
    ),
    "a command of the future is refused": (
        "merger_app.not_ahead",
        as_it_is,
        functools.partial(troubles.a_command_of_the_future_is_refused, command="redrive", time=troubles.FUTURE[0]),
        Kind.DIFFERENCE,
    ),
    "what a run of the future supersedes is mailed about": (
        "chalicelib.runs.watching._superseded",
        none,
        troubles.what_a_run_of_the_future_supersedes_is_mailed_about,
        Kind.LOSS,
    ),
    "health sees a run of the future": (
        "chalicelib.routes.health.gave_way_out_of_turn",
        never,
        troubles.what_a_run_of_the_future_supersedes_is_mailed_about,
        Kind.DIFFERENCE,
    ),
    "a bad run is passed over": (
        "shared.ledger.table.LedgerTable._each",
        every_item,
        functools.partial(troubles.a_bad_item_stops_nothing_else, item="a run in a state that there is not"),
        Kind.DIFFERENCE,
    ),
    "a bad notice is passed over": (
        "shared.ledger.table.LedgerTable._each",
        every_item,
        functools.partial(troubles.a_bad_item_stops_nothing_else, item="a notice without anything"),
        Kind.DIFFERENCE,
    ),
    "the watch asks again for a digest": (
        "shared.ledger.Ledger.mail_again",
        never,
        functools.partial(troubles.a_mail_is_sent_once_it_can_be, occasion="digest", hours=1),
        Kind.LOSS,
    ),
    "a publish that was refused does not count": (
        "shared.ledger.Ledger.publish_refused",
        nothing,
        functools.partial(troubles.a_mail_is_sent_once_it_can_be, occasion="digest", hours=1),
        Kind.LOSS,
    ),
    "a mail without an answer is published twice, not more often": (
        "shared.ledger.Ledger.claim_mail",
        always_new,
        functools.partial(troubles.a_mail_whose_answers_are_lost_is_spoken_of, occasion="digest"),
        Kind.DUPLICATE,
    ),
    "an approval says what it gives way to": (
        "chalicelib.runs.approve_redrive._answer",
        without_waits,
        troubles.an_approval_while_another_run_writes_says_what_it_gives_way_to,
        Kind.DIFFERENCE,
    ),
}
"""What holds -> the place that makes it so, what stands there in its stead, what tries it, and how it is counted."""


@contextlib.contextmanager
def taken_back(system: World, place: str, instead: Any) -> Iterator[None]:
    app, _, name = place.partition("_app.")
    if name:
        with mock.patch.dict(vars(system.apps[app]), {name: instead}):
            yield
    else:
        with mock.patch(place, instead):
            yield


@pytest.mark.parametrize("mend", MENDS)
def test_what_is_found_where_a_mend_is_taken_back(system: World, mend: str) -> None:
    place, instead, scenario, kind = MENDS[mend]
    with taken_back(system, place, instead):
        assert kind_found(lambda: scenario(system)) is kind


HOSTILE = {
    "the secret of a redirect": (
        "chalicelib.feed_addresses.scrub",
        b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.7/s3cr3t/us.csv\r\n\r\n",
    ),
    "an escape sequence in an ETag": ("chalicelib.validators._kept", b'HTTP/1.1 200 OK\r\nETag: "\x1b[31m"\r\n\r\n'),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_that_is_kept_as_it_came_is_found(system: World, what: str) -> None:
    place, head = HOSTILE[what]
    answer = mock.patch("tests.proof.hostile_answers.hostile_answer", lambda _, good: head + good)
    day = functools.partial(hostile_answers.hold_day, Random(1), system)
    saved = system.save()
    with answer:
        assert kind_found(day) is None
        system.restore(saved)
        with mock.patch(place, as_it_is):
            assert kind_found(day) is Kind.DIFFERENCE
