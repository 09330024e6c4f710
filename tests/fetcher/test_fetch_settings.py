"""The fetcher's settings."""

import pytest

from chalicelib.downloading import Limits
from chalicelib.fetch_settings import read_limits, read_urls
from shared.errors import SettingInvalid
from tests.shared.declared import US_COVID


def test_limits_that_are_not_set_are_those_documented() -> None:
    assert read_limits({}) == Limits(max_bytes=536_870_912, total_seconds=60, attempts=3)


def test_limits_are_read_by_name() -> None:
    said = {"MAX_FEED_BYTES": "1000", "FETCH_TIMEOUT_SECONDS": "2.5", "FETCH_ATTEMPTS": "1"}
    assert read_limits(said) == Limits(max_bytes=1000, total_seconds=2.5, attempts=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_FEED_BYTES", "0"),
        ("MAX_FEED_BYTES", "many"),
        ("FETCH_TIMEOUT_SECONDS", "0"),
        ("FETCH_TIMEOUT_SECONDS", "inf"),
        ("FETCH_TIMEOUT_SECONDS", "nan"),
        ("FETCH_ATTEMPTS", "0"),
        ("FETCH_ATTEMPTS", "1.5"),
    ],
)
def test_an_impossible_limit_fails_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        read_limits({name: value})


def test_addresses_are_those_declared_but_where_told_otherwise() -> None:
    assert read_urls({"FEED_URLS": '{"jhu": "http://127.0.0.1:8000/jhu.csv"}'}, dataset=US_COVID) == {
        "nyt": "https://raw.githubusercontent.com/nytimes/covid-19-data/master/us.csv",
        "jhu": "http://127.0.0.1:8000/jhu.csv",
    }


@pytest.mark.parametrize("text", ["", "{}"])
def test_without_other_addresses_the_declared_ones_hold(text: str) -> None:
    assert read_urls({"FEED_URLS": text}, dataset=US_COVID) == {feed.name: feed.url for feed in US_COVID.feeds}


@pytest.mark.parametrize("text", ["[]", "nyt=http://x/", '{"who": "http://x/"}', '{"nyt": 3}', '{"nyt": "file:///x"}'])
def test_addresses_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(SettingInvalid, match=r"FEED_URLS|feed nyt"):
        read_urls({"FEED_URLS": text}, dataset=US_COVID)
