"""How final the newest value is, in words: for the page and for `/latest`."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from chalicelib.routes.site import Site
from chalicelib.vintages.newest_outlook import OUTLOOK, first_date, outlooks, spoken_series
from chalicelib.web.problems import ViewsMissing
from shared.dataset import ONE_SERIES


def newest_in_words(site: Site, run_id: str, series: str | None = None) -> Mapping[str, str]:
    """Measure -> words, such as `first report; after a week such days stood 2 to 6 % higher (80 % of 143 days)`.

    Of a series as the run left it, of the one that the dataset declares as default where none is named. Measures are
    left out where the evidence is not enough.
    """
    chosen = spoken_series(site.dataset) if series is None else series if site.dataset.has_series else ONE_SERIES
    return {} if chosen is None else _words(site, run_id, chosen)


@functools.lru_cache(maxsize=256)
def _words(site: Site, run_id: str, series: str) -> Mapping[str, str]:
    try:
        found = _found(site, run_id, series)
    except ViewsMissing:  # of days that were filled in later
        return {}
    newest = {name: it["newest"] for name, it in found["measures"].items()}
    return {name: it["words"] for name, it in newest.items() if it and it["words"]}


def _found(site: Site, run_id: str, series: str) -> Mapping[str, Any]:
    """Raises ViewsMissing."""
    if series == spoken_series(site.dataset):
        kept: Mapping[str, Any] = json.loads(site.view_store.view(run_id, OUTLOOK).plain)
        return kept
    versions = site.vintages().select(run_id, series=series, start=first_date(run_id, site.dataset.period))
    return outlooks(versions, site.dataset, run_id=run_id, series=series)
