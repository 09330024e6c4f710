"""Rows as arrays: the values of every series as published, from which all tables are worked out.

Numbers are whole multiples of 10^-decimals in 64 bits, so nothing passes through binary fractions. Days count from
0001-01-01 as `datetime.date.toordinal` does.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.dataset import Dataset
from shared.exact import Number, from_scaled, to_scaled

type Ints = NDArray[np.int64]
type Mask = NDArray[np.bool_]
type Numbers = NDArray[Any]
"""64 bits, or Python's integers where a sum outgrows them."""

_EPOCH = 719_163
"""The ordinal of 1970-01-01, from which numpy counts."""
_REACHABLE = 1 << 62
"""Two numbers below this have a difference and a sum of 64 bits."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One measure, a number a row."""

    numbers: Ints
    """As multiples of 10^-decimals; 0 where there is none."""
    there: Mask
    """Where a number is reported."""


@dataclass(frozen=True, kw_only=True)
class Observations:
    """Rows in order of (series, date), each key once."""

    names: Sequence[str]
    """The series, sorted."""
    codes: Ints
    """Of each row the place of its series among the names."""
    days: Ints
    columns: Mapping[str, Column]
    """Measure -> its numbers."""


def read_snapshot(snapshot: bytes, dataset: Dataset) -> Observations:
    """`snapshot` is CSV: `series,date,<measures...>,run_id`, null is empty."""
    import pandas as pd  # deferred: a quarter of a second that only reading a whole snapshot pays for

    measures = dataset.measure_names
    frame = pd.read_csv(
        io.BytesIO(snapshot),
        usecols=["series", "date", *measures],
        dtype={"series": str, "date": str, **{m.name: str if m.decimals else "Int64" for m in dataset.measures}},
        keep_default_na=False,  # a series may be called NA
        na_values={name: [""] for name in measures},
    )
    names, codes = _sorted_names(*pd.factorize(frame["series"]))
    dates, distinct = pd.factorize(frame["date"])
    days = _ordinals(list(distinct))[dates]
    columns = {
        m.name: _decimals(pd.factorize(frame[m.name]), m.decimals) if m.decimals else _integers(frame[m.name])
        for m in dataset.measures
    }
    order = np.lexsort((days, codes))
    return Observations(
        names=names,
        codes=codes[order],
        days=days[order],
        columns={
            name: Column(numbers=column.numbers[order], there=column.there[order]) for name, column in columns.items()
        },
    )


def from_rows(rows: Mapping[str, Mapping[str, Sequence[Number | None]]], decimals: Mapping[str, int]) -> Observations:
    """`rows` are `{series: {date: values in the order of the measures}}`."""
    names = sorted(rows)
    listed = [(code, date, values) for code, name in enumerate(names) for date, values in sorted(rows[name].items())]
    columns = {
        measure: column_of([values[n] for _, _, values in listed], places)
        for n, (measure, places) in enumerate(decimals.items())
    }
    return Observations(
        names=names,
        codes=np.array([code for code, _, _ in listed], dtype=np.int64),
        days=_ordinals([date for _, date, _ in listed]),
        columns=columns,
    )


def column_of(values: Iterable[Number | None], decimals: int) -> Column:
    """Numbers as Python has them, as a column."""
    listed = [None if value is None else to_scaled(value, decimals) if decimals else int(value) for value in values]
    return Column(
        numbers=np.array([value or 0 for value in listed], dtype=np.int64),
        there=np.array([value is not None for value in listed], dtype=np.bool_),
    )


def listed(numbers: Numbers, there: Mask, decimals: int) -> list[Number | None]:
    """The other way round: int, Decimal where there are decimals, or None."""
    return [
        from_scaled(number, decimals) if known else None
        for number, known in zip(numbers.tolist(), there.tolist(), strict=True)
    ]


def iso_dates(days: Ints) -> list[str]:
    dates: list[str] = np.datetime_as_string(as_dates(days)).tolist()
    return dates


def as_dates(days: Ints) -> NDArray[np.datetime64]:
    """Ordinals as numpy's dates."""
    return (days - _EPOCH).astype("datetime64[D]")


def as_days(dates: NDArray[np.datetime64]) -> Ints:
    return dates.astype("datetime64[D]").astype(np.int64) + _EPOCH


def without_overflow(numbers: Ints, *, terms: int = 2) -> Numbers:
    """The numbers in a type in which so many of them can be added or taken from one another."""
    most = max(abs(int(numbers.max())), abs(int(numbers.min()))) if len(numbers) else 0
    return numbers if most * terms < _REACHABLE * 2 else numbers.astype(object)


def _ordinals(dates: Sequence[str]) -> Ints:
    return as_days(np.array(dates, dtype="datetime64[D]"))


def _sorted_names(codes: Ints, names: Sequence[str]) -> tuple[list[str], Ints]:
    order = sorted(range(len(names)), key=names.__getitem__)
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[order] = np.arange(len(names))
    return [names[n] for n in order], ranks[codes]


def _integers(series: Any) -> Column:
    there = series.notna().to_numpy(dtype=np.bool_)
    return Column(numbers=series.fillna(0).to_numpy(dtype=np.int64), there=there)


def _decimals(factorised: tuple[Ints, Sequence[str]], decimals: int) -> Column:
    """Codes are -1 where there is no text."""
    codes, texts = factorised
    choices = [to_scaled(Decimal(text), decimals) for text in texts]
    return Column(numbers=np.array([*choices, 0], dtype=np.int64)[codes], there=codes >= 0)
