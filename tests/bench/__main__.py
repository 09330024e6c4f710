"""`make bench`: every figure that speed is judged by, ours beside the plain way and the floor, in one run."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cold, counting, diffing, local, memory, overhead, refreshing, spark, writing
from tests.bench.measuring import Figure, table


@dataclass(frozen=True, kw_only=True)
class Group:
    """Figures that are taken together."""

    names: Sequence[str]
    measure: Callable[[Iterable[str]], Iterator[Figure]]


GROUPS = (
    Group(names=cold.NAMES, measure=cold.measure),
    Group(names=diffing.NAMES, measure=diffing.measure),
    Group(names=memory.NAMES, measure=memory.measure),
    Group(names=writing.NAMES, measure=writing.measure),
    Group(names=refreshing.NAMES, measure=refreshing.measure),
    Group(names=local.NAMES, measure=local.measure),
    Group(names=counting.NAMES, measure=counting.measure),
    Group(names=overhead.NAMES, measure=overhead.measure),
    Group(names=spark.NAMES, measure=spark.measure),
)


def main(arguments: list[str]) -> int:
    names = [name for group in GROUPS for name in group.names]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--out", type=Path, help="a file for the same as JSON")
    parser.add_argument("--only", default="", help=f"some of it, with commas between: {', '.join(names)}")
    args = parser.parse_args(arguments)
    wanted = args.only.split(",") if args.only else names
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(names)}")
    figures = []
    for group in GROUPS:
        chosen = [name for name in group.names if name in wanted]
        if chosen:
            print(f"measuring {', '.join(chosen)} ...", file=sys.stderr, flush=True)
            figures += list(group.measure(chosen))
    print(f"{machine()}\n\n{table(figures)}")
    if args.out:
        args.out.write_text(json.dumps([figure.as_map() for figure in figures], indent=1) + "\n")
    return 0


def machine() -> str:
    """What it was taken on."""
    models = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    processor = models[0].partition(":")[2].strip() if models else platform.processor() or platform.machine()
    return f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} x {processor}"


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
