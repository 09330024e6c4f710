"""Merge and diff at scale: ours, the plain way, and reading and hashing the bytes."""

import contextlib
import importlib.metadata
import importlib.util
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.bench.measuring import FLOOR, OURS, PLAIN, Figure, Target, take_turns
from tests.bench.scale_data import DECIMAL, QUOTED, make_days, rewritten
from tests.bench.workers import Worker

_TASKS = "tests.bench.diff_tasks"
_ROUNDS = {10**6: 7, 5 * 10**6: 4}
_TARGETS = {
    "diff_full_1e6": Target(faster_than_plain=6, times_floor=8),
    "diff_full_1e6_duckdb": Target(faster_than_plain=1),
    "diff_full_1e6_pyarrow": Target(faster_than_plain=1),
    "diff_quoted_1e6": Target(faster_than_plain=6),
    "diff_decimal_1e6": Target(faster_than_plain=6),
    "diff_delta_1e6": Target(faster_than_plain=20, times_floor=2.5),
    "diff_delta_5e6": Target(faster_than_plain=20, times_floor=2.5),
    "diff_delta_5e6_rss": Target(at_most=1.2 * 1024),
    "snapshot_csv_1e6": Target(),
}
NAMES = tuple(_TARGETS)
_PEERS = ("duckdb", "pyarrow")
_WAYS = {"diff_quoted_1e6": (QUOTED, "plain"), "diff_decimal_1e6": (DECIMAL, "plain_exact")}
"""Figure -> how the same days are written, and the plain way that keeps their numbers exact."""


def measure(wanted: Iterable[str]) -> Iterator[Figure]:
    """The figures asked for."""
    chosen = set(wanted)
    with tempfile.TemporaryDirectory(prefix="covid-stats-bench-") as folder:
        if chosen & {"diff_full_1e6", "diff_delta_1e6", "snapshot_csv_1e6"}:
            yield from (figure for figure in _at(10**6, Path(folder), chosen) if figure.name in chosen)
        for peer in _PEERS:
            if f"diff_full_1e6_{peer}" in chosen:
                yield _beside_peer(peer, Path(folder))
        for name in _WAYS:
            if name in chosen:
                yield _written_otherwise(name, Path(folder))
        if chosen & {"diff_delta_5e6", "diff_delta_5e6_rss"}:
            yield from (figure for figure in _at(5 * 10**6, Path(folder), chosen) if figure.name in chosen)


def _at(rows: int, folder: Path, chosen: set[str]) -> Iterator[Figure]:
    here = make_days(folder, rows=rows).before.parent
    with Worker(f"{_TASKS}:make_index", here) as maker:
        maker.seconds()
    label = f"{rows:.0e}".replace("e+0", "e")
    with contextlib.ExitStack() as stack:
        floor, plain, delta = (
            stack.enter_context(Worker(f"{_TASKS}:{task}", here)) for task in ("floor", "plain", "ours_delta")
        )
        contenders = {FLOOR: floor.seconds, PLAIN: plain.seconds, OURS: delta.seconds}
        if f"diff_full_{label}" in chosen:
            contenders["full"] = stack.enter_context(Worker(f"{_TASKS}:ours_full", here)).seconds
        taken = take_turns(contenders, rounds=_ROUNDS[rows])
        assert delta.last.result == plain.last.result, f"ours {delta.last}, the plain way {plain.last}"
        peaks = {name: [w.last.peak_mib] for name, w in ((FLOOR, floor), (PLAIN, plain), (OURS, delta))}
    full = taken.pop("full", None)
    if full:
        yield _seconds(f"diff_full_{label}", taken | {OURS: full})
    yield _seconds(f"diff_delta_{label}", taken)
    yield Figure(
        name=f"diff_delta_{label}_rss",
        unit="MiB",
        rounds=peaks,
        target=_TARGETS.get(f"diff_delta_{label}_rss", Target()),
    )
    if f"snapshot_csv_{label}" in chosen:
        yield _snapshot(label, here)
    shutil.rmtree(here)


def _beside_peer(peer: str, folder: Path) -> Figure:
    """Ours beside another engine in the place of the plain way."""
    name = f"diff_full_1e6_{peer}"
    if importlib.util.find_spec(peer) is None:
        return Figure(name=name, unit="s", rounds={}, note=f"{peer} is not installed")
    here = make_days(folder, rows=10**6).before.parent
    version = importlib.metadata.version(peer)
    return _full_beside(name, here, peer, note=f"the plain way is {peer} {version}, with a Parquet snapshot")


def _written_otherwise(name: str, folder: Path) -> Figure:
    way, plain = _WAYS[name]
    days = rewritten(make_days(folder, rows=10**6), way)
    return _full_beside(name, days.before.parent, plain, note=f"the files of diff_full_1e6, {_WRITTEN[way]}")


_WRITTEN = {QUOTED: "every field quoted", DECIMAL: "numbers with two decimals and signs"}


def _full_beside(name: str, here: Path, other: str, *, note: str) -> Figure:
    """A full merge, the other way and the floor by turns, once both have found the same."""
    with Worker(f"{_TASKS}:make_index", here) as maker:
        maker.seconds()
    with contextlib.ExitStack() as stack:
        tasks = {OURS: "ours_full", PLAIN: other, FLOOR: "floor"}
        workers = {who: stack.enter_context(Worker(f"{_TASKS}:{task}", here)) for who, task in tasks.items()}
        taken = take_turns({who: worker.seconds for who, worker in workers.items()}, rounds=3)
        found = {who: workers[who].last.result for who in (OURS, PLAIN)}
        assert found[OURS] == found[PLAIN], f"{name}: {found}"
    return Figure(name=name, unit="s", rounds=taken, target=_TARGETS[name], note=note)


def _snapshot(label: str, here: Path) -> Figure:
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(Worker(f"{_TASKS}:csv_ours", here))
        ours.seconds()
        others = {PLAIN: "csv_plain", FLOOR: "csv_floor"}
        workers = {name: stack.enter_context(Worker(f"{_TASKS}:{task}", here)) for name, task in others.items()}
        contenders = {OURS: ours.seconds} | {name: worker.seconds for name, worker in workers.items()}
        return _seconds(f"snapshot_csv_{label}", take_turns(contenders, rounds=5))


def _seconds(name: str, rounds: dict[str, list[float]]) -> Figure:
    return Figure(name=name, unit="s", rounds=rounds, target=_TARGETS[name])
