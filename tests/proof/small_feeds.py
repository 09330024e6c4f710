"""Small files of the two US feeds, made to order."""

import datetime as dt
from collections.abc import Iterable, Mapping

FIRST = dt.date(2018, 1, 22)
"""So early that the longest file has no date that lies ahead of its run."""


def date(number: int) -> str:
    """The date of row `number`; row 0 is the first that both feeds have."""
    return (FIRST + dt.timedelta(days=number)).isoformat()


def nyt(rows: int, *, cases: Mapping[int, int] | None = None, without: Iterable[int] = (), tail: str = "") -> bytes:
    """`rows` dates from the first on, the latter without what is in `without`; `cases`: row -> revised number."""
    cases, missing = cases or {}, set(without)
    lines = [f"{date(n)},{cases.get(n, 100 * n + 107)},{n + 1}" for n in range(-1, rows) if n not in missing]
    return ("date,cases,deaths\n" + "\n".join(lines) + tail).encode()


def jhu(rows: int, *, recovered: Mapping[int, int] | None = None, confirmed: int = 0) -> bytes:
    """`rows` dates of the US among others; `confirmed` is in a column that nobody uses."""
    recovered = recovered or {}
    lines = []
    for n in range(rows):
        lines.append(f"{date(n)},Chad,,{confirmed},5,1")
        lines.append(f"{date(n)},US,,{confirmed + n},{recovered.get(n, 10 * n)},1")
    return ("Date,Country/Region,Province/State,Confirmed,Recovered,Deaths\n" + "\n".join(lines) + "\n").encode()


def pair(rows: int) -> dict[str, bytes]:
    """Both feeds, undisturbed, up to the same date."""
    return {"nyt": nyt(rows), "jhu": jhu(rows)}
