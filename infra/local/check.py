"""`make check`: what a declaration makes of files, without a cloud; or a declaration for a file that has none.

python -m infra check --dataset us-states --files folder [--out rows.json]
python -m infra check --files file.csv
"""

import argparse
import datetime as dt
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from infra.declared_datasets import declared_dataset
from infra.errors import CommandFailed
from infra.services import ROOT
from shared import exact
from shared.dataset import Dataset
from shared.printing import without_controls

_CHALICELIB = str(ROOT / "merger")
"""The merger's rooms: a check reads with its reader, so that both always agree."""


def main(arguments: list[str]) -> int:
    """What a declaration makes of files: rows, dates and series, all faults, and what a first run would come to."""
    parser = argparse.ArgumentParser(
        prog="python -m infra check",
        description=main.__doc__,
        epilog="Exit 0 where a run would be COMMITTED, 1 where it would be REJECTED.",
    )
    parser.add_argument(
        "--dataset", default="", help="a name, or a .toml file; without one, a declaration is proposed for FILES"
    )
    parser.add_argument("--files", required=True, help="the folder with the feeds' files, or the file of the only feed")
    parser.add_argument("--out", default="", help="a file for the merged rows, as JSON, as /data gives them")
    args = parser.parse_args(arguments)
    if _CHALICELIB not in sys.path:
        sys.path.insert(0, _CHALICELIB)
    if not args.dataset:
        return propose_for(Path(args.files))
    today = dt.datetime.now(dt.UTC).date()
    return check(
        declared_dataset(args.dataset), Path(args.files), out=Path(args.out) if args.out else None, today=today
    )


def check(dataset: Dataset, files: Path, *, out: Path | None, today: dt.date) -> int:
    """Print what the files come to; 1 where a run would be REJECTED."""
    from chalicelib.checking.check_report import report  # deferred: the merger's folder must be on the path before
    from chalicelib.checking.feed_check import check_feed
    from chalicelib.checking.first_run import first_run, rows_as_read
    from chalicelib.runs.merging import last_day_allowed

    latest = last_day_allowed(today, dataset)
    checks = [
        check_feed(_read(path), feed, dataset, latest_day=latest)
        for feed, path in zip(dataset.feeds, _paths(dataset, files), strict=True)
    ]
    run = first_run(checks, dataset)
    print(f"{dataset.name}: {dataset.title}")
    for line in report(checks, run, dataset):
        print(without_controls(line))
    if out is not None and not run.rejected:
        write_rows(rows_as_read(run.rows, dataset), out)
    return 1 if run.rejected else 0


def _paths(dataset: Dataset, files: Path) -> list[Path]:
    """Where each feed's file is."""
    if files.is_file() and len(dataset.feeds) == 1:
        return [files]
    if not files.is_dir():
        needed = ", ".join(feed.file_name for feed in dataset.feeds)
        raise CommandFailed(f"FILES: {str(files)!r} is no folder; one with {needed} is needed")
    paths = [files / feed.file_name for feed in dataset.feeds]
    absent = [path.name for path in paths if not path.is_file()]
    if absent:
        raise CommandFailed(f"FILES: {str(files)!r} has no {' and no '.join(absent)}, the file that a feed declares")
    return paths


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"FILES: {error}") from error


def write_rows(rows: Iterable[dict[str, object]], out: Path) -> None:
    """A JSON array, a row a line."""
    text = ",\n".join(map(exact.dumps, rows))
    out.write_text(f"[\n{text}\n]\n" if text else "[]\n", encoding="utf-8")


def propose_for(path: Path) -> int:
    """Print a declaration that reads the file; 1 where it looks like nothing that can be declared."""
    from chalicelib.checking.file_looks import look_at  # deferred: as above
    from chalicelib.checking.proposing import propose

    if not path.is_file():
        raise CommandFailed(f"FILES: {str(path)!r} is no file; without DATASET a file is needed, to propose one for it")
    looks = look_at(_read(path))
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.casefold()).strip("-")[:40] or "feed"
    name = name if name[0].isalpha() else f"feed-{name}"[:40]
    text = propose(looks, name=name, file=path.name)
    if not text:
        raise CommandFailed(
            f"{path.name}: no column of dates with a column of numbers was found; its columns are"
            f" {', '.join(looks.header[:30]) or 'none'} (encoding {looks.encoding}, delimiter {looks.delimiter!r})"
        )
    print(without_controls(f"# {name}.toml, proposed from {path.name}: what people must know is yours to fill in."))
    print(without_controls(text), end="")
    return 0
