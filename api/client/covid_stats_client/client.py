"""The API's answers as frames."""

import datetime as dt
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import pandas as pd

from covid_stats_client.transport import Transport

type Table = Literal["data", "daily", "weekly", "monthly"]
type Day = str | dt.date
"""`2020-10-25`, or a date."""

_PAGE = 20_000


class Client:
    """Reads one dataset of a stage. `Client("https://…")`, or `Client("https://…/name")` where it has several."""

    def __init__(self, base_url: str, *, timeout: float = 60) -> None:
        self._transport = Transport(base_url, timeout=timeout)

    def latest(
        self, *, table: Table = "data", series: str | None = None, start: Day | None = None, end: Day | None = None
    ) -> pd.DataFrame:
        """What is known now: a row a date (and series), nullable types."""
        return self._table(table, series=series, start=start, end=end)

    def as_of(
        self,
        day: Day,
        *,
        table: Table = "data",
        series: str | None = None,
        start: Day | None = None,
        end: Day | None = None,
    ) -> pd.DataFrame:
        """What was known at the end of this UTC day."""
        return self._table(table, series=series, start=start, end=end, as_of=day)

    def lagged(
        self,
        days: int,
        *,
        table: Table = "data",
        series: str | None = None,
        start: Day | None = None,
        end: Day | None = None,
    ) -> pd.DataFrame:
        """Each date as it was known so many days after it."""
        return self._table(table, series=series, start=start, end=end, lag=days)

    def first(
        self, *, table: Table = "data", series: str | None = None, start: Day | None = None, end: Day | None = None
    ) -> pd.DataFrame:
        """Each date as it was first published."""
        return self._table(table, series=series, start=start, end=end, first="yes")

    def vintages(
        self,
        *,
        series: str | None = None,
        start: Day | None = None,
        end: Day | None = None,
        measure: str | None = None,
        known_since: str | None = None,
    ) -> pd.DataFrame:
        """Every value that ever was. `known_to` is NaT for what is known now; `present` is False for a removed row."""
        query: dict[str, object] = {"series": series, "from": start, "to": end}
        query |= {"measure": measure, "known_since": known_since}
        whole = not any(query.values())
        query |= {"format": "csv"} | ({} if whole else {"limit": _PAGE})
        frames = [_frame(answer.body) for answer in self._transport.pages("vintages", query)]
        frame = pd.concat(frames, ignore_index=True)
        for name in ("known_from", "known_to"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        return frame

    def revisions(self, *, series: str | None = None, measure: str | None = None) -> pd.DataFrame:
        """Completeness: for each measure and lag the share of the final value that was known, with its 80 % band."""
        entries = self._revisions(series, measure)
        rows = [{"measure": it["measure"], **row} for it in entries for row in it.get("by_lag", [])]
        columns = ["measure", "lag", "median", "low", "high", "dates", "reported"]
        return pd.DataFrame(rows, columns=columns).set_index(["measure", "lag"])

    def outlook(self, *, series: str | None = None, measure: str | None = None) -> dict[str, str]:
        """Measure -> what usually becomes of a value like the newest one; without enough evidence it is left out."""
        entries = self._revisions(series, measure)
        return {it["measure"]: it["newest"]["words"] for it in entries if (it.get("newest") or {}).get("words")}

    def changes(self, *, since: str | None = None) -> Iterator[dict[str, Any]]:
        """The change sets of the runs that were committed after this one, oldest first; of all runs without it."""
        for answer in self._transport.pages("changes", {"since": since}):
            yield from json.loads(answer.body, parse_float=Decimal)

    def _revisions(self, series: str | None, measure: str | None) -> list[dict[str, Any]]:
        answer = self._transport.get("revisions", {"series": series, "measure": measure})
        entries: list[dict[str, Any]] = json.loads(answer.body)
        return entries

    def _table(
        self, table: Table, *, series: str | None, start: Day | None, end: Day | None, **more: object
    ) -> pd.DataFrame:
        query = {"series": series, "from": start, "to": end, "format": "csv"} | more
        return pd.concat([_frame(it.body) for it in self._transport.pages(table, query)], ignore_index=True)


_APOSTROPHE = r"^'(?='*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])"
"""What the API puts before a name that a spreadsheet would take for a formula."""


def _frame(body: bytes) -> pd.DataFrame:
    """CSV as a frame with nullable types; a series may be called NA, and blank alone is missing."""
    frame = pd.read_csv(
        io.BytesIO(body),
        dtype_backend="numpy_nullable",
        dtype={"series": "string", "run_id": "string", "next_run_id": "string"},
        keep_default_na=False,
        na_values=[""],
    )
    if "series" in frame:
        frame["series"] = frame["series"].str.replace(_APOSTROPHE, "", regex=True)
    frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    return frame
