"""Memory: what a whole merge takes at its peak, and how it grows with the files.

`infra/decisions/0031-memory.md` says what follows from it; `chalicelib.runs.merge_settings` has the same numbers, and a
test holds the two together.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.bench.measuring import OURS, Figure
from tests.bench.scale_data import REGIONS, Days, make_days
from tests.bench.workers import Worker

NAMES = ("memory_first_load", "memory_full", "memory_delta")
_SMALL, _LARGE = 10**6, 4 * 10**6
_MIB = 2**20


def measure(wanted: Iterable[str]) -> Iterator[Figure]:
    """Peak memory a MiB of files, between two sizes; the note has what there is before the first row."""
    chosen = set(wanted)
    with tempfile.TemporaryDirectory(prefix="covid-stats-bench-") as folder:
        peaks = [_peaks(Path(folder), rows) for rows in (_SMALL, _LARGE)]
        for name in (name for name in NAMES if name in chosen):
            (small, at_small), (large, at_large) = (taken[name] for taken in peaks)
            growth = (at_large - at_small) / (large - small)
            yield Figure(
                name=name,
                unit="MiB/MiB",
                rounds={OURS: [growth]},
                note=(
                    f"{at_small:,.0f} MiB at {small:,.0f} MiB of files, {at_large:,.0f} at {large:,.0f};"
                    f" {at_small - growth * small:,.0f} MiB besides"
                ),
            )


def _peaks(folder: Path, rows: int) -> dict[str, tuple[float, float]]:
    """Name -> MiB of files, MiB at the peak."""
    days = make_days(folder, rows=rows)
    here, taken = days.before.parent, dict[str, tuple[float, float]]()
    for name, day in zip(NAMES, ("before", "after", "after"), strict=True):
        with Worker(f"tests.bench.memory_tasks:{name.removeprefix('memory_')}", here) as worker:
            worker.seconds()
            taken[name] = _size(days, day), worker.last.peak_mib
    shutil.rmtree(here)
    return taken


def _size(days: Days, day: str) -> float:
    return sum(days.file(feed.name, day=day).stat().st_size for feed in REGIONS.feeds) / _MIB
