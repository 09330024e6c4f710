"""What the texts of a column look like: dates and in which format, numbers and how they are written, or names."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from chalicelib.csv_reading.field_rules import day_rule

DATE_FORMATS = (
    *("iso", "iso-week", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%Y", "%d.%m.%y", "%d-%m-%Y"),
    *("%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%Y/%m", "%Y%m", "%m/%Y", "%YM%m", "%b %d, %Y", "%B %d, %Y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b-%y", "%b %Y", "%B %Y", "%Y-%b", "%b-%Y", "%Y-%j", "%Y%j"),
    *("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"),
    *("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M:%S+00", "%Y%m%dT%H%M%S"),
)
"""Formats that are tried, the usual ones first."""

_SAMPLE = 400
"""Texts of a column that are looked at: from its beginning, middle and end."""
_MOSTLY = 0.6
"""A column is of numbers where this share of what is not blank are some; dates are all dates, but for a few."""
_FEW = 0.02
_DIGITS = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBERS = (
    (".", "", re.compile(r"[+-]?\d*(?:\.\d*)?", re.ASCII)),
    (".", ",", re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?|[+-]?\d+(?:\.\d*)?", re.ASCII)),
    (",", "", re.compile(r"[+-]?\d+(?:,\d*)?", re.ASCII)),
    (",", ".", re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?|[+-]?\d+(?:,\d*)?", re.ASCII)),
    (".", " ", re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:\.\d*)?|[+-]?\d+(?:\.\d*)?", re.ASCII)),
    (",", " ", re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:,\d*)?|[+-]?\d+(?:,\d*)?", re.ASCII)),
)  # fmt: skip
"""Decimal sign, thousands sign, and what numbers with them look like; the first that fits most texts is taken."""
_MISSING_AT_MOST = 12
"""Characters of a text that means not reported."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What a column looks like."""

    name: str
    date_formats: Sequence[str] = ()
    """Formats in which all its texts are dates, the likeliest first."""
    decimals: int | None = None
    """The most decimals of a number; None where it is not a column of numbers."""
    decimal: str = "."
    thousands: str = ""
    negative: bool = False
    missing: Sequence[str] = ()
    """Texts among numbers that are none."""
    grows: bool = False
    """Whether its numbers rarely fall from row to row."""
    distinct: int = 0

    @property
    def is_date(self) -> bool:
        return bool(self.date_formats)

    @property
    def is_number(self) -> bool:
        return self.decimals is not None and not self.is_date


def looks_of(name: str, texts: Sequence[str]) -> Looks:
    """What a column's texts, blanks around them taken off, look like."""
    filled = [text for text in sampled(texts) if text]
    if not filled:
        return Looks(name=name)
    distinct = len(set(filled))
    formats = date_formats(filled)
    if formats:
        return Looks(name=name, date_formats=formats, distinct=distinct)
    return _numbers(name, filled, distinct) or Looks(name=name, distinct=distinct)


def sampled(texts: Sequence[str]) -> Sequence[str]:
    """Some of many texts, from all over."""
    if len(texts) <= 3 * _SAMPLE:
        return texts
    middle = len(texts) // 2
    return [*texts[:_SAMPLE], *texts[middle : middle + _SAMPLE], *texts[-_SAMPLE:]]


def date_formats(texts: Sequence[str]) -> list[str]:
    """The formats in which these are dates, but for a few; numbers that could be dates by chance are none."""
    counted = Counter(texts)
    fits = []
    for date_format in DATE_FORMATS:
        rule = day_rule(date_format)
        odd = 0
        for text, count in counted.items():
            day = rule(text)
            odd += count if day is None or not _is_likely(day) else 0
            if odd > _FEW * len(texts):
                break
        else:
            fits.append(date_format)
    only_digits = all(_DIGITS.fullmatch(text) for text in counted)
    if only_digits and not all(len(text) in (6, 7, 8) for text in counted):
        return []
    return fits


def _is_likely(day: int) -> bool:
    return 620_000 < day < 767_000  # 1698 to 2100


def _numbers(name: str, texts: Sequence[str], distinct: int) -> Looks | None:
    best: tuple[int, str, str, list[str]] | None = None
    for decimal, thousands, pattern in _NUMBERS:
        found = [text for text in texts if pattern.fullmatch(text) and any(map(str.isdigit, text))]
        if best is None or len(found) > best[0]:
            best = (len(found), decimal, thousands, found)
    assert best is not None, "there are patterns"
    count, decimal, thousands, found = best
    others = sorted({text for text in texts if text not in set(found)})
    if count < _MOSTLY * len(texts) or any(len(text) > _MISSING_AT_MOST for text in others) or len(others) > 5:
        return None
    decimals = max(len(text.partition(decimal)[2].rstrip("0")) for text in found)
    plain = [float(_without(text, thousands).replace(decimal, ".")) for text in found]
    falls = sum(after < before for before, after in pairwise(plain))
    return Looks(
        name=name,
        decimals=decimals,
        decimal=decimal if decimals or thousands else ".",
        thousands=thousands,
        negative=any(text.startswith("-") for text in found),
        missing=others,
        grows=len(found) > 5 and falls <= _FEW * len(found) and plain[-1] > plain[0],
        distinct=distinct,
    )


def _without(text: str, thousands: str) -> str:
    return text.replace(thousands, "") if thousands else text
