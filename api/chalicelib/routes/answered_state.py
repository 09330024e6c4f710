"""Which state of the data an answer is of: as headers, and in the names of files that are kept."""

import hashlib
import re
from typing import Any

from chalicelib.web.parameters import Arguments

RUN_ID, VINTAGE = "Run-Id", "Vintage"
CURRENT_VINTAGE = "current"
_BETWEEN = re.compile(r"[^A-Za-z0-9]+")
_MOST = 40
_CHOICES = ("from", "to", "since", "known_since", "measure", "days", "limit", "after", "skip")
"""Parameters that make another file, beside series and vintage."""


def state_headers(run_id: str | None, args: Arguments) -> dict[str, str]:
    """The run whose state is answered, and which vintage was chosen; of an empty store the latter only."""
    return {VINTAGE: vintage_of(args)} | ({RUN_ID: run_id} if run_id else {})


def vintage_of(args: Arguments) -> str:
    """`as_of=2020-10-25`, `lag=7`, `first=yes`, or `current`."""
    for name in ("as_of", "lag", "first"):
        if args.get(name) not in (None, "no"):
            return f"{name}={args.get(name)}"
    return CURRENT_VINTAGE


def as_download(dataset: str, table: str, args: Arguments, run_id: str | None) -> dict[str, str]:
    """The name under which a browser keeps it; nothing where it is no CSV."""
    if args.get("format") != "csv":
        return {}
    return {"Content-Disposition": f'attachment; filename="{file_name(dataset, table, args, run_id)}"'}


def file_name(dataset: str, table: str, args: Arguments, run_id: str | None) -> str:
    """`us-covid-daily-from-2020-03-01-to-2020-03-31-run-20200303T170000Z.csv`.

    The range and the series that were chosen, and the vintage: two files of one name hold the same.
    """
    chosen = [f"{name}-{args.get(name)}" for name in _CHOICES if args.get(name) not in (None, "0", 0, "no")]
    series = [_plain(args.get("series"), tell_apart=True)] if args.get("series") else []
    vintage = vintage_of(args)
    known = [] if vintage == CURRENT_VINTAGE else [_plain(vintage.removesuffix("=yes"))]
    run = [f"run-{_BETWEEN.sub('', run_id)}"] if run_id and args.get("as_of") is None else []
    stem = [dataset, table, *series, *map(_plain, chosen), *known, *run]
    return f"{'-'.join(filter(None, stem))}.csv"


def _plain(value: Any, *, tell_apart: bool = False) -> str:
    """What of a text every file system and every header takes; with a digest where names may look alike without."""
    text = str(value)
    plain = _BETWEEN.sub("-", text)[:_MOST].strip("-")
    if not tell_apart or plain == text:
        return plain
    return "-".join(filter(None, [plain, hashlib.sha256(text.encode(errors="replace")).hexdigest()[:6]]))
