"""The watch asks the schedule what was due: nothing on days without a run, and each of several runs a day."""

from tests.proof.small_feeds import pair
from tests.proof.stories import SETTINGS, at, carry, publish, watch
from tests.world import World, world


def fetched(system: World, day: int, hour: str) -> None:
    carry(system, [publish(day, pair(9)), lambda made: made.schedule("fetch", at(day, hour)), watch(day, hour)])


def failures(system: World) -> list[str]:
    return [mail.subject.partition(": ")[2] for mail in system.platform.mails if mail.kind == "failure"]


def test_no_run_is_missed_on_the_days_of_a_weekend() -> None:
    """The sixth of March 2020 is a Friday."""
    with world({**SETTINGS, "SCHEDULE": "cron(0 17 ? * MON-FRI *)"}) as system:
        fetched(system, 6, "17:00:00")
        carry(system, [watch(day, hour) for day in (7, 8) for hour in ("06:00:00", "18:00:00", "23:59:00")])
        assert failures(system) == []
        carry(system, [watch(9, "16:00:00"), watch(9, "18:30:00")])
        assert failures(system) == ["no run began at 2020-03-09T17:00:00Z"]


def test_a_run_of_the_afternoon_is_missed_although_there_was_one_in_the_morning() -> None:
    with world({**SETTINGS, "SCHEDULE": "cron(0 5,17 * * ? *)"}) as system:
        fetched(system, 6, "05:00:00")
        carry(system, [watch(6, "16:00:00")])
        assert failures(system) == []
        carry(system, [watch(6, "18:30:00")])
        assert failures(system) == ["no run began at 2020-03-06T17:00:00Z"]
