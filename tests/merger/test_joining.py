"""Feeds joined on their key: what one lacks is null, whatever types the numbers come in."""

import numpy as np
import pytest

from chalicelib.comparing.joining import join
from chalicelib.feed_masks import FEEDS
from chalicelib.tables import Table


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64])
def test_a_blank_of_an_index_stays_a_blank_beside_a_feed_with_other_keys(kind: type[np.signedinteger]) -> None:
    blank = np.iinfo(kind).min
    cases = Table(names=("all",), keys=np.array([1, 3]), values={"cases": np.array([blank, 7], dtype=kind)})
    deaths = Table(names=("all",), keys=np.array([2, 3]), values={"deaths": np.array([4, blank], dtype=kind)})
    joined = join({"a": cases, "b": deaths}, measures=["cases", "deaths"])
    assert joined.keys.tolist() == [1, 2, 3]
    assert dict(zip(joined.values, joined.columns(), strict=True)) == {
        "cases": [None, None, 7],
        "deaths": [None, 4, None],
        FEEDS: [1, 2, 3],
    }
