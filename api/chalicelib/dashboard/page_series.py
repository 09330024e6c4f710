"""All series of a dataset as a table: the first by size here, all of them by script, to sort, filter and compare."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chalicelib.pages.sparkline import sparkline
from shared.exact import Number

SHOWN = 40
"""Rows that the page itself carries."""


@dataclass(frozen=True, kw_only=True)
class SeriesRow:
    """The newest numbers of a series."""

    name: str
    values: Sequence[Number | None]
    """In the order of the measures."""
    changes: Sequence[Number | None]
    line: Sequence[float | None]
    newest: str = ""
    """Its newest date where that is behind the newest of all, else empty."""

    @property
    def pairs(self) -> list[tuple[Number | None, Number | None]]:
        """For each measure its value and how it changed."""
        return list(zip(self.values, self.changes, strict=True))

    @property
    def course(self) -> Markup:
        return sparkline(list(self.line))
