"""What a field of a feed may say, and what it means. Everything else is for whoever reads it to name or to leave."""

import datetime as dt
import re

from chalicelib.tables import NULL

NUMBER_ALLOWED = "a whole number of at most 15 digits that is not negative, or blank"
DATE_ALLOWED = "an ISO date like 2020-10-24"
LONGEST_NAME = 255
NAME_ALLOWED = f"a name of at most {LONGEST_NAME} printable characters in UTF-8"

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE = re.compile(r"\+?(\d{1,15})(?:\.0*)?", re.ASCII)


def day_of(text: str) -> int | None:
    """The ordinal of an ISO date; None for any other text."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text).toordinal()
    except ValueError:
        return None


def number_of(text: str) -> int | None:
    """A whole number, NULL where the field is blank; None for any other text."""
    if not text:
        return NULL
    found = _WHOLE.fullmatch(text)
    return int(found[1]) if found else None


def is_name(text: str) -> bool:
    """A name is a key in the store: that takes 2 KB, and no lone surrogate."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable()
