"""Where a declaration does not fit a file: what the file looks like instead."""

import difflib
from collections.abc import Iterator

from chalicelib.checking.column_looks import Looks
from chalicelib.checking.file_looks import FileLooks
from chalicelib.csv_reading.decoding import extends_ascii
from shared.dataset import Dataset, Feed


def hints(looks: FileLooks, feed: Feed, dataset: Dataset) -> list[str]:
    """Sentences about what the file looks like and the declaration does not say, most general first."""
    return [*_of_the_file(looks, feed), *_of_columns(looks, feed, dataset)]


def _of_the_file(looks: FileLooks, feed: Feed) -> Iterator[str]:
    declared = {
        "archive": feed.archive.partition(":")[0],
        "encoding": feed.encoding,
        "delimiter": feed.delimiter,
        "comment": feed.comment,
    }
    seen = {
        "archive": looks.archive.partition(":")[0],
        "encoding": looks.encoding,
        "delimiter": looks.delimiter,
        "comment": looks.comment,
    }
    for key, value in seen.items():
        if key == "encoding" and _reads_as_well(value, feed.encoding):
            continue
        if value != declared[key] and (value or key == "archive"):
            yield f"the file looks like {key} = {value!r}; declared is {declared[key]!r}"
    if len(looks.members) > 1:
        yield f"the archive has {', '.join(looks.members[:20])}: archive = 'zip:MEMBER' chooses one"
    if looks.delimiter == feed.delimiter and not looks.comment:
        for key, lines, own in (("skip", looks.skip, feed.skip), ("skip_after", looks.skip_after, feed.skip_after)):
            if lines != own:
                yield f"the file looks like {key} = {lines}; declared is {own}"
    if looks.dates_in_header and not feed.wide:
        yield f"columns are headed by dates: it looks like dates_in_header = {looks.dates_in_header!r}"


def _reads_as_well(seen: str, declared: str) -> bool:
    """Whether the declared encoding may be right where the other was seen: letters of single bytes look alike."""
    return declared == seen or (seen != "utf-16" and declared != "utf-8" and extends_ascii(declared))


def _of_columns(looks: FileLooks, feed: Feed, dataset: Dataset) -> Iterator[str]:
    names = [name for name in looks.header if name]
    for column in feed.columns:
        if names.count(column) == 0:
            yield f"there is no column {column!r}{_nearest(column, names)}; there are {_listed(names)}"
    by_name = {it.name: it for it in looks.columns}
    if len(feed.date) == 1 and feed.date[0] in by_name:
        yield from _of_dates(by_name[feed.date[0]], feed)
    for measure, column in feed.measures.items():
        look = looks.cells if feed.wide else by_name.get(column)
        if look is not None:
            yield from _of_numbers(look, column or "its cells", feed, decimals=dataset.measure(measure).decimals)


def _of_dates(look: Looks, feed: Feed) -> Iterator[str]:
    if not look.is_date:
        yield f"column {look.name!r} does not look like dates"
    elif feed.date_format not in look.date_formats:
        formats = " or ".join(map(repr, look.date_formats[:3]))
        yield f"column {look.name!r} looks like date_format = {formats}; declared is {feed.date_format!r}"


def _of_numbers(look: Looks, column: str, feed: Feed, *, decimals: int) -> Iterator[str]:
    if look.decimals is None:
        yield f"column {column!r} does not look like numbers"
        return
    for key, value, declared in (
        ("decimal", look.decimal, feed.decimal),
        ("thousands", look.thousands, feed.thousands),
    ):
        if value != declared and not (key == "decimal" and not look.decimals):
            yield f"column {column!r} looks like {key} = {value!r}; declared is {declared!r}"
    missing = [text for text in look.missing if text not in feed.missing]
    if missing:
        listed = ", ".join(f'"{text}"' for text in [*feed.missing, *missing])
        yield f"column {column!r} has {', '.join(map(repr, missing))} among its numbers: perhaps missing = [{listed}]"
    if look.decimals > decimals:
        yield f"column {column!r} has numbers with {look.decimals} decimals; declared are {decimals}"


def _nearest(column: str, names: list[str]) -> str:
    near = difflib.get_close_matches(column.casefold(), [name.casefold() for name in names], n=1)
    return f" (perhaps {next(name for name in names if name.casefold() == near[0])!r})" if near else ""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")
