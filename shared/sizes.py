"""How many bytes things take in DynamoDB, and texts cut to the bytes that there are for them.

A run's item has room for 400 KB. What it carries is bounded where it is written (`shared.ledger`), each part by
itself, so that no sum of parts can outgrow the item: 2 KB for why it ended, 3 KB for each feed's delivery, 150 KB
for the summary, and a few for the rest. That leaves room for seventy feeds, of which a declaration may have fewer.
"""

from collections.abc import Mapping
from decimal import Decimal

from shared.attributes import Value

ITEM = 400 * 1024
"""DynamoDB takes no larger item: names and values, in UTF-8."""

FEEDS = 63
"""Of a dataset, at most: which of them have a row is kept as bits of an int64, and the ledger has room for seventy."""

REASON = 2_000
"""Of a run, and the text of a notice."""
FEED_REASON = 1_000
"""Of one feed's delivery, and each sentence of a summary."""
ADDRESS = 1_000
VALIDATOR = 300
"""An ETag or a date."""
SUMMARY = 150_000
DETAIL = 500
"""Each of a notice's details that is text."""

_ELLIPSIS = "..."


def cut(text: str, most: int) -> str:
    """At most so many bytes in UTF-8, `...` at the end where some were cut; never half a character."""
    data = text.encode(errors="replace")
    if len(data) <= most:
        return data.decode()
    return data[: most - len(_ELLIPSIS)].decode(errors="ignore") + _ELLIPSIS


def whole(text: str, most: int) -> str:
    """The text, or nothing where it takes more bytes: for what is worth nothing in part."""
    return text if len(text.encode(errors="replace")) <= most else ""


def size(value: Value) -> int:
    """Bytes of an attribute's value, never fewer than DynamoDB counts."""
    match value:
        case None | bool():
            return 1
        case str():
            return len(value.encode())
        case int() | Decimal():
            return len(str(value)) + 2  # DynamoDB packs two digits into a byte
        case frozenset():
            return 3 + sum(1 + size(item) for item in value)
        case list() | tuple():
            return 3 + sum(1 + size(item) for item in value)
        case Mapping():
            return 3 + sum(1 + len(name.encode()) + size(item) for name, item in value.items())
    raise TypeError(f"{type(value).__name__} has no size in DynamoDB")
