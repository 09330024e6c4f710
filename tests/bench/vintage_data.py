"""A table of a million versions, laid out by blocks as by commits. `python -m tests.bench.vintage_data FOLDER`."""

import datetime as dt
import gzip
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.changes import ChangeSet
from shared.dataset import Dataset
from tests.shared.declared import US_COVID

if TYPE_CHECKING:
    from chalicelib.vintages.version_blocks import Change, Laid

DATES, RUNS = 5000, 200
_FIRST = dt.date(2010, 1, 1)
_FIRST_RUN = dt.datetime(2023, 9, 1, 17, tzinfo=dt.UTC)
_AT_ONCE = 16


def many_versions(dataset: Dataset, *, dates: int, runs: int) -> "Laid":
    """Of a dataset of one series: every run revises every date."""
    from chalicelib.vintages.version_blocks import begin, extend  # deferred: on the path of the process that writes

    labels = [(_FIRST + dt.timedelta(days=n)).isoformat() for n in range(dates)]
    changes = [_change(dataset, labels, number) for number in range(runs)]
    laid = begin(changes[:1], dataset)
    for first in range(1, runs, _AT_ONCE):
        laid = extend(laid, changes[first : first + _AT_ONCE], dataset)
    return laid


def days_of(place: int, *, dates: int) -> tuple[str, str]:
    """The first and the last of some dates that follow one another, others for each place."""
    first = _FIRST + dt.timedelta(days=place * dates)
    return first.isoformat(), (first + dt.timedelta(days=dates - 1)).isoformat()


def _change(dataset: Dataset, labels: list[str], number: int) -> "Change":
    rows: list[dict[str, Any]] = [
        {"date": label} | dict.fromkeys(dataset.measure_names, (n + 1) * 1000 + number)
        for n, label in enumerate(labels)
    ]
    if number == 0:
        return ChangeSet(run_id=_run(0), base_run_id=None, added=rows, changed=[], removed=[]), _run(0)
    changed = [{"date": row["date"], "fields": _one_more(dataset, row)} for row in rows]
    before, now = _run(number - 1), _run(number)
    return ChangeSet(run_id=now, base_run_id=before, added=[], changed=changed, removed=[]), now


def _one_more(dataset: Dataset, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"old": row[name] - 1, "new": row[name]} for name in dataset.measure_names}


def _run(number: int) -> str:
    return (_FIRST_RUN + dt.timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(folder: Path) -> None:
    laid = many_versions(US_COVID, dates=DATES, runs=RUNS)
    (folder / "vintages.csv.gz").write_bytes(laid.data)
    (folder / "vintages.json.gz").write_bytes(gzip.compress(laid.directory.to_json(), mtime=0))


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
