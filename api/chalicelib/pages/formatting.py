"""Numbers and dates as HTML: readable as they stand, and marked up so that the script can set them in the reader's way.

`<data value>` and `<time datetime>` carry the plain value; the text is English with thousands commas. What is put into
`Markup.format`, or into a template, is escaped there unless it is `Markup` itself.
"""

import datetime as dt

from markupsafe import Markup

from shared.exact import Number
from shared.printing import without_controls

MINUS = "\N{MINUS SIGN}"
NOT_REPORTED = Markup('<span class="none" title="not reported">\N{EN DASH}</span>')


def number(value: Number | float | None, *, sign: bool = False) -> Markup:
    """`sign` writes the plus as well; None is a dash."""
    if value is None:
        return NOT_REPORTED
    if sign:
        return Markup('<data value="{}" class="signed">{}</data>').format(value, f"{value:+,}".replace("-", MINUS))
    return Markup('<data value="{}">{}</data>').format(value, f"{value:,}".replace("-", MINUS))


def difference(now: Number | None, before: Number | None) -> Number | None:
    return None if now is None or before is None else now - before


def percent(value: float | None) -> Markup:
    """A change as a share: 0.123 is +12.3 %."""
    if value is None:
        return NOT_REPORTED
    text = f"{value:+.1%}".replace("-", MINUS).replace("%", " %")
    return Markup('<data value="{}" class="percent">{}</data>').format(f"{value:.4f}", text)


def date(iso: str, *, style: str = "medium") -> Markup:
    """`style`: `long` (Saturday 24 October 2020), `medium` (24 Oct 2020), `short` (Sat 24 Oct), `day` (24 Oct),
    `month` (Oct 2020), `month-long` (October 2020).
    """
    day = dt.date.fromisoformat(iso)
    text = {
        "long": f"{day:%A} {day.day} {day:%B %Y}",
        "medium": f"{day.day} {day:%b %Y}",
        "short": f"{day:%a} {day.day} {day:%b}",
        "day": f"{day.day} {day:%b}",
        "month": f"{day:%b %Y}",
        "month-long": f"{day:%B %Y}",
    }[style]
    return Markup('<time datetime="{}" data-style="{}">{}</time>').format(iso, style, text)


def plain_date(iso: str) -> str:
    """24 Oct 2020, without tags."""
    day = dt.date.fromisoformat(iso)
    return f"{day.day} {day:%b %Y}"


def moment(time: str, *, style: str = "moment") -> Markup:
    """A time such as a run id; `moment-short` leaves the year out."""
    at = dt.datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    year = "" if style == "moment-short" else f" {at.year}"
    text = f"{at.day} {at:%b}{year}, {at:%H:%M} UTC"
    return Markup('<time datetime="{}" data-style="{}">{}</time>').format(time, style, text)


def count(number_of: int, one: str, many: str = "") -> str:
    """`1 day`, `19 days`."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def words(value: str) -> str:
    """Text of others on one line, without control characters; it is escaped where it is put into HTML."""
    return without_controls(value)
