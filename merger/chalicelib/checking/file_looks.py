"""What a file looks like, without a declaration: how it is packed, written and laid out, and what its columns hold."""

import csv
import gzip
import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chalicelib.checking.column_looks import Looks, date_formats, looks_of
from chalicelib.csv_reading.csv_rows import FIELD_LIMIT, is_blank
from chalicelib.csv_reading.decoding import BOM
from chalicelib.csv_reading.field_rules import day_by_format

_DELIMITERS = (",", ";", "\t", "|")
_COMMENTS = ("#", "%", "//")
_LOOKED_AT = 400
"""Lines from which the layout is judged."""
_MOST = 1 << 20
"""Bytes that are looked at, from the beginning."""
_FEWEST_DATES = 3
"""Date columns that make a file a wide one."""


@dataclass(frozen=True, kw_only=True)
class FileLooks:
    """A file as it looks."""

    archive: str = ""
    members: Sequence[str] = ()
    """Of an archive with several."""
    encoding: str
    delimiter: str
    skip: int = 0
    comment: str = ""
    skip_after: int = 0
    header: Sequence[str] = ()
    columns: Sequence[Looks] = ()
    """One for each column that has a name; without the date columns of a wide file."""
    dates_in_header: str = ""
    """Of a wide file: the format of its date columns' headings."""
    cells: Looks | None = None
    """Of a wide file: what its date columns hold."""
    rows: Sequence[Sequence[str]] = ()
    """Those that were looked at, blanks around fields taken off."""


def look_at(data: bytes) -> FileLooks:
    """What these bytes look like."""
    archive, members, content = _unpacked(data)
    encoding = _encoding(content)
    text = content[:_MOST].removeprefix(BOM).decode(encoding, "replace")
    lines = text.splitlines()[: -1 if len(content) > _MOST else None]
    delimiter = _delimiter(lines[:_LOOKED_AT])
    start, comment = _header_line(lines, delimiter)
    rows = list(_rows(lines[start:], delimiter, comment))
    found = FileLooks(archive=archive, members=members, encoding=encoding, delimiter=delimiter)
    if not rows:
        return found
    header, *body = rows
    width = len(header)
    body = [row for row in body if len(row) == width]
    found = replace(found, skip=0 if comment else start, comment=comment, header=header, rows=body)
    return _with_columns(found)


def _with_columns(found: FileLooks) -> FileLooks:
    header, body = found.header, found.rows
    skip_after = 1 if len(body) > 2 and _is_units(body[0], body[1:]) else 0
    body = body[skip_after:]
    dates_in_header, dated = _dates_in_header(header)
    named = [(n, name) for n, name in enumerate(header) if name and name not in dated]
    cells = [row[n] for row in body[:200] for n, it in enumerate(header) if it in dated]
    return replace(
        found,
        skip_after=skip_after,
        rows=body,
        columns=[looks_of(name, [row[n] for row in body]) for n, name in named],
        dates_in_header=dates_in_header,
        cells=looks_of("", cells) if dated else None,
    )


def _dates_in_header(header: Sequence[str]) -> tuple[str, set[str]]:
    """The format of headings that are dates, where at least half of the columns are headed so, and those headings."""
    headings = [name for name in header if any(map(str.isdigit, name))]
    if len(headings) < max(_FEWEST_DATES, len(header) / 2):
        return "", set()
    for found in date_formats(headings):
        date_format = "%Y-%m-%d" if found == "iso" else found
        if "%" in date_format:
            return date_format, {name for name in headings if day_by_format(name, date_format) is not None}
    return "", set()


def _unpacked(data: bytes) -> tuple[str, Sequence[str], bytes]:
    """How the file is packed, the members of an archive, and the content of the first."""
    try:
        if data.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as content:
                return "gzip", (), content.read(_MOST)
        if data.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                names = [it.filename for it in archive.infolist() if not it.is_dir()]
                names = [name for name in names if not name.startswith("__MACOSX/")]
                with archive.open(names[0]) as member:
                    return "zip" if len(names) == 1 else f"zip:{names[0]}", names, member.read(_MOST)
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, IndexError):
        pass
    return "", (), data


def _encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def _delimiter(lines: Sequence[str]) -> str:
    """The one that cuts most lines into equally many fields, and more than one."""

    def score(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(row) for row in _rows(lines, delimiter, ""))
        widths.pop(1, None)
        ((width, count),) = widths.most_common(1) or [(1, 0)]
        return count, width

    return max(_DELIMITERS, key=score)


def _header_line(lines: Sequence[str], delimiter: str) -> tuple[int, str]:
    """Lines before the header, and how comments begin where they all are some."""
    head = lines[:_LOOKED_AT]
    widths = Counter(len(row) for row in _rows(head, delimiter, "") if len(row) > 1)
    usual = widths.most_common(1)[0][0] if widths else 1
    for number, line in enumerate(head):
        row = next(_rows([line], delimiter, ""), [])
        if len(row) == usual and sum(map(bool, row)) * 2 >= usual:
            before = [it for it in head[:number] if it.strip()]
            comment = next((it for it in _COMMENTS if before and all(text.startswith(it) for text in before)), "")
            return number, comment
    return 0, ""


def _rows(lines: Sequence[str], delimiter: str, comment: str) -> Iterator[list[str]]:
    csv.field_size_limit(FIELD_LIMIT)
    kept = (f"{line}\n" for line in lines if not (comment and line.startswith(comment)))
    reader = csv.reader(kept, delimiter=delimiter, skipinitialspace=delimiter != " ")
    while True:
        try:
            for row in reader:
                if not is_blank(row):
                    yield [field.strip() for field in row]
        except csv.Error:
            continue
        return


def _is_units(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the line behind the header has no number or date where the others have."""
    for n, text in enumerate(first):
        rest = looks_of("", [row[n] for row in others[:50]])
        if (rest.is_number or rest.is_date) and not rest.missing:
            with_first = looks_of("", [text])
            if text and not (with_first.is_number or with_first.is_date):
                return True
    return False
