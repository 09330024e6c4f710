"""From a feed's bytes to the lines of its text: archives are unpacked, a byte order mark is passed over.

A small archive may unpack to more than any memory holds, so nothing is unpacked beyond a limit.
"""

import contextlib
import functools
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from shared.dataset import Feed
from shared.errors import ContractBroken

MOST_UNPACKED = 1 << 31
"""Bytes that an archive may unpack to, where the caller sets no limit."""
BOM = b"\xef\xbb\xbf"

_MIB = 2**20
_PIECE = 1 << 20
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError)
"""What the standard library raises for archives that are cut off, damaged, encrypted or packed in another way."""


@functools.cache
def extends_ascii(encoding: str) -> bool:
    """Whether each byte of ASCII is that character wherever it stands, so that fields can be told apart as bytes."""
    return encoding == "utf-8" or (
        bytes(range(128)).decode(encoding, "replace") == bytes(range(128)).decode("ascii")
        and len(bytes(range(256)).decode(encoding, "replace")) == 256  # each byte is one character
    )


def file_fault(feed: Feed, allowed: str, *, value: str = "", line: int = 0) -> ContractBroken:
    """What is wrong with the file as a whole."""
    return ContractBroken(feed=feed.name, line=line, column="", value=value, allowed=allowed)


def unpacked(file: BinaryIO, feed: Feed, *, most: int | None) -> BinaryIO:
    """The file's content as a stream; nothing is unpacked beyond `most` bytes. Raises ContractBroken."""
    if not feed.archive:
        return file
    limit = MOST_UNPACKED if most is None else most
    packed = file.read(limit + 1)
    if len(packed) > limit:
        raise _too_large(feed, limit)
    with contextlib.ExitStack() as stack:
        try:
            content = stack.enter_context(_content(packed, feed))
            return io.BytesIO(_read(content, feed, limit))
        except _DAMAGED as error:
            raise file_fault(feed, f"a file packed by {feed.archive} is needed", value=str(error)) from error


def _content(packed: bytes, feed: Feed) -> contextlib.AbstractContextManager[BinaryIO]:
    if feed.archive == "gzip":
        return gzip.GzipFile(fileobj=io.BytesIO(packed))  # type: ignore[return-value]  # it reads as a file does
    archive = zipfile.ZipFile(io.BytesIO(packed))
    return archive.open(_member(archive, feed))  # type: ignore[return-value]


def _member(archive: zipfile.ZipFile, feed: Feed) -> str:
    """The member to read: the one that is declared, or the only one there is."""
    names = [
        it.filename for it in archive.infolist() if not it.is_dir() and not it.filename.startswith("__MACOSX/")
    ]  # macOS puts a shadow of each file there
    _, _, wanted = feed.archive.partition(":")
    listed = ", ".join(names[:20]) or "no file"
    if wanted and names.count(wanted) != 1:
        raise file_fault(feed, f"the member {wanted!r} of the archive is needed once", value=listed)
    if not wanted and len(names) != 1:
        raise file_fault(
            feed,
            f"one file in the archive is needed, or archive = 'zip:MEMBER', and there are {len(names)}",
            value=listed,
        )
    return wanted or names[0]


def _read(content: BinaryIO, feed: Feed, limit: int) -> bytes:
    pieces, size = [], 0
    while piece := content.read(_PIECE):
        size += len(piece)
        if size > limit:
            raise _too_large(feed, limit)
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(feed: Feed, limit: int) -> ContractBroken:
    return file_fault(
        feed,
        f"at most {limit / _MIB:,.1f} MiB of an archive's content fit this function's memory; give it more",
        value="more unpacked",
    )


def text_lines(data: bytes, feed: Feed, *, begins: bool = True) -> Iterable[str]:
    """The lines with their ends, as the csv module takes them. Raises ContractBroken for what is no text at all.

    Bytes that are no text become lone surrogates: harmless in what is not used, and caught in what is. `begins` says
    whether these bytes are the beginning of a file, where a byte order mark may stand.
    """
    content = io.BytesIO(data.removeprefix(BOM) if begins else data)
    if feed.encoding.startswith(("utf-16", "utf-32")):
        return _wide_lines(content, feed)
    return io.TextIOWrapper(content, feed.encoding, "surrogateescape", newline="")


def _wide_lines(content: io.BytesIO, feed: Feed) -> Iterator[str]:
    number = 0
    try:
        for line in io.TextIOWrapper(content, feed.encoding, newline=""):
            number += 1
            yield line
    except UnicodeError as error:
        raise file_fault(feed, f"text in {feed.encoding} is needed", value=str(error), line=number + 1) from error
