"""The fetcher's settings, read once from the environment."""

import json
from collections.abc import Mapping

from chalicelib.downloading import Limits
from shared.dataset import Dataset
from shared.errors import SettingInvalid
from shared.settings import Source


def read_limits(values: Mapping[str, str]) -> Limits:
    """From MAX_FEED_BYTES, FETCH_TIMEOUT_SECONDS and FETCH_ATTEMPTS; raises SettingInvalid."""
    source = Source(values)
    return Limits(
        max_bytes=source.whole("MAX_FEED_BYTES", default=512 * 1024 * 1024, least=1),
        total_seconds=source.number("FETCH_TIMEOUT_SECONDS", default=60, least=0.1),
        attempts=source.whole("FETCH_ATTEMPTS", default=3, least=1),
    )


def read_urls(values: Mapping[str, str], *, dataset: Dataset) -> dict[str, str]:
    """Feed -> address: as declared, but where FEED_URLS (a JSON object) says otherwise. Raises SettingInvalid."""
    text = values.get("FEED_URLS", "") or "{}"
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or not said.keys() <= dataset.feed_names:
        raise SettingInvalid(
            f"FEED_URLS is {text[:200]!r}; a JSON object of feeds {sorted(dataset.feed_names)} is needed"
        )
    urls = {feed.name: said.get(feed.name, feed.url) for feed in dataset.feeds}
    for feed, url in urls.items():
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise SettingInvalid(f"the address of feed {feed} is {str(url)[:200]!r}; http:// or https:// is needed")
    return urls
