"""How far a server's word on a version of a file is believed."""

import dataclasses
import datetime as dt

import pytest

from chalicelib.validators import MOVES, STANDS, Validators, to_ask_by, trust, validators_of
from shared.ledger.items import FeedState

NOW = dt.datetime(2020, 10, 25, 17, tzinfo=dt.UTC)
LAST = FeedState(
    feed="nyt",
    sha256="a",
    source_url="http://h/us.csv",
    etag='"1"',
    last_modified="Sun, 25 Oct 2020 08:00:00 GMT",
    last_run_id="2020-10-24T17:00:00Z",
    changed_run_id="2020-10-20T17:00:00Z",
    received_run_id="2020-10-20T17:00:00Z",
)


def validators_sent(last: FeedState | None, *, run_id: str = "2020-10-25T17:00:00Z") -> Validators:
    return to_ask_by(last, source_url="http://h/us.csv", run_id=run_id)


@pytest.mark.parametrize(
    ("header", "believed"),
    [
        ("Sun, 25 Oct 2020 08:00:00 GMT", True),
        ("Sun, 25 Oct 2020 18:00:00 GMT", True),
        ("Mon, 26 Oct 2020 18:00:00 GMT", False),
        ("Fri, 31 Dec 1999 23:59:59 GMT", False),
        ("Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("Sat, 01 Jan 2000 00:00:00 GMT", True),
        ("yesterday", False),
        ("", False),
    ],
)
def test_a_date_in_the_future_or_before_2000_is_no_validator(header: str, believed: bool) -> None:
    assert validators_of('"1"', header, sent=None, now=NOW) == Validators(
        etag='"1"', last_modified=header if believed else ""
    )


def test_a_date_after_the_servers_own_clock_is_no_validator() -> None:
    header = "Sun, 25 Oct 2020 08:00:00 GMT"
    assert validators_of(None, header, sent="Sun, 25 Oct 2020 07:59:59 GMT", now=NOW) == Validators()
    assert validators_of(None, header, sent=header, now=NOW) == Validators(last_modified=header)


def test_an_etag_is_believed_until_it_stood_still_while_the_bytes_changed() -> None:
    assert validators_sent(LAST) == Validators(etag='"1"')
    assert validators_sent(dataclasses.replace(LAST, etag_trust=MOVES)) == Validators(etag='"1"')
    assert validators_sent(dataclasses.replace(LAST, etag_trust=STANDS)) == Validators()


def test_a_date_is_believed_once_it_was_seen_to_move_with_the_bytes() -> None:
    bare = dataclasses.replace(LAST, etag="")
    assert validators_sent(bare) == Validators()
    assert validators_sent(dataclasses.replace(bare, last_modified_trust=STANDS)) == Validators()
    assert validators_sent(dataclasses.replace(bare, last_modified_trust=MOVES)) == Validators(
        last_modified=LAST.last_modified
    )


def test_nothing_is_asked_by_that_another_address_said_or_nobody() -> None:
    assert validators_sent(None) == Validators()
    assert to_ask_by(LAST, source_url="http://other/", run_id="2020-10-25T17:00:00Z") == Validators()


def test_after_a_week_of_not_modified_the_file_is_fetched_in_full() -> None:
    assert validators_sent(LAST, run_id="2020-10-27T16:59:59Z") == Validators(etag='"1"')
    assert validators_sent(LAST, run_id="2020-10-27T17:00:00Z") == Validators()


@pytest.mark.parametrize(
    ("was", "old", "new", "now"),
    [
        ("", "1", "2", MOVES),
        ("", "1", "1", STANDS),
        (MOVES, "1", "1", STANDS),
        (STANDS, "1", "2", STANDS),
        ("", "", "2", ""),
        (MOVES, "1", "", MOVES),
    ],
)
def test_a_validator_that_once_stood_still_is_not_trusted_again(was: str, old: str, new: str, now: str) -> None:
    assert trust(was, old=old, new=new) == now
