"""How final the newest value is, in words: on the page, and in the digest that follows."""

import datetime as dt
import gzip

import pytest

from chalicelib.routes.outlook_answers import newest_in_words
from chalicelib.runs.finality import in_words_of
from shared.dataset import ONE_SERIES
from shared.keys import view_key
from tests.api.committing import Committer, Key
from tests.api.serving import ApiApp
from tests.api.test_page import page_of
from tests.shared.declared import US_COVID
from tests.shared.in_memory import BUCKET, Cloud

START = dt.date(2020, 3, 1)
RUNS = 45
WORDS = "first report; after a week such days stood 4 % higher (80 % of 37 days)"


def state(run: int) -> dict[Key, list[int | None]]:
    """As run 0, 1, ... knows it: it brings its day, and each day has 4 % more cases from the sixth run on."""
    total, rows = 0, dict[Key, list[int | None]]()
    for n in range(run + 1):
        total += 1040 if run - n >= 5 else 1000
        rows[ONE_SERIES, str(START + dt.timedelta(days=n))] = [total, n, None]
    return rows


def run_id(run: int) -> str:
    return f"{START + dt.timedelta(days=run)}T17:00:00Z"


@pytest.fixture
def followed(api: ApiApp, committer: Committer) -> ApiApp:
    records = [committer.commit(run_id(run), state(run)) for run in range(RUNS)]
    api.refresh(records[-1])
    return api


def test_the_page_says_what_usually_becomes_of_such_values_and_nothing_without_evidence(followed: ApiApp) -> None:
    words = page_of(followed).words
    assert f"Cases {WORDS}" in words
    assert "Recoveries first report" not in words
    site = followed.module.site()
    assert newest_in_words(site, run_id(RUNS - 1)) == {
        "cases": WORDS,
        "deaths": "first report; after a week 100 % of such days stood as they were (37 days)",
    }


def test_what_is_kept_words_the_digest_that_follows(followed: ApiApp, cloud: Cloud) -> None:
    key = view_key("us-covid", run_id(RUNS - 1), "outlook.json.gz")
    kept = gzip.decompress(cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    latest = {"date": run_id(RUNS)[:10], "cases": 50_000, "deaths": RUNS, "recoveries": None}
    found = in_words_of(kept, latest, {"cases": 1, "deaths": 1}, US_COVID, run_id=run_id(RUNS))
    assert found["cases"] == WORDS
    assert set(found) == {"cases", "deaths"}
    after_gap = in_words_of(kept, latest, {"cases": 3, "deaths": 1}, US_COVID, run_id=run_id(RUNS))
    assert set(after_gap) == {"deaths"}
    old = latest | {"date": run_id(RUNS - 1)[:10]}
    assert in_words_of(kept, old, {}, US_COVID, run_id=run_id(RUNS))["cases"].startswith("known 1 day after its date; ")
    assert in_words_of(kept, latest | {"series": "3 series"}, {}, US_COVID, run_id=run_id(RUNS)) == {}


def test_where_too_few_were_followed_nothing_is_said(api: ApiApp, committer: Committer) -> None:
    for run in range(3):
        api.refresh(committer.commit(run_id(run), state(run)))
    assert newest_in_words(api.module.site(), run_id(2)) == {}
    assert "first report" not in page_of(api).words
