"""What the page's table of series is made of."""

from chalicelib.dashboard.page_series import SHOWN, SeriesRow
from chalicelib.series_store.series_index import SeriesIndex, largest_first


def largest_rows(index: SeriesIndex) -> list[SeriesRow]:
    """The largest series with their newest numbers."""
    newest = index.newest
    return [
        SeriesRow(
            name=name,
            values=entry.values,
            changes=entry.changes,
            line=entry.line,
            newest=entry.newest if entry.newest < newest else "",
        )
        for name in largest_first(index)[:SHOWN]
        for entry in [index.series[name]]
    ]
