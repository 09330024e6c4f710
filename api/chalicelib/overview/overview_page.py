"""The overview of a stage with several datasets: of each its newest numbers, how fresh they are, what changed last.

It needs no script: it is read as it stands, and is small, whatever the datasets hold.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chalicelib.overview.dataset_cards import Card
from chalicelib.pages.formatting import count, moment, words
from chalicelib.pages.html_pages import render_html
from chalicelib.pages.sparkline import sparkline
from chalicelib.web.assets import Assets
from shared.dataset import Measure
from shared.exact import Number
from shared.runs import Run, State, parse_time
from shared.summary import Summary

type Trend = Mapping[str, Sequence[float | None]]
"""Measure -> its last values."""

_WORDS = {State.UNCHANGED: "found nothing new", State.COLLECTING: "is collecting", State.MERGING: "is merging"}


@dataclass(frozen=True, kw_only=True)
class GlanceNumber:
    """The newest number of a measure."""

    measure: Measure
    value: Number | None
    change: Number | None
    days: int
    """The days that the change stands for, of a sum the most; 0 where that is not known."""
    fewest: int
    """Of a sum the fewest days that a part of the change stands for, where they differ, else `days`."""
    line: Markup


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What the page shows of a dataset."""

    card: Card
    whose: str
    """What they are of: a series, or a sum over several; empty where there is one only."""
    numbers: Sequence[GlanceNumber]
    facts: Sequence[tuple[str, Markup | str]]


def render_overview(
    shown: Sequence[tuple[Card, Trend]],
    *,
    assets: Assets,
    notice: str,
    now: dt.datetime,
    mail: Markup,
    visits: Markup,
) -> str:
    """The page. Addresses in it are relative to the stage's root.

    `mail`, `visits`: the form to subscribe and the counter, empty where the operator wants none.
    """
    titles = ", ".join(card.dataset.title for card, _ in shown)
    return render_html(
        "overview.html",
        title=f"{count(len(shown), 'dataset')} at a glance",
        description=f"The newest numbers of {titles}.",
        assets=assets,
        root="",
        notice=notice,
        mail=mail,
        visits=visits,
        glances=[_glance(card, trend, now) for card, trend in shown],
        credits=list(dict.fromkeys(credit for card, _ in shown for credit in card.dataset.credits)),
    )


def _glance(card: Card, trend: Trend, now: dt.datetime) -> Glance:
    summary = card.summary
    numbers = [_number(m, summary, trend.get(m.name, ())) for m in card.dataset.measures] if summary else []
    whose = summary.whose.capitalize() if summary and summary.is_sum else summary.whose if summary else ""
    return Glance(card=card, whose=whose, numbers=numbers, facts=_facts(card, now))


def _number(measure: Measure, summary: Summary, line: Sequence[float | None]) -> GlanceNumber:
    days = int(summary.latest_days.get(measure.name) or 0)
    return GlanceNumber(
        measure=measure,
        value=summary.latest.get(measure.name),
        change=summary.latest_increments.get(measure.name),
        days=days,
        fewest=int(summary.latest_days_fewest.get(measure.name) or days),
        line=sparkline(line),
    )


def _facts(card: Card, now: dt.datetime) -> list[tuple[str, Markup | str]]:
    last_run: Markup | str = "none yet"
    if card.newest:
        last_run = Markup("{}{}").format(moment(card.newest.run_id), _ago(card.newest, now))
    facts = [
        ("Last run", last_run),
        ("It", _came_to(card.newest) if card.newest else ""),
        ("Last change", _changed(card)),
        ("Next run due", moment(card.due) if card.due else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _came_to(run: Run) -> str:
    if run.state is State.COMMITTED:
        return f"changed {count(run.added + run.changed + run.removed, 'row')}"
    word = _WORDS.get(run.state) or f"ended {run.state.lower()}"
    return f"{word}: {words(run.reason)}" if run.reason else word


def _changed(card: Card) -> Markup:
    """What the last commit changed, and when, where that is another run than the newest."""
    run = card.committed
    if run is None:
        return Markup()
    counts = f"{run.added:,} added, {run.changed:,} changed, {run.removed:,} removed"
    link = Markup('<a href="{}/runs/{}/changes">{}</a>').format(card.dataset.name, run.run_id, counts)
    return link if card.newest is run else Markup("{}, {}").format(link, moment(run.run_id))


def _ago(run: Run, now: dt.datetime) -> Markup:
    hours = (now - parse_time(run.run_id)).total_seconds() / 3600
    if not 0 <= hours < 24 * 30:
        return Markup()
    age = count(round(hours), "hour") if hours < 36 else count(round(hours / 24), "day")
    return Markup(' <span class="ago">({} ago)</span>').format(age)
