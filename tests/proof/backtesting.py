"""The outlook's bands against what came, over the vintages of real feeds: at each first report they are stated anew."""

import csv
import io
import json
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath

from chalicelib.vintages.outlook import outlook, ratio_of
from chalicelib.vintages.value_paths import Path, value_paths
from chalicelib.vintages.version_table import Version, VersionTable
from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.datasets import find_dataset
from shared.outlook_words import AHEAD, rounded
from tests.proof.corpus import FEEDS
from tests.proof.days import oracle_rows

DEV, RELEASES = FEEDS / "dev" / "oracle.tar.xz", FEEDS / "nhsn" / "pack.tar.xz"
"""Where the vintages are: of US days, and of the NHSN admissions."""
LEAST, MOST = 0.75, 0.85
"""What share of what came lies within bands that are stated for 80 %."""
NHSN = find_dataset("us-hospital-admissions")

type States = list[tuple[str, Mapping[tuple[str, str], tuple[int | None, ...]]]]
"""(run, (series, date) -> values), oldest first."""


def versions_of(states: States, dataset: Dataset) -> list[Version]:
    table = VersionTable(dataset.measure_names)
    for run_id, rows in states:
        added = [
            {"series": series, "date": date, **dict(zip(dataset.measure_names, values, strict=True))}
            for (series, date), values in rows.items()
        ]
        change = ChangeSet(run_id=run_id, base_run_id=None, added=added, changed=[], removed=[])
        table.add(change, known_from=run_id)
    return table.versions()


def us_days() -> States:
    """The oracle's rows of each of the 121 dev days."""
    with tarfile.open(DEV, "r:xz") as days:
        found = {
            FilePath(member.name).stem: json.loads(file.read())
            for member in days
            if (file := days.extractfile(member)) is not None
        }
    return [
        (f"{day}T17:00:00Z", {key: tuple(row.values()) for key, row in oracle_rows(it).items()})
        for day, it in sorted(found.items())
    ]


def nhsn_releases() -> States:
    """The rows of each of the 102 releases."""
    columns = list(NHSN.feeds[0].measures.values())
    states = []
    with tarfile.open(RELEASES, "r:xz") as releases:
        for member in releases:
            file = releases.extractfile(member) if member.name.endswith("nhsn.csv") else None
            if file is not None:
                rows = {
                    (row["jurisdiction"], row["weekendingdate"][:10]): tuple(
                        int(float(row[column])) if row[column] else None for column in columns
                    )
                    for row in csv.DictReader(io.StringIO(file.read().decode()))
                }
                states.append((f"{FilePath(member.name).parent.name}T17:00:00Z", rows))
    return sorted(states, key=lambda it: it[0])


def coverage(states: States, dataset: Dataset) -> tuple[int, float]:
    """How many bands were stated at first reports, and the share of them that what came lay within."""
    ahead, versions, hits = AHEAD[dataset.period][0], versions_of(states, dataset), list[bool]()
    for measure in dataset.measures:
        by_series: dict[str, list[Path]] = defaultdict(list)
        for path in value_paths(versions, dataset, measure, last_run=states[-1][0]):
            by_series[path.series].append(path)
        for paths in by_series.values():
            hits += _hits(paths, ahead)
    return len(hits), sum(hits) / len(hits)


def _hits(paths: list[Path], ahead: int) -> Iterable[bool]:
    for place, path in enumerate(paths):
        if path.first_lag is None:
            continue
        today = path.day.toordinal() + path.first_lag
        found = outlook(paths[:place], lag=path.first_lag, ahead=ahead, on_day=today)
        came = ratio_of(path, lag=path.first_lag, ahead=ahead)
        if found is not None and found.is_band and came is not None:
            yield rounded(found.low) <= rounded(came) <= rounded(found.high)
