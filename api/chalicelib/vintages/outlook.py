"""What usually becomes of a value like the newest one, where the evidence is enough."""

import math
from collections.abc import Sequence

from chalicelib.vintages.value_paths import Path
from shared.outlook_words import SHARE, Outlook

FEWEST = 30
"""Values that must have been followed from the same lag on before anything is said."""
LATEST = 120
"""Only so many are looked at, the latest: reporting changes."""
_SAME = 0.0005
"""Values that differ by no more than this share are as they were."""


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
