"""Change sets as CSV: a line for each value that came, changed or went."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from chalicelib.tabulation.row_text import defused
from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.exact import Number


def change_header(dataset: Dataset) -> str:
    series = ["series"] if dataset.has_series else []
    return ",".join(["run_id", "change", "date", *series, "measure", "old", "new"]) + "\n"


def change_lines(change: ChangeSet, dataset: Dataset) -> str:
    """In the order of the change set. `old` is empty for what was added, `new` for what was removed, both for null.

    A row that was added or removed has a line for each measure, one that changed for each of those that differ.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for kind, row, values in _values(change, dataset):
        series = [defused(str(row["series"]))] if dataset.has_series else []
        writer.writerows(
            [change.run_id, kind, row["date"], *series, measure, _cell(old), _cell(new)] for measure, old, new in values
        )
    return out.getvalue()


type _Value = tuple[str, Number | None, Number | None]


def _values(change: ChangeSet, dataset: Dataset) -> Iterator[tuple[str, Mapping[str, object], Iterable[_Value]]]:
    names = dataset.measure_names
    for row in change.added:
        yield "added", row, [(name, None, row.get(name)) for name in names]
    for entry in change.changed:
        fields = entry["fields"]
        yield "changed", entry, [(name, fields[name]["old"], fields[name]["new"]) for name in names if name in fields]
    for row in change.removed:
        yield "removed", row, [(name, row.get(name), None) for name in names]


def _cell(value: Number | None) -> str:
    return "" if value is None else f"{value:f}" if not isinstance(value, int) else str(value)
