"""Merge and diff by the distributed engine on this machine: beside plain PySpark, by cores, and its memory."""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.local.local_engine import spark_environment, spark_python, why_no_engine
from tests.bench.measuring import OURS, PLAIN, Figure, Target, take_turns
from tests.bench.scale_data import make_days
from tests.bench.workers import Worker

NAMES = ("spark_diff_5e6", "spark_scaling", "spark_rss")
_TASKS = "tests.bench.spark_tasks"
_ROWS, _FEWER = 5 * 10**6, 10**6
_ROUNDS = 3


def measure(wanted: Iterable[str]) -> Iterator[Figure]:
    """The figures asked for; none, with the reason, where Spark cannot run here."""
    if why := why_no_engine():
        print(f"left out {', '.join(wanted)}: {why}", file=sys.stderr)
        return
    chosen = set(wanted)
    with tempfile.TemporaryDirectory(prefix="covid-stats-bench-") as made:
        folder = Path(made)
        large = make_days(folder, rows=_ROWS).before.parent
        if "spark_diff_5e6" in chosen:
            yield _beside_plain(large, folder)
        if "spark_scaling" in chosen:
            yield _by_cores(large, folder)
        if "spark_rss" in chosen:
            yield _by_rows(large, make_days(folder, rows=_FEWER).before.parent, folder)


def _worker(task: str, days: Path, folder: Path, *, cores: int = 2) -> Worker:
    return Worker(f"{_TASKS}:{task}", days, cores, environment=spark_environment(folder), python=spark_python())


def _beside_plain(days: Path, folder: Path) -> Figure:
    with _worker("ours", days, folder) as ours, _worker("plain", days, folder) as plain:
        taken = take_turns({OURS: ours.seconds, PLAIN: plain.seconds}, rounds=_ROUNDS)
        found, wanted = ({k: v for k, v in it.last.result.items() if k != "tree_mib"} for it in (ours, plain))
    assert found == wanted, f"ours {found}, plain PySpark {wanted}"
    note = "the plain way is PySpark's CSV reader, joins and Parquet; both without the start of the JVM"
    return Figure(name="spark_diff_5e6", unit="s", rounds=taken, target=Target(faster_than_plain=2), note=note)


def _by_cores(days: Path, folder: Path) -> Figure:
    with _worker("ours", days, folder, cores=2) as two, _worker("ours", days, folder, cores=1) as one:
        taken = take_turns({OURS: two.seconds, PLAIN: one.seconds}, rounds=_ROUNDS)
    note = "ours on two cores; in the plain way's place ours on one"
    return Figure(name="spark_scaling", unit="s", rounds=taken, target=Target(faster_than_plain=1.6), note=note)


def _by_rows(large: Path, small: Path, folder: Path) -> Figure:
    peaks = []
    for days in (small, large):
        with _worker("ours", days, folder) as ours:
            ours.seconds()
            peaks.append(float(ours.last.result["tree_mib"]))
    note = (
        f"of five times the rows, {peaks[1]:,.0f} MiB after {peaks[0]:,.0f}: the JVM and its workers, each at its peak"
    )
    return Figure(
        name="spark_rss", unit="x", rounds={OURS: [peaks[1] / peaks[0]]}, target=Target(at_most=1.5), note=note
    )
