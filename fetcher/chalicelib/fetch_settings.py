"""The fetcher's settings, read once from the environment."""

import json
from collections.abc import Mapping

from chalicelib.downloading import DownloadLimits
from chalicelib.feed_addresses import Address, FeedAddress, parse_address
from shared.dataset import Dataset, Feed
from shared.errors import SettingInvalid
from shared.scrubbing import scrub_address
from shared.settings import Source


def read_limits(values: Mapping[str, str]) -> DownloadLimits:
    """From MAX_FEED_BYTES, FETCH_TIMEOUT_SECONDS and FETCH_ATTEMPTS; raises SettingInvalid."""
    source = Source(values)
    return DownloadLimits(
        max_bytes=source.whole("MAX_FEED_BYTES", default=512 * 1024 * 1024, least=1),
        total_seconds=source.number("FETCH_TIMEOUT_SECONDS", default=60, least=0.1),
        attempts=source.whole("FETCH_ATTEMPTS", default=3, least=1),
    )


def read_addresses(values: Mapping[str, str], *, dataset: Dataset) -> dict[str, FeedAddress]:
    """Feed -> address: as declared, but where FEED_URLS says otherwise.

    FEED_URLS is a JSON object: dataset -> feed -> address, or, for a stage of one dataset, feed -> address.
    Hosts that a feed may redirect to beside its own site: those of the dataset's other declared addresses, and
    REDIRECT_HOSTS. Raises SettingInvalid, which quotes no address: it may hold secrets.
    """
    chosen = _chosen_urls(values.get("FEED_URLS", ""), dataset=dataset)
    urls = {feed.name: chosen.get(feed.name, feed.url) for feed in dataset.feeds}
    hosts = _declared_hosts(dataset) | frozenset(values.get("REDIRECT_HOSTS", "").lower().split())
    return {feed.name: _address(feed, urls[feed.name], feed.name in chosen, hosts) for feed in dataset.feeds}


def _chosen_urls(text: str, *, dataset: Dataset) -> dict[str, object]:
    try:
        chosen = _of_dataset(json.loads(text or "{}"), dataset)
    except ValueError:
        chosen = None
    if not isinstance(chosen, dict):
        raise SettingInvalid(f"FEED_URLS is no JSON object; one of feeds {sorted(dataset.feed_names)} is needed")
    if unknown := sorted(chosen.keys() - dataset.feed_names):
        raise SettingInvalid(f"FEED_URLS names {unknown}; the feeds are {sorted(dataset.feed_names)}")
    return chosen


def _of_dataset(chosen: object, dataset: Dataset) -> object:
    """What FEED_URLS has for a dataset: its own part where the values are objects, else all of it."""
    if isinstance(chosen, dict) and chosen and all(isinstance(part, dict) for part in chosen.values()):
        return chosen.get(dataset.name, {})
    return chosen


def _declared_hosts(dataset: Dataset) -> frozenset[str]:
    return frozenset(_parsed(feed, feed.url).host for feed in dataset.feeds)


def _address(feed: Feed, url: object, by_operator: bool, hosts: frozenset[str]) -> FeedAddress:
    _parsed(feed, url)
    shown = scrub_address(str(url), declared=feed.url, file_name=feed.file_name)
    return FeedAddress(url=str(url), shown=shown, by_operator=by_operator, redirect_hosts=hosts)


def _parsed(feed: Feed, url: object) -> Address:
    try:
        return parse_address(url if isinstance(url, str) else "")
    except ValueError as error:
        raise SettingInvalid(
            f"the address of feed {feed.name} cannot be used: {error}; http:// or https:// is needed"
        ) from error
