"""From lines of text to rows of fields, each with the number of its line: the csv module, strictly.

Preambles, comments and rows without anything in them are passed over; lines are counted from 1, these among them.
"""

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator

from chalicelib.csv_reading.decoding import file_fault
from shared.dataset import Feed
from shared.errors import ContractBroken

FIELD_LIMIT = 1 << 20

type CsvRow = tuple[int, list[str]]
"""The number of the line on which a row ends, and its fields."""
type FaultHandler = Callable[[ContractBroken], None]
"""What is done with a fault: raise it, or keep it and read on."""


def raise_it(fault: ContractBroken) -> None:
    """The first fault ends the reading."""
    raise fault


class CsvRows:
    """A file's header, and then its rows. Raises ContractBroken for what is not CSV."""

    def __init__(
        self, lines: Iterable[str], feed: Feed, *, report: FaultHandler = raise_it, lines_before: int = 0
    ) -> None:
        csv.field_size_limit(FIELD_LIMIT)
        self._feed, self._report = feed, report
        self._lines = iter(lines)
        self._passed = lines_before
        """Lines that the csv module does not see: those before these lines, and those that are passed over."""
        self._within = False
        """Whether a row has begun and goes on in the next line."""
        self._reader = csv.reader(
            self._uncommented() if feed.comment else self._lines,
            delimiter=feed.delimiter,
            strict=True,
            skipinitialspace=feed.delimiter != " ",
        )
        self._rows = self._read()

    @property
    def line(self) -> int:
        """The number of the last line that was read or passed over."""
        return self._passed + self._reader.line_num

    def header(self) -> CsvRow:
        """The column names and their line. Raises ContractBroken where there is no line for them."""
        self._pass_over(self._feed.skip)
        first = next(self._rows, None)
        if first is None:
            after = f" behind the {self._feed.skip} lines that are skipped" if self._feed.skip else ""
            raise file_fault(self._feed, f"the file is empty{after}; a header is needed")
        self._pass_over(self._feed.skip_after)
        line, names = first
        return line, [name.strip() for name in names]

    def __iter__(self) -> Iterator[CsvRow]:
        return self._rows

    def _read(self) -> Iterator[CsvRow]:
        reader = self._reader
        while True:
            try:
                for fields in reader:
                    self._within = False
                    if fields and (fields[0] or not is_blank(fields)):
                        yield self._passed + reader.line_num, fields
            except csv.Error as error:
                self._within = False
                fault = file_fault(self._feed, "CSV as in RFC 4180 is needed", value=str(error), line=self.line)
                fault.__cause__ = error
                self._report(fault)
            else:
                return

    def _pass_over(self, lines: int) -> None:
        self._passed += sum(1 for _ in itertools.islice(self._lines, lines))

    def _uncommented(self) -> Iterator[str]:
        for line in self._lines:
            if not self._within and line.startswith(self._feed.comment):
                self._passed += 1
                continue
            self._within = True
            yield line


def is_blank(fields: list[str]) -> bool:
    """Whether a row holds nothing: a blank line, or one of delimiters alone, as spreadsheets leave them behind."""
    return not fields or (not fields[0].strip() and not any(field.strip() for field in fields))
