"""How much goes on a page: so many rows, and no more bytes than an answer may have."""

from collections.abc import Iterable

from chalicelib.web.documents import sent_size

PAGE_BYTES = 4_000_000
"""A page ends when it has grown beyond this, as it is sent: one more row of any kind still fits an answer."""


def fill_page[Item](
    items: Iterable[tuple[Item, str]], *, limit: int | None = None
) -> tuple[list[Item], list[str], bool]:
    """The first items and how they are written, until there are `limit` or the page is full; whether more are behind.

    An item comes with its text, and is written at most once more than is shown.
    """
    shown: list[Item] = []
    texts: list[str] = []
    held = 0
    for item, text in items:
        if len(shown) == limit or held > PAGE_BYTES:
            return shown, texts, True
        shown.append(item)
        texts.append(text)
        held += sent_size(text) + 3  # a comma and a line's end between rows
    return shown, texts, False
