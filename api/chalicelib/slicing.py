"""Cutting a range of dates out of a rendered table without parsing it.

Every row of a rendered table is a line of its own and begins with its date, and the lines are in order of date: so a
range is found by bisection on the text (rendering them so is `chalicelib.encoding`'s side of the bargain).
"""

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from chalicelib.documents import CSV, JSON, Document
from chalicelib.encoding import join_json

_AFTER = "~"
"""Greater than whatever follows a date in a row (a quote or a comma)."""


def between(document: Document, *, start: str | None, end: str | None) -> Document:
    """The rows with start <= date <= end; None leaves that side open."""
    if not (start or end):
        return document
    if document.media_type == JSON:
        return Document(JSON, plain=join_json(_cut(_json_rows(document), '{"date":"', start, end)).encode())
    header, *rows = _csv_lines(document)
    return Document(CSV, plain="".join([header, *_cut(rows, "", start, end)]).encode())


def _cut(rows: Sequence[str], lead: str, start: str | None, end: str | None) -> Sequence[str]:
    first = bisect_left(rows, lead + start) if start else 0
    last = bisect_right(rows, lead + end + _AFTER) if end else len(rows)
    return rows[first:last]


@functools.lru_cache(maxsize=16)
def _json_rows(document: Document) -> Sequence[str]:
    inside = document.text.removeprefix("[").removesuffix("]\n").strip("\n")
    return inside.split(",\n") if inside else []


@functools.lru_cache(maxsize=16)
def _csv_lines(document: Document) -> Sequence[str]:
    return document.text.splitlines(keepends=True)
