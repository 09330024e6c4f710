"""Histories as publishers write them on their bad days, each day judged by the model, in full and by delta.

Gaps, blanks, zeroed histories, swapped columns, series that end early, mistyped years, and days on which all is well
again: in files that are whole and well written.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from random import Random

from shared.dataset import Dataset, Feed
from tests.proof.days import Days, Files
from tests.proof.replaying import merge_days
from tests.proof.upstream import BREAKS, FIRST, ODDITIES, Upstream

DAYS = 8
"""Of one history; a run each."""
MOST_BEFORE = 130
"""Days that are published before the first: one value of so many is less than a hundredth."""


def hold_history(random: Random, *, dataset: Dataset, count: int = 1, seen: Counter[str] | None = None) -> None:
    """Merge `count` histories; `seen` counts how their runs end. Raises what was found."""
    for _ in range(count):
        replay = merge_days(history(random, dataset))
        assert not replay.findings, "; ".join(f"{it.where}: {it.what}" for it in replay.findings[:5])
        if seen is not None:
            seen.update(replay.ends)


def history(random: Random, dataset: Dataset) -> Days:
    """The files of some days."""
    upstream = Upstream(dataset)
    for _ in range(random.choice([1, 12, MOST_BEFORE])):
        for feed in dataset.feeds:
            upstream.next_day(feed)
    published = list(_published(random, upstream))
    oddities = " and ".join(oddity for oddity, _, _ in published if oddity)
    return Days(
        name=f"a history of {dataset.name} with {oddities or 'nothing odd'}",
        each=lambda: ((day, files) for _, day, files in published),
        dataset=dataset,
    )


def _published(random: Random, upstream: Upstream) -> Iterator[tuple[str, str, Files]]:
    """(what is odd, day, its files) of each day."""
    for _ in range(DAYS):
        for feed in upstream.dataset.feeds:
            upstream.next_day(feed)
        upstream.broken = {}
        oddity = random.choice(["", "", "restore", "revised", *ODDITIES, *BREAKS])
        _happens(random, upstream, random.choice(upstream.dataset.feeds), oddity)
        days = max(upstream.days(feed.name) for feed in upstream.dataset.feeds)
        yield oddity, (FIRST + dt.timedelta(days=days)).isoformat(), upstream.files()


def _happens(random: Random, upstream: Upstream, feed: Feed, oddity: str) -> None:
    if oddity in ODDITIES:
        upstream.distort(feed, oddity, back=random.randrange(6))
    elif oddity in BREAKS:
        upstream.broken = {feed.name: oddity}
    elif oddity == "restore":
        upstream.restore(feed)
    elif oddity == "revised":
        upstream.revise(feed, back=random.randrange(6), number=random.choice([0, 5, 6, 700]))
