"""Feeds joined on their key: what one lacks is null, whatever types the numbers come in."""

import numpy as np
import pytest

from chalicelib.comparing.joining import join
from chalicelib.feed_masks import FEEDS, joined, partnerless
from chalicelib.tables import Table
from shared.sizes import FEEDS as MOST_FEEDS


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64])
def test_a_blank_of_an_index_stays_a_blank_beside_a_feed_with_other_keys(kind: type[np.signedinteger]) -> None:
    blank = np.iinfo(kind).min
    cases = Table(names=("all",), keys=np.array([1, 3]), values={"cases": np.array([blank, 7], dtype=kind)})
    deaths = Table(names=("all",), keys=np.array([2, 3]), values={"deaths": np.array([4, blank], dtype=kind)})
    found = join({"a": cases, "b": deaths}, measures=["cases", "deaths"])
    assert found.keys.tolist() == [1, 2, 3]
    assert dict(zip(found.values, found.columns(), strict=True)) == {
        "cases": [None, None, 7],
        "deaths": [None, 4, None],
        FEEDS: [1, 2, 3],
    }


def test_as_many_feeds_as_a_declaration_may_have_are_joined_and_counted() -> None:
    names = [f"f{n}" for n in range(MOST_FEEDS)]
    feeds = {
        name: Table(names=("all",), keys=np.array([1] if n else [1, 2]), values={name: np.array([n] if n else [n, n])})
        for n, name in enumerate(names)
    }
    found = join(feeds, measures=names)
    assert found.values[FEEDS].tolist() == [2**MOST_FEEDS - 1, 1]
    assert partnerless(found, names) == dict.fromkeys(names, 0) | {"f0": 1}
    assert joined(found, feeds=MOST_FEEDS, inner=True).keys.tolist() == [1]
