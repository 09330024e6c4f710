"""When the next run is due, by the schedule as EventBridge says it."""

import datetime as dt

import pytest

from shared.schedule import next_due

AFTER = dt.datetime(2020, 10, 30, 17, 0, tzinfo=dt.UTC)  # a Friday


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("cron(0 17 * * ? *)", "2020-10-31T17:00"),
        ("cron(30 6,18 * * ? *)", "2020-10-30T18:30"),
        ("cron(0/20 * * * ? *)", "2020-10-30T17:20"),
        ("cron(0 17 ? * MON-FRI *)", "2020-11-02T17:00"),
        ("cron(0 17 ? * 2-6 *)", "2020-11-02T17:00"),
        ("cron(0 9 1 * ? *)", "2020-11-01T09:00"),
        ("cron(0 9 ? JAN SUN *)", "2021-01-03T09:00"),
        ("cron(15 10 29 2 ? *)", None),
        ("cron(0 9 1 1 ? 2022)", "2022-01-01T09:00"),
        ("cron(0 9 1 1 ? 2019)", None),
        ("rate(1 hour)", "2020-10-30T18:00"),
        ("rate(2 days)", "2020-11-01T17:00"),
        ("cron(0 9 L * ? *)", None),
        ("cron(0 9 ? * MON#1 *)", None),
        ("every day", None),
    ],
)
def test_the_next_time_after(schedule: str, due: str | None) -> None:
    found = next_due(schedule, after=AFTER)
    assert due == (found and found.strftime("%Y-%m-%dT%H:%M"))
