"""A run's own successor is what the schedule says it is."""

import pytest

from shared.runs import Run, State
from shared.succession import gave_way_out_of_turn

DAILY, WEEKLY, HOURLY = "cron(0 17 * * ? *)", "cron(0 17 ? * FRI *)", "rate(1 hour)"
FRIDAY = "2020-10-30T17:00:00Z"


@pytest.mark.parametrize(
    ("schedule", "by", "out_of_turn"),
    [
        (DAILY, "2020-10-31T17:00:00Z", False),
        (DAILY, "2020-10-31T18:00:00Z", False),
        (DAILY, "2020-10-31T18:00:01Z", True),
        (DAILY, "2020-11-01T17:00:00Z", True),
        (WEEKLY, "2020-11-06T17:00:00Z", False),
        (WEEKLY, "2020-11-13T17:00:00Z", True),
        (HOURLY, "2020-10-30T18:00:00Z", False),
        (HOURLY, "2020-10-30T20:00:00Z", True),
        ("cron(0 17 L * ? *)", "2020-10-31T17:00:00Z", False),
        ("cron(0 17 L * ? *)", "2020-11-01T17:00:00Z", True),
        ("cron(0 17 * * ? 2019)", "2020-11-01T17:00:00Z", True),
    ],
)
def test_a_run_gives_way_to_the_one_that_is_due_after_it(schedule: str, by: str, out_of_turn: bool) -> None:
    run = Run(run_id=FRIDAY, state=State.SUPERSEDED, superseded_by=by)
    assert gave_way_out_of_turn(run, schedule=schedule) is out_of_turn


@pytest.mark.parametrize(
    "run",
    [
        Run(run_id=FRIDAY, state=State.COMMITTED),
        Run(run_id=FRIDAY, state=State.SUPERSEDED),
        Run(run_id=FRIDAY, state=State.SUPERSEDED, superseded_by="2021-10-30T17:00:00Z", redriven_by="arn"),
        Run(run_id=FRIDAY, state=State.SUPERSEDED, superseded_by="2021-10-30T17:00:00Z", approved_by="arn"),
    ],
)
def test_a_run_that_did_not_give_way_or_was_taken_up_late_is_in_turn(run: Run) -> None:
    assert not gave_way_out_of_turn(run, schedule=DAILY)
