"""What a field of a feed may hold, and what it means: dates, numbers and names.

Each rule gives the value, or None for a text that it does not allow: naming the place is for whoever reads the file.
"""

import datetime as dt
import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.tables import NULL
from shared.dataset import Feed, Measure
from shared.exact import from_scaled

LARGEST = 2**63 - 1
"""Numbers are held in 64 bits, of which the least is null: from -LARGEST to LARGEST."""
LONGEST_NAME = 255
NAME_ALLOWED = f"a name of at most {LONGEST_NAME} printable characters in UTF-8"
ISO_DATE = "an ISO date like 2020-10-24"
THREE_COLUMNS = "year, month and day of a date in digits"

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ](?:[01]\d|2[0-4]):[0-5]\d(?::[0-6]\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII,
)
"""A date, or a timestamp, with or without a zone: the day as it is written counts."""
_FEW_DIGITS = 30
"""Digits of a number that are taken at once; of a longer text it is seen before whether it can be held."""
_ISO_WEEK = re.compile(r"(\d{4})-?[Ww](\d{1,2})", re.ASCII)
_YEAR = re.compile(r"(\d{4})(?:\.0*)?", re.ASCII)
_MONTH_OR_DAY = re.compile(r"(\d{1,2})(?:\.0*)?", re.ASCII)


# --- dates -------------------------------------------------------------------------------------------------------


def day_rule(date_format: str) -> Callable[[str], int | None]:
    """From a date's text, without blanks around it, to its ordinal; None for what the format does not allow."""
    if date_format == "iso":
        return iso_day
    if date_format == "iso-week":
        return _sunday
    return lambda text: day_by_format(text, date_format)


def dates_allowed(date_format: str) -> str:
    """The same in words."""
    if date_format == "iso":
        return ISO_DATE
    if date_format == "iso-week":
        return "an ISO week like 2024-W12"
    return f"a date written as {date_format}, like {dt.date(2020, 10, 24).strftime(date_format)},"


@functools.lru_cache(maxsize=4096)
def iso_day(text: str) -> int | None:
    """The ordinal of an ISO date, or of a timestamp's day."""
    found = _ISO.fullmatch(text)
    return _ordinal(found[1]) if found else None


def _ordinal(iso: str) -> int | None:
    try:
        return dt.date.fromisoformat(iso).toordinal()
    except ValueError:
        return None


def _sunday(text: str) -> int | None:
    found = _ISO_WEEK.fullmatch(text)
    try:
        return dt.date.fromisocalendar(int(found[1]), int(found[2]), 7).toordinal() if found else None
    except ValueError:
        return None


def day_by_format(text: str, date_format: str) -> int | None:
    """The ordinal of a date in a format of strptime, with English names of months and weekdays."""
    if not text.isascii():  # strptime takes digits of any script
        return None
    try:
        return dt.datetime.strptime(text, date_format).date().toordinal()  # noqa: DTZ007  # the day as it is written
    except ValueError:
        return None


def day_of_parts(parts: Sequence[str]) -> int | None:
    """The ordinal of a date from its year, month and day."""
    year, month, day = (
        pattern.fullmatch(text) for pattern, text in zip((_YEAR, _MONTH_OR_DAY, _MONTH_OR_DAY), parts, strict=True)
    )
    if not (year and month and day):
        return None
    try:
        return dt.date(int(year[1]), int(month[1]), int(day[1])).toordinal()
    except ValueError:
        return None


# --- numbers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NumberRule:
    """How numbers of a measure are written in a feed, and which of them are allowed."""

    decimals: int
    rounded: bool
    minimum: int | None
    decimal: str
    thousands: str
    missing: frozenset[str]

    @classmethod
    def of(cls, feed: Feed, measure: Measure) -> "NumberRule":
        """The rule for a measure's column in a feed."""
        return cls(
            decimals=measure.decimals,
            rounded=measure.rounded,
            minimum=measure.minimum,
            decimal=feed.decimal,
            thousands=feed.thousands,
            missing=frozenset(feed.missing),
        )

    def reader(self) -> Callable[[str], int | None]:
        """From a text, without blanks around it, to its multiple of 10^-decimals; NULL where nothing is reported.

        None for what is not allowed: see `allowed`.
        """
        pattern, unit = self._pattern(), 10**self.decimals
        least = -LARGEST if self.minimum is None else self.minimum

        def read(text: str) -> int | None:
            if not text or text in self.missing:
                return NULL
            if text.isdigit() and text.isascii() and len(text) <= _FEW_DIGITS:
                whole = int(text) * unit
                return whole if least <= whole <= LARGEST else None
            found = pattern.fullmatch(text)
            if not found:
                return None
            scaled = self._scaled(found["whole"].replace(self.thousands, ""), found["decimals"] or "")
            if scaled is None or scaled > LARGEST:
                return None
            scaled = -scaled if found["sign"] == "-" else scaled
            return scaled if scaled >= least else None

        return read

    def _pattern(self) -> re.Pattern[str]:
        grouped = rf"|\d{{1,3}}(?:{re.escape(self.thousands)}\d{{3}})+" if self.thousands else ""
        bare = rf"|(?={re.escape(self.decimal)}\d)" if self.decimals else ""  # .5 is a half; .0 is no whole number
        return re.compile(
            rf"(?P<sign>[+-]?)(?P<whole>\d+{grouped}{bare})(?:{re.escape(self.decimal)}(?P<decimals>\d*))?", re.ASCII
        )

    def _scaled(self, whole: str, decimals: str) -> int | None:
        """The number without its sign; None where it has more decimals than are kept, and is not to be rounded."""
        kept, more = decimals[: self.decimals].ljust(self.decimals, "0"), decimals[self.decimals :].rstrip("0")
        digits = (whole + kept).lstrip("0")
        if len(digits) > len(str(LARGEST)) or (more and not self.rounded):
            return None
        scaled = int(digits or "0")
        if more:
            scaled += more > "5" or (more == "5" and scaled % 2 == 1)
        return scaled

    @property
    def allowed(self) -> str:
        """What a field may hold, in words."""
        if not self.decimals:
            kind = "a whole number" if not self.rounded else "a number, rounded to a whole one,"
        elif self.rounded:
            kind = f"a number, rounded to {self.decimals} decimals,"
        else:
            kind = f"a number with at most {self.decimals} decimals"
        written = [f"{self.decimal!r} before its decimals"] if self.decimal != "." else []
        written += [f"{self.thousands!r} between its thousands"] if self.thousands else []
        least = {None: "", 0: " that is not negative"}.get(
            self.minimum, f" of at least {from_scaled(self.minimum or 0, self.decimals)}"
        )
        missing = [repr(text) for text in sorted(self.missing)]
        return (
            f"{kind}{' written with ' + ' and '.join(written) if written else ''}{least}, within 64 bits,"
            f" or {' or '.join([*missing, 'blank'])}"
        )


# --- names -------------------------------------------------------------------------------------------------------


def is_name(text: str) -> bool:
    """A name is a key in the store: that takes 2 KB, and no lone surrogate."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable()


def name_of(parts: Sequence[str], feed: Feed) -> str:
    """A series' name in the dataset from the fields that name it; it may be none, see `is_name`."""
    stripped = [part.strip() for part in parts]
    name = stripped[0] if len(stripped) == 1 else feed.series_join.join(filter(None, stripped))
    return feed.rename.get(name, name)
