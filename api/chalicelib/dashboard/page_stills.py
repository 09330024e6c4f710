"""The pictures that the page has in its HTML: of the same figures that Plotly draws once it is there."""

import datetime as dt
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from chalicelib.dashboard.periods import CHOICES
from chalicelib.dashboard.traces import Figure
from chalicelib.pictures.lengths import main_lengths, small_lengths
from chalicelib.pictures.panels import scene_of
from chalicelib.pictures.revision_stills import still_of_revisions
from chalicelib.pictures.stills import still
from chalicelib.pictures.ticks import Tick
from chalicelib.tabulation.bucket_labels import By
from shared.dataset import Dataset


def page_stills(figures: Mapping[str, Mapping[str, Figure]], dataset: Dataset) -> dict[str, Markup]:
    """`main`, a picture of the last rows of each table (`daily` ...), and `revisions`."""
    choices = CHOICES[dataset.period]
    order = {name: n for n, name in enumerate(dataset.measure_names)}
    made = {"main": still(scene_of(figures[choices[0]]["new"]), main_lengths(), order=order)}
    small = small_lengths(len(dataset.measures))
    for by in choices:
        figure = figures[by]["recent"]
        scene, dates = scene_of(figure), figure["data"][0]["x"] if figure["data"] else []
        made[by] = still(scene, small, order=order, ticks=_recent_ticks(dates, by))
    made["revisions"] = still_of_revisions(figures["revisions"]["all"], order=order)
    return made


def _recent_ticks(dates: Sequence[str], by: By) -> list[Tick]:
    days = [dt.date.fromisoformat(date) for date in dates]
    if by == "daily":
        return [(day.toordinal(), f"{day:%a}") for day in days]
    if by == "monthly":
        return [(day.replace(day=16).toordinal(), f"{day:%b}") for day in days]
    return [(day.toordinal(), f"{day.day} {day:%b}") for n, day in enumerate(days) if (len(days) - 1 - n) % 2 == 0]
