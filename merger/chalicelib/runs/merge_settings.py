"""The merger's own settings, from the environment."""

import datetime as dt
from collections.abc import Mapping
from typing import cast, get_args

from chalicelib.runs.merge_tools import EngineUse, Policy
from chalicelib.runs.watching import WatchPolicy
from shared.errors import SettingInvalid
from shared.schedule import DEFAULT_SCHEDULE
from shared.settings import Source

_MIB = 2**20
_LONGEST_DEADLINE = 24 * 28
"""Hours: the watch looks at runs of the last thirty days."""
_RUNTIME_BYTES = 150 * _MIB
"""What the interpreter, botocore and numpy take at most before the first row is read."""
_PER_BYTE = 3
"""Peak memory that a byte of all files together costs: `make bench` measures 2.2 (memory_full), a third is reserve."""
_PER_ODD_BYTE = 9
"""The same for a file that is read as a whole: 6.8 for the careful way, and room for what is read already."""

_PER_RESULT_BYTE = 8
"""The same for a byte of the engine's result, whose arrays are joined, compared and written from."""
_ENGINE_GRACE = 900
"""Seconds from the end of a job's time to that of the lease: a job waits for machines before its time begins."""


def read_policy(values: Mapping[str, str]) -> Policy:
    """What the stage sets for merging.

    LEASE_SECONDS must be longer than the function's timeout: a lease may only run out when its holder is dead.
    """
    source = Source(values)
    memory = source.whole("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", default=10_240, least=128) * _MIB
    return Policy(
        max_removed_percent=source.optional_number("MAX_REMOVED_PERCENT"),
        revision_warn_percent=source.optional_number("REVISION_WARN_PERCENT"),
        max_attempts=source.whole("MAX_ATTEMPTS", default=3, least=1),
        lease_seconds=source.number("LEASE_SECONDS", default=960, least=1),
        delta_from_bytes=source.whole("DELTA_FROM_BYTES", default=16 * _MIB),
        engine=_engine(values),
        engine_lease_seconds=engine_minutes(values) * 60 + _ENGINE_GRACE,
        most_result_bytes=max(_MIB, (memory - _RUNTIME_BYTES) // _PER_RESULT_BYTE),
        most_bytes=max(_MIB, (memory - _RUNTIME_BYTES) // _PER_BYTE),
        most_odd_bytes=max(_MIB, (memory - _RUNTIME_BYTES) // _PER_ODD_BYTE),
    )


def engine_minutes(values: Mapping[str, str]) -> int:
    """How long a job of the engine may take."""
    return Source(values).whole("ENGINE_TIMEOUT_MINUTES", default=120, least=1)


def _engine(values: Mapping[str, str]) -> EngineUse:
    text = values.get("ENGINE", "")
    for use in get_args(EngineUse.__value__):
        if text == use:
            return cast("EngineUse", use)
    raise SettingInvalid(f"the setting ENGINE is {text!r}; large and spark are allowed, or nothing")


def read_watch_policy(values: Mapping[str, str]) -> WatchPolicy:
    """What the stage sets for the watch.

    STALE_AFTER_DAYS is one threshold or several with commas between, `3` or `3,7,30`; absent: the dataset's.
    """
    source = Source(values)
    hours = source.number("DEADLINE_HOURS", default=6)
    if hours > _LONGEST_DEADLINE:
        raise SettingInvalid(f"the setting DEADLINE_HOURS is {hours:g}; at most {_LONGEST_DEADLINE} are allowed")
    return WatchPolicy(
        deadline=dt.timedelta(hours=hours),
        stale_after_days=_thresholds(values),
        schedule=source.text("SCHEDULE", default=DEFAULT_SCHEDULE),
    )


def _thresholds(values: Mapping[str, str]) -> tuple[int, ...]:
    text = values.get("STALE_AFTER_DAYS", "")
    if not text:
        return ()
    try:
        thresholds = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise SettingInvalid(
            f"the setting STALE_AFTER_DAYS is {text!r}; whole numbers like 3,7,30 are needed"
        ) from None
    if thresholds[0] < 1:
        raise SettingInvalid(f"the setting STALE_AFTER_DAYS is {text!r}; at least 1 is needed")
    return thresholds
