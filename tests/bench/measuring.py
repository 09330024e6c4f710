"""Measuring side by side: contenders take turns, so that what the machine does meanwhile falls on all of them.

A figure is the median of its rounds. What counts is a ratio within one run, never a number of seconds.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

OURS, PLAIN, FLOOR = "ours", "plain", "floor"

type Measure = Callable[[], float]
"""One measurement; what it answers is in the figure's unit."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What issue and design ask of a figure; None where they do not."""

    faster_than_plain: float | None = None
    """The plain way takes at least so many times as much."""
    times_floor: float | None = None
    """At most so many times the floor."""
    at_most: float | None = None
    """In the figure's own unit."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table."""

    name: str
    unit: str
    rounds: Mapping[str, Sequence[float]]
    """Contender -> its measurements, warm-up left out."""
    target: Target = field(default_factory=Target)
    note: str = ""
    """What a reader must know to read it."""

    def median(self, contender: str) -> float | None:
        found = self.rounds.get(contender)
        return statistics.median(found) if found else None

    def spread(self, contender: str) -> float:
        """Half the distance from the lower to the upper quartile, as a share of the median."""
        found = sorted(self.rounds.get(contender, ()))
        middle = statistics.median(found) if found else 0
        if len(found) < 3 or not middle:
            return 0.0
        lower, _, upper = statistics.quantiles(found, n=4, method="inclusive")
        return (upper - lower) / 2 / middle

    def ratio(self, above: str, below: str) -> float | None:
        """Median of one over that of another; None where one of them was not measured."""
        over, under = self.median(above), self.median(below)
        return over / under if over is not None and under else None

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing where there is no target."""
        held = []
        if self.target.faster_than_plain is not None:
            held.append((self.ratio(PLAIN, OURS) or 0) >= self.target.faster_than_plain)
        if self.target.times_floor is not None:
            held.append((self.ratio(OURS, FLOOR) or float("inf")) <= self.target.times_floor)
        if self.target.at_most is not None:
            held.append((self.median(OURS) or 0) <= self.target.at_most)
        return "" if not held else "met" if all(held) else "missed"

    def as_map(self) -> dict[str, str | float | None]:
        numbers = {contender: _rounded(self.median(contender)) for contender in (OURS, PLAIN, FLOOR)}
        return {"name": self.name, "unit": self.unit} | numbers


def take_turns(contenders: Mapping[str, Measure], *, rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Contender -> its measurements; each round begins with another contender."""
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-warm_up, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            measured = contenders[name]()
            if number >= 0:
                taken[name].append(measured)
    return taken


def table(figures: Sequence[Figure]) -> str:
    """For people: medians with their spread, ratios beside what is asked, a verdict."""
    head = ("", "unit", "ours", "plain way", "floor", "faster than plain", "of the floor", "target")
    rows = [head, *map(_row, figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    lines = [
        "  ".join(_cell(text, width, place) for place, (text, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    notes = [f"{figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([line.rstrip() for line in lines] + (["", *notes] if notes else []))


def _cell(text: str, width: int, place: int) -> str:
    return text.ljust(width) if place in (0, 1, 7) else text.rjust(width)


def _row(figure: Figure) -> tuple[str, ...]:
    target = figure.target
    return (
        figure.name,
        figure.unit,
        *(_number(figure, contender) for contender in (OURS, PLAIN, FLOOR)),
        _beside(figure.ratio(PLAIN, OURS), target.faster_than_plain, "at least"),
        _beside(figure.ratio(OURS, FLOOR), target.times_floor, "at most"),
        figure.verdict + (f" (at most {target.at_most:g})" if target.at_most is not None else ""),
    )


def _number(figure: Figure, contender: str) -> str:
    middle = figure.median(contender)
    if middle is None:
        return "-"
    spread = figure.spread(contender)
    return f"{_short(middle)}" + (f" ±{spread:.0%}" if spread >= 0.005 else "")


def _beside(ratio: float | None, limit: float | None, word: str) -> str:
    if ratio is None:
        return "-"
    return f"{_short(ratio)}x" + (f" ({word} {limit:g})" if limit is not None else "")


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.3g}"


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.6g}")
