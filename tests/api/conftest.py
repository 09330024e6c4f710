"""The api on a cloud in memory, and runs committed to it."""

import datetime as dt
from collections.abc import Iterator, Sequence

import pytest

from shared import datasets
from shared.dataset import ONE_SERIES
from tests.api.committing import Committer, Key
from tests.api.serving import ENVIRONMENT, ApiApp
from tests.shared.apps import load_app
from tests.shared.declared import US_COVID
from tests.shared.in_memory import Cloud, cloud_in_memory
from tests.shared.regions import REGIONS


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with cloud_in_memory() as cloud:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        yield cloud


@pytest.fixture
def api(cloud: Cloud) -> ApiApp:
    return ApiApp(module=load_app("api"))


@pytest.fixture
def committer(cloud: Cloud) -> Committer:
    return Committer(cloud=cloud, dataset=US_COVID)


@pytest.fixture
def regions_api(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> ApiApp:
    """Of a dataset with several series; nothing is committed yet."""
    monkeypatch.setitem(datasets._REGISTRY, REGIONS.name, REGIONS)
    monkeypatch.setenv("DATASET", REGIONS.name)
    return ApiApp(module=load_app("api"))


@pytest.fixture
def regions_committer(cloud: Cloud) -> Committer:
    return Committer(cloud=cloud, dataset=REGIONS)


@pytest.fixture
def served(api: ApiApp, committer: Committer) -> ApiApp:
    """Three days served: a first load, a revision with a new date, and a run in which nothing was new."""
    first = some_rows(days=40)
    api.refresh(committer.commit("2020-03-02T17:00:00Z", first))
    revised = some_rows(days=41) | {(ONE_SERIES, "2020-02-20"): [2000, 21, 5]}
    api.refresh(committer.commit("2020-03-03T17:00:00Z", revised))
    committer.commit("2020-03-04T17:00:00Z", revised)
    return api


def some_rows(*, days: int) -> dict[Key, Sequence[int | None]]:
    """From 2020-01-22 on: cases rise by ten more each day, deaths by one, recoveries are null for ten days."""
    start = dt.date(2020, 1, 22)
    dates = [(start + dt.timedelta(days=n)).isoformat() for n in range(days)]
    return {(ONE_SERIES, date): [5 * n * (n + 1), n, None if n < 10 else 3 * (n - 10)] for n, date in enumerate(dates)}
