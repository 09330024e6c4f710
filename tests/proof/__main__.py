"""`make proof`: everything that is tried for "nothing lost, nothing twice, nothing half", in one run, as a table."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.proof.proving import Extent, Row

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / service) for service in ("fetcher", "merger", "notifier", "api")]

NAMES = (
    *("crash-points", "interleavings", "troubles", "failures", "inputs", "days", "admissions", "coverage"),
    "local-failures",
)

_MOST_SHOWN = 20
"""Findings of a row in words; `--json` has all of them."""


def main(arguments: list[str]) -> int:
    from tests.proof.corpus import FEEDS  # deferred: the services' folders must be on the path before
    from tests.proof.proving import Extent

    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of it, with commas between: {', '.join(NAMES)}")
    parser.add_argument("--feeds", type=Path, help="day folders, or a split of the corpus, in place of the corpus' dev")
    parser.add_argument("--json", type=Path, help="a file for the same, with all findings")
    parser.add_argument("--seed", type=int, default=0, help="another one gives other lives and inputs")
    parser.add_argument("--lives", type=int, default=50, help="of each dataset")
    parser.add_argument(
        "--seconds",
        type=float,
        default=120,
        help="of days of failures, in process and in the local cloud; at least a life each",
    )
    parser.add_argument("--inputs", type=int, default=21_000, help="files, pairs, events and requests together")
    args = parser.parse_args(arguments)
    wanted = args.only.split(",") if args.only else list(NAMES)
    if unknown := sorted(set(wanted) - set(NAMES)):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if args.feeds and not args.feeds.is_dir():
        parser.error(f"--feeds: {str(args.feeds)!r} is not a folder")
    dev = FEEDS / "dev"
    feeds = args.feeds or (dev if dev.is_dir() else None)
    extent = Extent(seed=args.seed, lives=args.lives, seconds=args.seconds, inputs=args.inputs, feeds=feeds)
    rows = list(_prove([name for name in NAMES if name in wanted], extent))
    print("\n".join(table(rows)))
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return int(any(row.findings for row in rows))


def _prove(names: Sequence[str], extent: "Extent") -> Iterator["Row"]:
    """Each part in a process of its own, as many at a time as there are processors."""
    from tests.proof.proving import prove  # deferred: see above

    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, len(names)), max_tasks_per_child=1) as pool:
        for part in [pool.submit(prove, name, extent) for name in names]:
            yield from part.result()


def table(rows: Sequence["Row"]) -> Iterator[str]:
    """The table, then what was found, what was skipped, and which mails came twice where they may."""
    width = max(len(row.what) for row in rows) + 4
    yield f"{'':{width}}{'tried':>9}{'losses':>9}{'duplicates':>12}{'differences':>13}{'seconds':>9}"
    for part in dict.fromkeys(row.part for row in rows):
        mine = [row for row in rows if row.part == part]
        yield _line(part, mine, width)
        yield from (_line(f"  {row.what}", [row], width, row.also) for row in mine)
    yield _line("all", rows, width)
    yield ""
    yield f"mails that came twice where they may (infra/decisions/0010): {sum(row.second_mails for row in rows):,}"
    for row in rows:
        if row.skipped:
            yield f"skipped: {row.part}: {row.skipped}"
        yield from _found(row)


def _line(what: str, rows: Iterable["Row"], width: int, also: str = "") -> str:
    rows = list(rows)
    kinds = Counter(str(finding.kind) for row in rows for finding in row.findings)
    tried, seconds = sum(row.tried for row in rows), sum(row.seconds for row in rows)
    counts = f"{tried:>9,}{kinds['loss']:>9,}{kinds['duplicate']:>12,}{kinds['difference']:>13,}{seconds:>9,.0f}"
    return f"{what:{width}}{counts}" + (f"  {also}" if also else "")


def _found(row: "Row") -> Iterator[str]:
    for finding in row.findings[:_MOST_SHOWN]:
        yield f"\n{finding.kind}: {finding.where}\n{finding.what}"
    if len(row.findings) > _MOST_SHOWN:
        yield f"\nand {len(row.findings) - _MOST_SHOWN:,} more of {row.part}, {row.what}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
