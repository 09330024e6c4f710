"""Keys in S3."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import keys
from shared.errors import EventMalformed
from shared.runs import run_id_at
from tests.shared.declared import US_COVID

RUN = "2020-10-25T17:00:00Z"


def test_everything_of_a_run_has_its_place() -> None:
    assert (
        keys.raw_key("us-covid", RUN, "nyt"),
        keys.change_set_key("us-covid", RUN),
        keys.snapshot_key("us-covid", RUN),
        keys.index_key("us-covid", RUN),
        keys.view_key("us-covid", RUN, "data.json"),
    ) == (
        f"raw/us-covid/{RUN}/nyt.csv",
        f"changesets/us-covid/{RUN}.json",
        f"snapshots/us-covid/{RUN}.csv",
        f"snapshots/us-covid/_{RUN}.index",
        f"views/us-covid/{RUN}/data.json",
    )


@given(time=st.datetimes(timezones=st.just(dt.UTC)), feed=st.sampled_from(sorted(US_COVID.feed_names)))
def test_a_raw_key_tells_its_run_and_feed(time: dt.datetime, feed: str) -> None:
    run_id = run_id_at(time)
    assert keys.parse_raw_key(keys.raw_key("us-covid", run_id, feed)) == ("us-covid", run_id, feed)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "raw/",
        f"raw/us-covid/{RUN}/",
        f"raw/us-covid/{RUN}/.csv",
        f"raw/us-covid/{RUN}/nyt.csv.gz",
        f"raw/us-covid/{RUN}/a/nyt.csv",
        f"raw/us-covid/{RUN}/nyt.csv\n",
        f"Raw/{RUN}/nyt.csv",
        "raw/us-covid/2020-10-25/nyt.csv",
        f"snapshots/us-covid/{RUN}.csv",
    ],
)
def test_any_other_key_is_malformed(key: str) -> None:
    with pytest.raises(EventMalformed, match="is not raw/"):
        keys.parse_raw_key(key)
