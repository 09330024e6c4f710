"""Days of the real feeds: from the replay corpus, or from day folders, with what is known of them."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.day_folders import read_days
from shared.dataset import ONE_SERIES, Dataset
from tests.proof.corpus import CUTS, Corpus
from tests.proof.model import Rows
from tests.shared.declared import US_COVID

type Files = Mapping[str, bytes]
"""Feed -> its file; a feed that is not among them is a 404."""


@dataclass(frozen=True, kw_only=True)
class Days:
    """Files of consecutive days, and what is known of them."""

    name: str
    each: Callable[[], Iterator[tuple[str, Files]]]
    """(day, its files), in order."""
    dataset: Dataset = US_COVID
    oracle: Mapping[str, Rows] = field(default_factory=dict)
    """Day -> its rows as another program found them; days may be missing."""


def days_of_corpus(corpus: Corpus, name: str, cut: str) -> Days:
    """The days of one split, at one hour of polling."""

    def each() -> Iterator[tuple[str, Files]]:
        for day, versions in corpus.days(cut):
            yield day, {feed: corpus.read(version) for feed, version in versions.items()}

    oracle = {day: oracle_rows(found) for day, found in corpus.oracle(cut).items()}
    return Days(name=f"{name} at {cut}", each=each, oracle=oracle)


def days_of_folders(folder: Path) -> Days:
    """The days of `folder/YYYY-MM-DD/`; an oracle is looked for in `folder/oracle/YYYY-MM-DD.json`.

    Raises CommandFailed where there is no such folder.
    """
    feeds = {feed.file_name: feed.name for feed in US_COVID.feeds}
    read = read_days(folder, US_COVID)

    def each() -> Iterator[tuple[str, Files]]:
        for day in read:
            yield day.date.isoformat(), {feeds[name]: data for name, data in day.read().items()}

    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("oracle/*.json"))}
    return Days(name=folder.name, each=each, oracle={day: oracle_rows(it) for day, it in found.items()})


def days_in(folder: Path, *, into: Path) -> Iterator[Days]:
    """What a folder holds: a split of the corpus, several, or day folders. `into` takes what is unpacked."""
    splits = [path for path in (folder, *sorted(folder.iterdir())) if (path / "pack.tar.xz").is_file()]
    for split in splits:
        (into / split.name).mkdir()
        corpus = Corpus(split, into=into / split.name)
        yield from (days_of_corpus(corpus, split.name, cut) for cut in CUTS)
    if not splits:
        yield days_of_folders(folder)


def oracle_rows(found: Mapping[str, Any]) -> Rows:
    """What the oracle found in a day's files, but that recoveries of 0 after positive ones are null."""
    rows = Rows()
    positive = False
    for date, (cases, deaths, recovered) in sorted(found["merged"].items()):
        silent = recovered == 0 and positive
        positive = positive or bool(recovered)
        rows[ONE_SERIES, date] = {"cases": cases, "deaths": deaths, "recoveries": None if silent else recovered}
    return rows
