"""Two states of one series side by side: what differs, and a figure with a line for each."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.dashboard.periods import CHOICES
from chalicelib.tabulation.gaps import usual_step, with_breaks
from chalicelib.vintages.version_table import Values
from shared.dataset import Dataset, Measure, Period
from shared.exact import Number

type KnownRows = Mapping[str, Values]
"""Date -> its values, as they were known at a time."""

_DAYS: Mapping[Period, float] = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30.44}
"""How long each is, on average."""


@dataclass(frozen=True, kw_only=True)
class Differing:
    """A value that is not the same in both states; None where it was not reported, or not there."""

    date: str
    measure: Measure
    one: Number | None
    other: Number | None

    @property
    def difference(self) -> Number | None:
        return None if self.one is None or self.other is None else self.other - self.one


def differing(one: KnownRows, other: KnownRows, dataset: Dataset) -> Iterator[Differing]:
    """The newest date first."""
    for date in sorted(one.keys() | other.keys(), reverse=True):
        for place, measure in enumerate(dataset.measures):
            values = [state[date][place] if date in state else None for state in (one, other)]
            if values[0] != values[1]:
                yield Differing(date=date, measure=measure, one=values[0], other=values[1])


def two_lines(states: Mapping[str, KnownRows], dataset: Dataset, measure: Measure) -> dict[str, Any]:
    """A figure for Plotly, a line for each state by its name; of a running total what each date added.

    What was added over a gap is drawn as its mean a day, week or month, and lines break at gaps, as on the dashboard.
    """
    place = dataset.measure_names.index(measure.name)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"as of {name}",
                **_course({date: state[date][place] for date in sorted(state)}, dataset.period, measure),
                "line": {"width": 2, **({} if first else {"dash": "dot"})},
            }
            for first, (name, state) in zip((True, False), states.items(), strict=True)
        ],
        "layout": {
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": f"{measure.label}{' added' if measure.cumulative else ''}"}},
            "hovermode": "x unified",
            "margin": {"l": 64, "r": 8, "t": 8, "b": 38},
            "legend": {"orientation": "h", "y": 1.1},
            "height": 420,
        },
    }


def _course(values: Mapping[str, Number | None], period: Period, measure: Measure) -> dict[str, Any]:
    """`x` and `y`."""
    numbers = _added(values, period) if measure.cumulative else list(values.values())
    drawn = [None if number is None else float(number) for number in numbers]
    dates, drawn = with_breaks(list(values), drawn, step=usual_step(list(values), CHOICES[period][0]))
    return {"x": dates, "y": drawn}


def _added(values: Mapping[str, Number | None], period: Period) -> Sequence[Number | float | None]:
    """What each date added since the last one reported; of several periods their mean."""
    added: list[Number | float | None] = []
    last: tuple[dt.date, Number] | None = None
    for iso, value in values.items():
        date = dt.date.fromisoformat(iso)
        if value is None or last is None:
            added.append(None)
        else:
            periods = max(1, round((date - last[0]).days / _DAYS[period]))
            added.append(value - last[1] if periods == 1 else round(float(value - last[1]) / periods, 3))
        last = last if value is None else (date, value)
    return added
