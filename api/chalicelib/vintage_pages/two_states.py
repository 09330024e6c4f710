"""Two states of one series side by side: what differs, and a figure with a line for each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.vintages.version_table import Values
from shared.dataset import Dataset, Measure
from shared.exact import Number

type State = Mapping[str, Values]
"""Date -> its values, as they were known at a time."""


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


def differing(one: State, other: State, dataset: Dataset) -> Iterator[Differing]:
    """The newest date first."""
    for date in sorted(one.keys() | other.keys(), reverse=True):
        for place, measure in enumerate(dataset.measures):
            values = [state[date][place] if date in state else None for state in (one, other)]
            if values[0] != values[1]:
                yield Differing(date=date, measure=measure, one=values[0], other=values[1])


def two_lines(states: Mapping[str, State], dataset: Dataset, measure: Measure) -> dict[str, Any]:
    """A figure for Plotly, a line for each state by its name; of a running total what each date added."""
    place = dataset.measure_names.index(measure.name)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"as of {name}",
                "x": sorted(state),
                "y": _course([state[date][place] for date in sorted(state)], cumulative=measure.cumulative),
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


def _course(values: Sequence[Number | None], *, cumulative: bool) -> list[float | None]:
    if not cumulative:
        return [None if value is None else float(value) for value in values]
    added, before = list[float | None](), None
    for value in values:
        added.append(None if value is None or before is None else float(value - before))
        before = before if value is None else value
    return added
