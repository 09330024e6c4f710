"""Settings fail by their names."""

import datetime as dt

import pytest

from chalicelib.runs.merge_settings import read_policy, read_watch_policy
from shared.errors import SettingInvalid


def test_the_gate_is_as_set() -> None:
    policy = read_policy({"MAX_REMOVED_PERCENT": "2.5", "REVISION_WARN_PERCENT": "20", "MAX_ATTEMPTS": "5"})
    assert (policy.max_removed_percent, policy.revision_warn_percent, policy.max_attempts) == (2.5, 20, 5)


def test_without_settings_the_documented_values_hold() -> None:
    policy, watch = read_policy({}), read_watch_policy({})
    assert (policy.max_removed_percent, policy.max_attempts, policy.lease_seconds) == (None, 3, 960)
    assert (watch.deadline, watch.stale_after_days) == (dt.timedelta(hours=6), ())


def test_how_much_fits_follows_from_the_functions_memory() -> None:
    small, large = (read_policy({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": size}).most_bytes for size in ("1024", "10240"))
    assert 2**20 < small < large < 10_240 * 2**20


def test_thresholds_are_sorted_and_each_there_once() -> None:
    assert read_watch_policy({"STALE_AFTER_DAYS": "7,3, 30,7"}).stale_after_days == (3, 7, 30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_REMOVED_PERCENT", "lots"),
        ("MAX_REMOVED_PERCENT", "-1"),
        ("MAX_REMOVED_PERCENT", "nan"),
        ("MAX_ATTEMPTS", "0"),
        ("MAX_ATTEMPTS", "1.5"),
        ("LEASE_SECONDS", "0"),
        ("DELTA_FROM_BYTES", "inf"),
        ("STALE_AFTER_DAYS", "three"),
        ("STALE_AFTER_DAYS", "0"),
        ("STALE_AFTER_DAYS", ","),
        ("DEADLINE_HOURS", "-6"),
        ("DEADLINE_HOURS", "1e300"),
    ],
)
def test_an_impossible_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        (read_policy({name: value}), read_watch_policy({name: value}))
