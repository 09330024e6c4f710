"""The overview of a stage with several datasets: of each its newest numbers, how fresh they are, what changed last.

It needs no script: it is read as it stands, and is small, whatever the datasets hold.
"""

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from chalicelib.dashboard.formatting import count, date, moment, number, text
from chalicelib.dashboard.sparkline import sparkline
from chalicelib.overview.dataset_cards import Card
from chalicelib.web.assets import Assets
from shared.dataset import Measure
from shared.runs import Run, State, parse_time
from shared.summary import Summary

type Trend = Mapping[str, Sequence[float | None]]
"""Measure -> its last values."""

_WORDS = {State.UNCHANGED: "found nothing new", State.COLLECTING: "is collecting", State.MERGING: "is merging"}


def render_overview(shown: Sequence[tuple[Card, Trend]], *, assets: Assets, notice: str, now: dt.datetime) -> str:
    """The page. Addresses in it are relative to the stage's root."""
    thanks = dict.fromkeys(credit for card, _ in shown for credit in card.dataset.credits)
    titles = ", ".join(card.dataset.title for card, _ in shown)
    return _template().substitute(
        title=text(f"{count(len(shown), 'dataset')} at a glance"),
        description=text(f"The newest numbers of {titles}."),
        icon=assets.name("icon.svg"),
        style=assets.name("page.css"),
        early_script=assets.name("early.js"),
        notice=f'<aside class="notice" role="note"><p>{text(notice)}</p></aside>' if notice else "",
        sections="\n".join(_section(card, trend, now) for card, trend in shown),
        credits="".join(f"<li>{text(credit)}</li>" for credit in thanks),
    )


def _section(card: Card, trend: Trend, now: dt.datetime) -> str:
    name = card.dataset.name
    return f"""<section aria-labelledby="{name}">
  <h2 id="{name}"><a href="{name}/">{text(card.dataset.title)}</a></h2>
  {_numbers(card, trend)}
  <dl class="facts">{_facts(card, now)}</dl>
</section>"""


def _numbers(card: Card, trend: Trend) -> str:
    summary = card.summary
    if summary is None:
        return "<p>No run has brought any rows yet.</p>"
    of = f"{text(str(summary.latest['series']))}, " if summary.latest.get("series") else ""
    stats = "".join(
        _stat(n, measure, summary, trend.get(measure.name, ())) for n, measure in enumerate(card.dataset.measures)
    )
    return f'<p class="lead">{of}{date(summary.latest["date"], style="long")}</p>\n  <div class="stats">{stats}</div>'


def _stat(n: int, measure: Measure, summary: Summary, line: Sequence[float | None]) -> str:
    value, change = summary.latest.get(measure.name), summary.latest_increments.get(measure.name)
    unit = f" <span>{text(measure.unit)}</span>" if measure.unit and value is not None else ""
    changed = (
        ""
        if change is None
        else f'<p class="new">{number(change, sign=True)} <span>{_since(measure, summary)}</span></p>'
    )
    return (
        f'<div class="stat m{n % 6}"><h3>{text(measure.label)}</h3><p class="total">{number(value)}{unit}</p>'
        f"{changed}{sparkline(line)}</div>"
    )


def _since(measure: Measure, summary: Summary) -> str:
    days = summary.latest_days.get(measure.name)
    return f"in {count(int(days), 'day')}" if days else "since the date before"


def _facts(card: Card, now: dt.datetime) -> str:
    facts = [
        ("Last run", f"{moment(card.newest.run_id)}{_ago(card.newest, now)}" if card.newest else "none yet"),
        ("It", _came_to(card.newest) if card.newest else ""),
        ("Last change", _changed(card)),
        ("Next run due", moment(card.due) if card.due else ""),
    ]
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts if value)


def _came_to(run: Run) -> str:
    if run.state is State.COMMITTED:
        return f"changed {count(run.added + run.changed + run.removed, 'row')}"
    word = _WORDS.get(run.state) or f"ended {run.state.lower()}"
    return f"{word}: {text(run.reason)}" if run.reason else word


def _changed(card: Card) -> str:
    """What the last commit changed, where that is another run than the newest."""
    run = card.committed
    if run is None:
        return ""
    counts = f"{run.added:,} added, {run.changed:,} changed, {run.removed:,} removed"
    link = f'<a href="{card.dataset.name}/runs/{run.run_id}/changes">{counts}</a>'
    return link if card.newest is run else f"{link}, {moment(run.run_id)}"


def _ago(run: Run, now: dt.datetime) -> str:
    hours = (now - parse_time(run.run_id)).total_seconds() / 3600
    if not 0 <= hours < 24 * 30:
        return ""
    told = count(round(hours), "hour") if hours < 36 else count(round(hours / 24), "day")
    return f' <span class="ago">({told} ago)</span>'


@functools.cache
def _template() -> Template:
    return Template((Path(__file__).parent / "overview.html").read_text(encoding="utf-8"))
