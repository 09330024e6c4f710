"""Cutting a range of dates out of a rendered table without parsing it.

Every row of a rendered table is a line of its own and begins with its date, and the lines are in order of date: so a
range is found by bisection on the text (rendering them so is `chalicelib.tabulation.table_text`'s side of the bargain).
"""

import functools
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from chalicelib.tabulation.row_text import defused, join_json
from chalicelib.web.documents import CSV, JSON, Document

_AFTER = "~"
"""Greater than whatever follows a date in a row (a quote or a comma)."""


def cut(document: Document, *, start: str | None, end: str | None, series: str | None = None) -> Document:
    """The rows with start <= date <= end, of one series where it is said; None leaves that side open."""
    if not (start or end or series):
        return document
    if document.media_type == JSON:
        rows = _between(_json_rows(document), '{"date":"', start, end)
        return Document(JSON, plain=join_json([row for row in rows if _is_json_of(row, series)]).encode())
    header, *rows = _csv_lines(document)
    kept = [row for row in _between(rows, "", start, end) if _is_csv_of(row, series)]
    return Document(CSV, plain="".join([header, *kept]).encode())


def first_rows(document: Document, limit: int | None) -> tuple[Document, str]:
    """So many rows, and the date of the last of them where there are more behind it."""
    if limit is None:
        return document, ""
    if document.media_type == JSON:
        rows = _json_rows(document)
        if len(rows) <= limit:
            return document, ""
        return Document(JSON, plain=join_json(rows[:limit]).encode()), rows[limit - 1][9:19]
    header, *lines = _csv_lines(document)
    if len(lines) <= limit:
        return document, ""
    return Document(CSV, plain="".join([header, *lines[:limit]]).encode()), lines[limit - 1][:10]


def add_days(document: Document, days: Mapping[str, Sequence[int | None]]) -> Document:
    """The table with a column `{measure}_days` behind the others for each measure: how many days a number stands for.

    `days` are of the same rows, measure by measure.
    """
    columns = list(days.values())
    if document.media_type == JSON:
        names = [f',"{measure}_days":' for measure in days]
        ends = (
            "".join(name + ("null" if one is None else str(one)) for name, one in zip(names, its, strict=True)) + "}"
            for its in zip(*columns, strict=True)
        )
        rows = [row[:-1] + end for row, end in zip(_json_rows(document), ends, strict=True)]
        return Document(JSON, plain=join_json(rows).encode())
    header, *lines = _csv_lines(document)
    titles = header[:-1] + "".join(f",{measure}_days" for measure in days) + "\n"
    ends = (
        "".join("," + ("" if one is None else str(one)) for one in its) + "\n" for its in zip(*columns, strict=True)
    )
    return Document(
        CSV, plain="".join([titles, *(f"{line[:-1]}{end}" for line, end in zip(lines, ends, strict=True))]).encode()
    )


def _is_json_of(row: str, series: str | None) -> bool:
    return series is None or json.loads(row)["series"] == series


def _is_csv_of(row: str, series: str | None) -> bool:
    if series is None:
        return True
    import csv  # deferred: 4 ms of every cold start, for a question that few ask

    return next(csv.reader([row]))[1] == defused(series)


def _between(rows: Sequence[str], lead: str, start: str | None, end: str | None) -> Sequence[str]:
    first = bisect_left(rows, lead + start) if start else 0
    last = bisect_right(rows, lead + end + _AFTER) if end else len(rows)
    return rows[first:last]


@functools.lru_cache(maxsize=16)
def _json_rows(document: Document) -> Sequence[str]:
    inside = document.text.removeprefix("[").removesuffix("]\n").strip("\n")
    return inside.split(",\n") if inside else []


@functools.lru_cache(maxsize=16)
def _csv_lines(document: Document) -> Sequence[str]:
    return [f"{line}\n" for line in document.text.split("\n")[:-1]]
