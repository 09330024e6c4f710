"""Trying again on a foreseeable schedule."""

from dataclasses import dataclass, field

import pytest

from chalicelib.retrying import persist
from shared.errors import FeedRefused, UpstreamUnavailable


@dataclass
class Upstream:
    """Fails with the errors given, then answers; its clock runs by pauses and calls."""

    errors: list[Exception]
    seconds_a_call: float = 0
    now: float = 0
    pauses: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    """The seconds that each call was told it has."""

    def __call__(self, seconds: float) -> str:
        self.given.append(seconds)
        self.now += self.seconds_a_call
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def persist(self, *, attempts: int, total: float = 60) -> str:
        return persist(self, attempts=attempts, backoff_seconds=1, left=lambda: total - self.now, sleep=self.sleep)


def unavailable(times: int) -> list[Exception]:
    return [UpstreamUnavailable("HTTP 500") for _ in range(times)]


def test_pauses_double() -> None:
    upstream = Upstream(unavailable(4))
    assert upstream.persist(attempts=5) == "answer"
    assert (upstream.pauses, upstream.given) == ([1, 2, 4, 8], [60, 59, 57, 53, 45])


def test_the_last_error_is_raised_with_the_number_of_attempts() -> None:
    upstream = Upstream(unavailable(9))
    with pytest.raises(UpstreamUnavailable, match=r"^HTTP 500 \(3 attempts\)$"):
        upstream.persist(attempts=3)
    assert upstream.pauses == [1, 2]


def test_no_pause_is_begun_that_outlasts_the_time_left() -> None:
    upstream = Upstream(unavailable(9), seconds_a_call=4)
    with pytest.raises(UpstreamUnavailable, match=r"^HTTP 500 \(2 attempts\)$"):
        upstream.persist(attempts=9, total=10)
    assert upstream.pauses == [1]


def test_a_single_attempt_is_called_one_attempt() -> None:
    with pytest.raises(UpstreamUnavailable, match=r"^HTTP 500 \(1 attempt\)$"):
        Upstream(unavailable(1)).persist(attempts=1)


def test_a_definite_no_is_not_asked_again() -> None:
    upstream = Upstream([FeedRefused("HTTP 404")])
    with pytest.raises(FeedRefused, match=r"^HTTP 404$"):
        upstream.persist(attempts=3)
    assert upstream.pauses == []


def test_a_server_is_left_alone_as_long_as_it_wants_where_there_is_time() -> None:
    upstream = Upstream([UpstreamUnavailable("HTTP 429", wait_seconds=7), UpstreamUnavailable("HTTP 500")])
    assert upstream.persist(attempts=3) == "answer"
    assert upstream.pauses == [7, 2]


def test_a_wait_that_outlasts_the_time_left_is_not_begun_and_is_passed_on() -> None:
    upstream = Upstream([UpstreamUnavailable("HTTP 503", wait_seconds=600)])
    with pytest.raises(UpstreamUnavailable, match=r"^HTTP 503 \(1 attempt\)$") as unavailable:
        upstream.persist(attempts=3)
    assert (unavailable.value.wait_seconds, upstream.pauses) == (600, [])
