"""The watch over every dataset of a stage: what is seen of one neither hides another nor keeps it from being seen.

What is measured is the worst of all, so that one alarm knows every dataset, however many there are.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.runs.merge_tools import Tools
from chalicelib.runs.watching import Watched, WatchPolicy, watch
from shared.schedule import next_due

_DAY = dt.timedelta(days=1)


def watch_all(
    now: dt.datetime,
    *,
    owner: str,
    tools: Sequence[Callable[[], Tools]],
    policy: WatchPolicy,
    report: Callable[[Watched], None] = lambda _: None,
) -> Watched:
    """Look at each dataset, whose tools are made when it is its turn; `report` is called with all together, once.

    Raises the first error after all have been looked at.
    """
    seen, errors = list[Watched](), list[Exception]()
    for of_one in _in_turn(tools, now):
        try:
            _watch_one(now, owner=owner, tools=of_one(), policy=policy, seen=seen)
        except Exception as error:
            errors.append(error)
    together = combined(seen)
    report(together)
    if errors:
        raise errors[0]
    return together


def _in_turn(tools: Sequence[Callable[[], Tools]], now: dt.datetime) -> Sequence[Callable[[], Tools]]:
    """Each hour another one first: a merge that takes all the time there is keeps the others waiting once only."""
    first = int(now.timestamp() // 3600) % len(tools) if tools else 0
    return [*tools[first:], *tools[:first]]


def _watch_one(now: dt.datetime, *, owner: str, tools: Tools, policy: WatchPolicy, seen: list[Watched]) -> None:
    schedule = tools.dataset.schedule or policy.schedule

    def add(watched: Watched) -> None:
        seen.append(as_if_daily(_named(watched, tools.dataset.name), now, schedule=schedule))

    watch(now, owner=owner, tools=tools, policy=policy, report=add)


def _named(watched: Watched, dataset: str) -> Watched:
    """What was done of runs, with the dataset's name before each."""
    return replace(
        watched,
        ended=[f"{dataset} {text}" for text in watched.ended],
        again=[f"{dataset} {text}" for text in watched.again],
        wanted=[f"{dataset} {text}" for text in watched.wanted],
    )


def as_if_daily(watched: Watched, now: dt.datetime, *, schedule: str) -> Watched:
    """The age of the newest good run less the time by which the run due after it is further off than a day.

    So a dataset of Wednesdays and Fridays is no older on a Tuesday than a daily one, and one limit holds for all.
    """
    good = now - watched.good_run_age
    due = next_due(schedule, after=good)
    spared = max(due - good - _DAY, dt.timedelta(0)) if due else dt.timedelta(0)
    return replace(watched, good_run_age=max(watched.good_run_age - spared, dt.timedelta(0)))


def combined(seen: Sequence[Watched]) -> Watched:
    """All together: the longest ages, and the views' age by which the dataset that lags most lags."""
    commits = [it.commit_age for it in seen if it.commit_age is not None]
    lags = [it.views_age - it.commit_age for it in seen if it.views_age is not None and it.commit_age is not None]
    commit_age = max(commits, default=None)
    views = [it.views_age for it in seen if it.views_age is not None]
    return Watched(
        ended=[text for it in seen for text in it.ended],
        notices=[text for it in seen for text in it.notices],
        again=[text for it in seen for text in it.again],
        wanted=[text for it in seen for text in it.wanted],
        errors=[error for it in seen for error in it.errors],
        merges=[outcome for it in seen for outcome in it.merges],
        views_age=commit_age + max(lags) if commit_age is not None and lags else max(views, default=None),
        commit_age=commit_age,
        good_run_age=max((it.good_run_age for it in seen), default=dt.timedelta(0)),
        feed_age=max((it.feed_age for it in seen if it.feed_age is not None), default=None),
        open_age=max((it.open_age for it in seen), default=dt.timedelta(0)),
    )
