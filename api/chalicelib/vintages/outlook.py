"""What usually becomes of a value like the newest one: in words, where the evidence is enough."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.vintages.value_paths import Path
from shared.dataset import Period

FEWEST = 30
"""Values that must have been followed from the same lag on before anything is said."""
SHARE = 0.8
"""Of them lie within the band."""
LATEST = 120
"""Only so many are looked at, the latest: reporting changes."""
_SAME = 0.0005
"""Values that differ by no more than this share are as they were."""

AHEAD = {
    Period.DAY: (7, "a week", "days"),
    Period.WEEK: (14, "two weeks", "weeks"),
    Period.MONTH: (62, "two months", "months"),
}
"""Period -> how many days ahead it looks, what that is called, and what values of such dates are called."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """How values that were known so long after their date stood some days later."""

    lag: int
    ahead: int
    """Days."""
    low: float
    """The band's lower end, as a ratio to the value known at the lag: 1.02 is 2 % higher."""
    high: float
    unchanged: float
    """The share of them that stood as they were."""
    count: int
    """How many values it rests on."""

    @property
    def is_band(self) -> bool:
        """Whether there is a band to state: where most values stay as they are, there is none."""
        return self.unchanged < SHARE


def outlook(paths: Sequence[Path], *, lag: int, ahead: int, on_day: int | None = None) -> Outlook | None:
    """From the paths of earlier dates of a measure, ascending; None where they are too few.

    `on_day` is an ordinal: only what was known by the end of that day counts.
    """
    ratios = list[float]()
    for path in reversed(paths):
        if path.first_lag is None or path.first_lag > lag:
            continue
        if on_day is not None and path.day.toordinal() + lag + ahead > on_day:
            continue
        ratio = ratio_of(path, lag=lag, ahead=ahead)
        if ratio is not None:
            ratios.append(ratio)
            if len(ratios) == LATEST:
                break
    if len(ratios) < FEWEST:
        return None
    ratios.sort()
    low, high = _band(ratios)
    unchanged = sum(abs(ratio - 1) <= _SAME for ratio in ratios) / len(ratios)
    return Outlook(lag=lag, ahead=ahead, low=low, high=high, unchanged=unchanged, count=len(ratios))


def ratio_of(path: Path, *, lag: int, ahead: int) -> float | None:
    """How a value stood later; None where it is not known, or was none or nought."""
    then, later = path.at(lag), path.at(lag + ahead)
    return None if then is None or later is None or then <= 0 else later / then


def _band(ratios: Sequence[float]) -> tuple[float, float]:
    """The shortest band that holds SHARE of these, of n of them SHARE of n + 1: so much a further one would need.

    Many values are not revised at all; leaving a tenth out on either side would then state more than it says.
    """
    held = min(len(ratios), math.ceil(SHARE * (len(ratios) + 1)))
    starts = range(len(ratios) - held + 1)
    first = min(starts, key=lambda start: ratios[start + held - 1] - ratios[start])
    return ratios[first], ratios[first + held - 1]


def in_words(found: Outlook, *, is_first: bool, period: Period) -> str:
    """`first report; after a week such days stood 2 to 6 % higher (80 % of 143 days)`."""
    _, ahead, such = AHEAD[period]
    begin = "first report" if is_first else f"known {found.lag} days after its date"
    if not found.is_band:
        share = f"{found.unchanged:.0%}".replace("%", " %")
        return f"{begin}; after {ahead} {share} of such {such} stood as they were ({found.count} {such})"
    low, high = rounded(found.low), rounded(found.high)
    evidence = f"({SHARE:.0%} of {found.count} {such})".replace("%", " %")
    return f"{begin}; after {ahead} such {such} stood {_between(low, high)} {evidence}"


def rounded(ratio: float) -> float:
    """A ratio as percent more or less, as it is stated: a tenth where it is small."""
    percent = (ratio - 1) * 100
    return round(percent, 1) if abs(percent) < 10 else float(round(percent))


def _between(low: float, high: float) -> str:
    if low == high:
        return "as they were" if low == 0 else f"{_size(low)} % {_side(low)}"
    if low >= 0:
        return f"{_size(low)} to {_size(high)} % higher"
    if high <= 0:
        return f"{_size(high)} to {_size(low)} % lower"
    return f"between {_size(low)} % lower and {_size(high)} % higher"


def _size(percent: float) -> str:
    return f"{abs(percent):g}"


def _side(percent: float) -> str:
    return "higher" if percent > 0 else "lower"
