"""Keys in S3."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import keys
from shared.datasets import US_COVID
from shared.errors import EventMalformed
from shared.runs import run_id_at

RUN = "2020-10-25T17:00:00Z"


def test_everything_of_a_run_has_its_place() -> None:
    assert (
        keys.raw_key(RUN, "nyt"),
        keys.change_set_key(RUN),
        keys.snapshot_key(RUN),
        keys.index_key(RUN),
        keys.view_key(RUN, "data.json"),
    ) == (
        f"raw/{RUN}/nyt.csv",
        f"changesets/{RUN}.json",
        f"snapshots/{RUN}.csv",
        f"snapshots/_{RUN}.index",
        f"views/{RUN}/data.json",
    )


@given(time=st.datetimes(timezones=st.just(dt.UTC)), feed=st.sampled_from(sorted(US_COVID.feed_names)))
def test_a_raw_key_tells_its_run_and_feed(time: dt.datetime, feed: str) -> None:
    run_id = run_id_at(time)
    assert keys.parse_raw_key(keys.raw_key(run_id, feed)) == (run_id, feed)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "raw/",
        f"raw/{RUN}/",
        f"raw/{RUN}/.csv",
        f"raw/{RUN}/nyt.csv.gz",
        f"raw/{RUN}/a/nyt.csv",
        f"raw/{RUN}/nyt.csv\n",
        f"Raw/{RUN}/nyt.csv",
        "raw/2020-10-25/nyt.csv",
        f"snapshots/{RUN}.csv",
    ],
)
def test_any_other_key_is_malformed(key: str) -> None:
    with pytest.raises(EventMalformed, match="is not raw/"):
        keys.parse_raw_key(key)
