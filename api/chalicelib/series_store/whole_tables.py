"""Tables of all series: a page of rows as JSON, or all of them as lines of CSV, read block by block."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.series_store.series_index import TableBlock
from chalicelib.tabulation.row_text import defused
from chalicelib.web.documents import Document
from chalicelib.web.pages import fill_page

type Read = Callable[[TableBlock], Mapping[str, Document]]
"""Block -> `rows.csv` and `days.csv`."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which rows of a table are wanted."""

    blocks: Sequence[TableBlock]
    start: str
    """The first date."""
    end: str
    """The last date."""
    after: tuple[str, str] = ("", "")
    """Date and series of the row behind which they begin."""
    days: Sequence[str] = ()
    """The measures whose days are wanted as well."""

    @property
    def needed(self) -> list[TableBlock]:
        begin = max(self.start, self.after[0])
        return [block for block in self.blocks if block.last >= begin and block.first <= self.end]

    @property
    def size(self) -> int:
        """Bytes, at most."""
        return sum(block.size for block in self.needed)


def json_page(part: Part, measures: Sequence[str], read: Read, *, limit: int | None) -> tuple[list[str], str]:
    """Rows as JSON, and the row behind which the next page begins (`DATE series`), empty behind the last."""
    names = ["date", "series", *measures]

    def written(cells: Sequence[str], days: Sequence[str]) -> str:
        row = _json_row(names, cells)
        its = zip(part.days, days, strict=True)
        return row[:-1] + "".join(f',"{name}_days":{one or "null"}' for name, one in its) + "}"

    return _page(part, read, written, limit=limit)


def csv_page(part: Part, _measures: Sequence[str], read: Read, *, limit: int | None) -> tuple[list[str], str]:
    """The same as lines of CSV."""

    def written(cells: Sequence[str], days: Sequence[str]) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow([cells[0], defused(cells[1]), *cells[2:], *days])
        return out.getvalue()

    return _page(part, read, written, limit=limit)


def _page(
    part: Part, read: Read, written: Callable[[Sequence[str], Sequence[str]], str], *, limit: int | None
) -> tuple[list[str], str]:
    behind = (
        (f"{cells[0]} {cells[1]}", written(cells, days))
        for cells, days in _rows(part, read)
        if (cells[0], cells[1]) > part.after
    )
    shown, rows, more = fill_page(behind, limit=limit)
    return rows, shown[-1] if more else ""


def _rows(part: Part, read: Read) -> Iterator[tuple[list[str], list[str]]]:
    for block in part.needed:
        documents = read(block)
        days = iter(_lines(documents["days.csv"])) if part.days else None
        for cells in csv.reader(_lines(documents["rows.csv"])):
            its = next(days).split(",") if days is not None else []
            if part.start <= cells[0] <= part.end:
                yield cells, its


def _lines(document: Document) -> list[str]:
    """Decoded anew each time: a block that is kept holds its bytes once."""
    return document.plain.decode().split("\n")[:-1]


def _json_row(names: Sequence[str], cells: Sequence[str]) -> str:
    date, series, *numbers = cells
    fields = [f'"date":"{date}"', f'"series":{json.dumps(series, ensure_ascii=False)}']
    fields += [f'"{name}":{number or "null"}' for name, number in zip(names[2:], numbers, strict=False)]
    if len(numbers) > len(names) - 2:
        fields.append(f'"complete":{numbers[-1]}')
    return "{" + ",".join(fields) + "}"


def csv_pieces(part: Part, header: str, read: Read, *, risky: frozenset[str]) -> Iterator[str]:
    """The table as CSV, a piece a block. `risky`: names that a spreadsheet would take for a formula."""
    yield header
    for block in part.needed:
        documents = read(block)
        whole = part.start <= block.first and block.last <= part.end
        if whole and not risky and not part.days:
            yield documents["rows.csv"].plain.decode()
            continue
        days = _lines(documents["days.csv"]) if part.days else []
        lines = _lines(documents["rows.csv"])
        kept = [n for n, line in enumerate(lines) if part.start <= line[:10] <= part.end]
        ends = [f",{days[n]}\n" if part.days else "\n" for n in kept]
        yield "".join(_defused(lines[n], risky) + end for n, end in zip(kept, ends, strict=True))


def _defused(line: str, risky: frozenset[str]) -> str:
    if not risky:
        return line
    cells = next(csv.reader([line]))
    if cells[1] not in risky:
        return line
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([cells[0], defused(cells[1]), *cells[2:]])
    return out.getvalue()
