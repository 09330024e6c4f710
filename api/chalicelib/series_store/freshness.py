"""How far the newest date of one series is behind that of all."""

import datetime as dt

from shared.dataset import Period


def periods_behind(newest: str, of_all: str, period: Period) -> int:
    """Days, weeks or months, whichever are published, from a series' newest date to the newest of all."""
    own, last = dt.date.fromisoformat(newest), dt.date.fromisoformat(of_all)
    match period:
        case Period.DAY:
            return (last - own).days
        case Period.WEEK:
            return round((last - own).days / 7)
        case Period.MONTH:
            return (last.year - own.year) * 12 + last.month - own.month
