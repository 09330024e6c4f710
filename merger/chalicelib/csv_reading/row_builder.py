"""From rows of fields to a table: what a row must hold, and where and why it does not."""

import operator
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from chalicelib.csv_reading.csv_rows import CsvRow, FaultHandler, raise_it
from chalicelib.csv_reading.feed_layout import Layout
from chalicelib.csv_reading.field_rules import (
    LARGEST,
    NAME_ALLOWED,
    THREE_COLUMNS,
    NumberRule,
    dates_allowed,
    day_of_parts,
    day_rule,
    is_name,
    name_of,
)
from chalicelib.tables import (
    NULL,
    Table,
    ascending_table,
    codes_of,
    days_of,
    iso_date,
    make_key,
    make_keys,
    ranks_of,
)
from shared.dataset import ONE_SERIES, Dataset, Feed, Repeated
from shared.errors import ContractBroken

_MOST_REMEMBERED = 1 << 16
"""Texts whose numbers are remembered, in each column."""

type _Texts = str | tuple[str, ...]
"""One field, or several."""


class RowBuilder:
    """Checks used rows one by one and makes the table."""

    def __init__(
        self,
        layout: Layout,
        feed: Feed,
        dataset: Dataset,
        *,
        latest_day: int | None,
        report: FaultHandler = raise_it,
        width: int | None = None,
    ) -> None:
        self._layout, self._feed, self._report = layout, feed, report
        self._latest_day = latest_day
        self.width = width
        """Fields of a row; None until the first row."""
        self.seen_used = False
        """Whether there was a row that is used."""
        self._day = day_rule(feed.date_format)
        self._days: dict[_Texts, int] = {}
        self._codes: dict[str, int] = {}
        self._codes_of_fields: dict[_Texts, int] = {}
        self._places: dict[int, int] = {}
        """Key -> its place in the columns."""
        self._lines = array("q")
        self._columns = [array("q") for _ in feed.measures]
        rules = [NumberRule.of(feed, dataset.measure(name)) for name in feed.measures]
        self._numbers = [_RememberedNumbers(rule) for rule in rules]

    def add_all(self, rows: Iterable[CsvRow]) -> None:
        """Take the used ones among the rows."""
        if self._feed.wide:
            self._add_wide_rows(rows)
            return
        dates, series = _getter(self._layout.date), _getter(self._layout.series)
        days, codes, places, lines = self._days, self._codes_of_fields, self._places, self._lines
        measured = [(at, numbers) for (_, _, at), numbers in zip(self._layout.measures, self._numbers, strict=True)]
        takes = [taken.append for taken in self._columns]
        for line, fields in self._used(rows):
            try:
                key = make_key(days[dates(fields)], codes[series(fields)])
                values = [numbers[fields[at]] for at, numbers in measured]
            except KeyError:  # a date or a series for the first time, or what is not allowed
                self._add(line, fields)
                continue
            if key in places:
                self._put(line, key, values, self._feed.date[0], fields)
                continue
            places[key] = len(lines)
            lines.append(line)
            for take, value in zip(takes, values, strict=True):
                take(value)

    def _used(self, rows: Iterable[CsvRow]) -> Iterator[CsvRow]:
        """The rows that are used and have as many fields as they must."""
        filtered = bool(self._layout.where or self._layout.where_not)
        for line, fields in rows:
            if filtered and not self._is_used(fields):
                continue
            if self.width is None:
                self.width = self._layout.row_width(fields)
            self.seen_used = True
            if len(fields) == self.width and (self.width <= self._layout.width or not fields[-1].strip()):
                yield line, fields
            else:
                wanted = f"{self._layout.width} as in the header are"
                self._report(self._fault(line, "", f"{len(fields)} fields", wanted))

    def _is_used(self, fields: Sequence[str]) -> bool:
        for at, values in self._layout.where:
            if at >= len(fields) or fields[at].strip() not in values:
                return False
        for at, values in self._layout.where_not:  # noqa: SIM110  # as above
            if at < len(fields) and fields[at].strip() in values:
                return False
        return True

    def _add(self, line: int, fields: Sequence[str]) -> None:
        day, code = self._day_of(line, fields), self._code_of(line, fields)
        values = [
            self._number_of(line, column, fields[at], numbers)
            for (_, column, at), numbers in zip(self._layout.measures, self._numbers, strict=True)
        ]
        if day is not None and code is not None:
            self._put(line, make_key(day, code), values, self._feed.date[0], fields)

    def _add_wide_rows(self, rows: Iterable[CsvRow]) -> None:
        columns = [it for it in self._layout.date_columns if self._latest_day is None or it.day <= self._latest_day]
        for it in self._layout.date_columns:
            if it not in columns:
                self._report(self._too_late(self._layout.line, it.heading, it.heading))
        numbers, places, lines, taken = self._numbers[0], self._places, self._lines, self._columns[0]
        cells = [(it.place, make_key(it.day, 0), it.heading) for it in columns]
        for line, fields in self._used(rows):
            code = self._code_of(line, fields)
            if code is None:
                continue
            for at, first_key, heading in cells:
                text = fields[at]
                value = numbers.get(text)
                if value is None:
                    value = self._number_of(line, heading, text, numbers)
                key = first_key + code
                if value is None or key in places:
                    self._put(line, key, [value], heading, fields)
                else:
                    places[key] = len(lines)
                    lines.append(line)
                    taken.append(value)

    def _day_of(self, line: int, fields: Sequence[str]) -> int | None:
        texts = _getter(self._layout.date)(fields)
        day = self._days.get(texts)
        return day if day is not None else self._new_day(line, texts)

    def _new_day(self, line: int, texts: _Texts) -> int | None:
        parts = [text.strip() for text in _as_tuple(texts)]
        day = self._day(parts[0]) if len(parts) == 1 else day_of_parts(parts)
        shown, column = " ".join(parts), " and ".join(self._feed.date)
        if day is None:
            allowed = dates_allowed(self._feed.date_format) if len(parts) == 1 else THREE_COLUMNS
            self._report(self._fault(line, column, shown, f"{allowed} is"))
        elif self._latest_day is not None and day > self._latest_day:
            self._report(self._too_late(line, column, shown))
            day = None
        else:
            self._days[texts] = day
        return day

    def _too_late(self, line: int, column: str, shown: str) -> ContractBroken:
        latest = iso_date(self._latest_day or 1)
        return self._fault(line, column, shown, f"a date up to {latest}, one period after the run's day, is")

    def _code_of(self, line: int, fields: Sequence[str]) -> int | None:
        texts = _getter(self._layout.series)(fields)
        code = self._codes_of_fields.get(texts)
        if code is not None:
            return code
        name = name_of(_as_tuple(texts), self._feed) if self._feed.series else ONE_SERIES
        if not is_name(name):
            self._report(self._fault(line, " and ".join(self._feed.series), ascii(name), f"{NAME_ALLOWED} is"))
            return None
        code = self._codes_of_fields[texts] = self._codes.setdefault(name, len(self._codes))
        return code

    def _number_of(self, line: int, column: str, text: str, numbers: "_RememberedNumbers") -> int | None:
        number = numbers.get(text)
        if number is None:
            number = numbers.read(text)
            if number is None:
                self._report(self._fault(line, column, text.strip(), f"{numbers.rule.allowed} is"))
        return number

    def _put(self, line: int, key: int, values: Sequence[int | None], column: str, fields: Sequence[str]) -> None:
        """Take a row; where a number of it is None, which was reported, only its key."""
        numbers = [NULL if value is None else value for value in values]
        place = self._places.setdefault(key, len(self._lines))
        if place == len(self._lines):
            self._lines.append(line)
            for taken, number in zip(self._columns, numbers, strict=True):
                taken.append(number)
        elif self._feed.repeated is Repeated.REFUSE:
            shown = " ".join(fields[at].strip() for at in (*self._layout.date, *self._layout.series))
            why = f"each key is allowed once, and this one is on line {self._lines[place]} already"
            self._report(ContractBroken(feed=self._feed.name, line=line, column=column, value=shown, allowed=why))
        else:
            self._put_again(line, place, numbers, column)

    def _put_again(self, line: int, place: int, numbers: Sequence[int], column: str) -> None:
        for named, taken, number in zip(self._feed.measures.values(), self._columns, numbers, strict=True):
            value = number if self._feed.repeated is Repeated.LAST else _sum(taken[place], number)
            if -LARGEST <= value <= LARGEST or value == NULL:
                taken[place] = value
            else:
                self._report(self._fault(line, named or column, f"a sum of {value}", "a sum within 64 bits is"))

    def _fault(self, line: int, column: str, value: str, allowed: str) -> ContractBroken:
        return ContractBroken(feed=self._feed.name, line=line, column=column, value=value, allowed=f"{allowed} needed")

    def table(self) -> Table:
        """The rows, once; what was needed to find them is given up."""
        names, ranks = ranks_of(list(self._codes))
        coded = np.fromiter(self._places, dtype=np.int64, count=len(self._places))
        self._places.clear()
        values = {
            measure: np.array(numbers, dtype=np.int64)
            for measure, numbers in zip(self._feed.measures, self._columns, strict=True)
        }
        table = ascending_table(names, make_keys(days_of(coded), ranks[codes_of(coded)]), values)
        assert table is not None, "keys are told apart while they are read"
        return table


class _RememberedNumbers(dict[str, int]):
    """Texts of a column and their numbers, so that each is looked at once; a text that is none is a KeyError."""

    def __init__(self, rule: NumberRule) -> None:
        super().__init__()
        self.rule = rule
        self._read: Callable[[str], int | None] = rule.reader()

    def __missing__(self, text: str) -> int:
        number = self.read(text)
        if number is None:
            raise KeyError(text)
        return number

    def read(self, text: str) -> int | None:
        """The number, or None for a text that is none."""
        number = self._read(text.strip())
        if number is not None:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[text] = number
        return number


def _getter(places: Sequence[int]) -> Callable[[Sequence[str]], _Texts]:
    """From a row to its texts at some places: one text of one place."""
    return operator.itemgetter(*places) if places else lambda _fields: ""


def _as_tuple(texts: _Texts) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else texts


def _sum(one: int, other: int) -> int:
    """Of two numbers those that are reported."""
    if one == NULL:
        return other
    return one if other == NULL else one + other
