"""What usually becomes of a value like the newest one, in words: the same on the page, in mails and in the api."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.dataset import Period
from shared.number_words import counted

SHARE = 0.8
"""Of them lie within the band."""

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

    def as_map(self) -> dict[str, Any]:
        """As JSON has it; `from_map` undoes it."""
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in vars(self).items()}

    @classmethod
    def from_map(cls, values: Mapping[str, Any]) -> "Outlook":
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})


def in_words(found: Outlook, *, is_first: bool, period: Period) -> str:
    """`first report; after a week such days stood 2 to 6 % higher (80 % of 143 days)`."""
    _, ahead, such = AHEAD[period]
    begin = "first report" if is_first else f"known {counted(found.lag, 'day')} after its date"
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
