"""A snapshot reads back as it was written, and its CSV is what the csv module would write."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.storing.snapshots import CHANGED_BY, Snapshot, csv_pieces
from shared.dataset import Dataset, Feed, Kind, Measure
from shared.errors import ContractBroken
from tests.merger.merges import as_plain, kept_files, keyed, merge, state, through_storage
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


def snapshot_of(dataset: Dataset, days: list[dict[str, bytes]]) -> Snapshot:
    """The snapshot after some days; a day that breaks its contract is passed over."""
    old = None
    for number, files in enumerate(days):
        try:
            old = merge(dataset, files, old=old, run_id=f"2020-03-0{number + 1}T17:00:00Z").snapshot
        except ContractBroken:
            continue
    assume(old is not None and len(old.joined))
    assert old is not None
    return old


def as_csv(snapshot: Snapshot) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["series", "date", *snapshot.measures, "run_id"])
    marks = snapshot.joined.values[CHANGED_BY].tolist()
    for row, place in zip(snapshot.reported.rows(with_series=True), marks, strict=True):
        writer.writerow([*row.values(), snapshot.runs[place]])
    return text.getvalue().encode()


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@given(data=st.data())
def test_csv_is_as_the_csv_module_writes_it(dataset: Dataset, data: st.DataObject) -> None:
    snapshot = snapshot_of(dataset, [data.draw(kept_files(dataset)) for _ in range(2)])
    assert b"".join(csv_pieces(snapshot)) == as_csv(snapshot)


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@given(data=st.data())
def test_an_index_reads_back_as_it_was_written(dataset: Dataset, data: st.DataObject) -> None:
    snapshot = snapshot_of(dataset, [data.draw(kept_files(dataset)) for _ in range(2)])
    again = through_storage(snapshot, dataset)
    assert (state(again), again.plain, as_plain(again.rows)) == (
        state(snapshot),
        snapshot.plain,
        as_plain(snapshot.rows),
    )


def test_long_snapshots_are_written_in_pieces_of_the_same_table() -> None:
    lines = [
        f"20{year:02d}-{month:02d}-{day:02d}" for year in range(60) for month in range(1, 13) for day in range(1, 29)
    ]
    files = {
        "nyt": ("date,cases,deaths\n" + "\n".join(f"{date},{n},{n // 3}" for n, date in enumerate(lines))).encode(),
        "jhu": (
            "Date,Country/Region,Province/State,Recovered\n"
            + "\n".join(f"{date},US,,{n % 7}" for n, date in enumerate(lines))
        ).encode(),
    }
    snapshot = merge(US_COVID, files).snapshot
    assert len(list(csv_pieces(snapshot))) > 2
    assert b"".join(csv_pieces(snapshot)) == as_csv(snapshot)


def test_what_is_declared_later_is_as_if_never_reported() -> None:
    files = {
        "board": b"day,region,beds\n2020-03-01,North,1\n2020-03-02,North,2\n",
        "lab": b"date,area,n\n2020-03-01,North,5\n2020-03-02,North,6\n",
    }
    before = merge(REGIONS, files).snapshot
    wider = replace(
        REGIONS,
        measures=(*REGIONS.measures, Measure(name="calls", label="Calls", kind=Kind.TOTAL, minimum=0)),
        feeds=(
            *REGIONS.feeds,
            Feed(
                name="hotline",
                title="Hotline",
                url="https://hotline.example/calls.csv",
                licence="CC0-1.0",
                credit="Calls.",
                date=("date",),
                series=("area",),
                measures={"calls": "calls"},
            ),
        ),
    )
    old = through_storage(before, wider)
    assert keyed(old.reported) == {key: row | {"calls": None} for key, row in keyed(before.reported).items()}
    found = merge(wider, files | {"hotline": b"date,area,calls\n2020-03-02,North,9\n"}, old=old, run_id="r2")
    assert keyed(found.snapshot.reported) == {("North", "2020-03-02"): {"beds": 2, "tests": 6, "calls": 9}}
    assert (len(found.changes.added), len(found.changes.after), len(found.changes.removed)) == (0, 1, 1)
