"""The fetcher's settings."""

import hashlib
import json

import pytest

from chalicelib.downloading import DownloadLimits
from chalicelib.feed_addresses import FeedAddress
from chalicelib.fetch_settings import read_addresses, read_limits
from shared.errors import SettingInvalid
from tests.shared.declared import US_COVID


def test_limits_that_are_not_set_are_those_documented() -> None:
    assert read_limits({}) == DownloadLimits(max_bytes=536_870_912, total_seconds=60, attempts=3)


def test_limits_are_read_by_name() -> None:
    settings = {"MAX_FEED_BYTES": "1000", "FETCH_TIMEOUT_SECONDS": "2.5", "FETCH_ATTEMPTS": "1"}
    assert read_limits(settings) == DownloadLimits(max_bytes=1000, total_seconds=2.5, attempts=1)


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


def urls(values: dict[str, str]) -> dict[str, str]:
    return {feed: address.url for feed, address in read_addresses(values, dataset=US_COVID).items()}


def test_addresses_are_those_declared_but_where_told_otherwise() -> None:
    secret = "http://ann:s3cret@10.0.0.1:8000/t0ken/time-series-19-covid-combined.csv?key=s3cret"
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    declared = "https://raw.githubusercontent.com/nytimes/covid-19-data/master/us.csv"
    hosts = frozenset({"raw.githubusercontent.com", "files.example.org", "cdn.example.net"})
    assert read_addresses(
        {
            "FEED_URLS": json.dumps({"jhu": secret}),
            "REDIRECT_HOSTS": "files.example.org CDN.example.net",
        },
        dataset=US_COVID,
    ) == {
        "nyt": FeedAddress(url=declared, shown=declared, redirect_hosts=hosts),
        "jhu": FeedAddress(
            url=secret,
            shown=f"http://10.0.0.1:8000/.../time-series-19-covid-combined.csv?... ({digest})",
            by_operator=True,
            redirect_hosts=hosts,
        ),
    }


@pytest.mark.parametrize("text", ["", "{}"])
def test_without_other_addresses_the_declared_ones_hold(text: str) -> None:
    assert urls({"FEED_URLS": text}) == {feed.name: feed.url for feed in US_COVID.feeds}


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "nyt=http://s3cret/",
        '{"who": "http://x/"}',
        '{"nyt": 3}',
        '{"nyt": "file:///s3cret"}',
        '{"nyt": "https://ann:s3cret"}',
        '{"nyt": "https://ann:s3 cret@host/"}',
        '{"nyt": "https://ann:p/s3cret@host/"}',
    ],
)
def test_addresses_that_cannot_be_are_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(SettingInvalid, match=r"FEED_URLS|feed nyt") as refused:
        read_addresses({"FEED_URLS": text}, dataset=US_COVID)
    assert "s3" not in str(refused.value)
