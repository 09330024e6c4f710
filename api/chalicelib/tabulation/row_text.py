"""What rows have in common wherever they are written or cut: how JSON is joined, headers, names as safe cells."""

from collections.abc import Iterable, Sequence

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with in the spreadsheets there are; the last four are the full-width forms."""


def join_json(rows: Sequence[str]) -> str:
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def csv_header(measures: Iterable[str], *, series: bool, complete: bool) -> list[str]:
    return ["date", *(["series"] if series else []), *measures, *(["complete"] if complete else [])]


def defused(name: str) -> str:
    """A series' name as a cell that no spreadsheet takes for a formula: with an apostrophe where it might.

    Names are upstream's; the numbers in other cells are ours, and stay numbers when they are negative. A name that has
    the apostrophe itself gets another one: `name_in` gives every name back.
    """
    return f"'{name}" if name.lstrip("'").startswith(_FORMULAS) else name


def name_in(cell: str) -> str:
    """The series' name that `defused` made this cell of."""
    return cell[1:] if cell[:1] == "'" and defused(cell[1:]) == cell else cell
