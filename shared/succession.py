"""Whether a run gave way to the one that is due after it, or to another: to one of the future, say."""

import datetime as dt

from shared.runs import Run, State, parse_time
from shared.schedule import next_due

_MOVED = dt.timedelta(hours=1)
"""A successor may begin so much later than it is due: for a schedule that was moved."""
_DAILY = dt.timedelta(days=1)
"""What is taken for the schedule's period where the schedule is not understood, or names no further time."""


def gave_way_out_of_turn(run: Run, *, schedule: str) -> bool:
    """Whether it was superseded by a run that is not its own successor, and no command took it up late."""
    if run.state is not State.SUPERSEDED or not run.superseded_by or run.approved_by or run.redriven_by:
        return False
    return parse_time(run.superseded_by) > successor_due(run, schedule=schedule) + _MOVED


def successor_due(run: Run, *, schedule: str) -> dt.datetime:
    """When the run after this one is due."""
    began = parse_time(run.run_id)
    return next_due(schedule, after=began) or began + _DAILY
