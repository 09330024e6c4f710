"""Plain text that reads well in a mail client: blocks of at most WIDTH columns, with a blank line between them."""

import textwrap
from collections.abc import Iterable

from shared.wording import WIDTH, sentence


def section(title: str, lines: Iterable[str]) -> str:
    """A title and its lines, set in by two; nothing where there are no lines."""
    body = "\n".join(lines)
    return f"{title}\n{textwrap.indent(body, '  ')}" if body else ""


def inset(text: str) -> str:
    """Wrapped to fit into a section."""
    return wrapped(text, width=WIDTH - 2)


def bullet(text: str) -> str:
    return wrapped(sentence(text), width=WIDTH - 2, first="- ", rest="  ")


def wrapped(text: str, *, width: int = WIDTH, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def within(body: str, most_bytes: int) -> str:
    """The body, cut at the end of a line where it is too long for a message; within a line that is too long itself."""
    if len(body.encode()) <= most_bytes:
        return body
    note = "\n... cut here: the mail was too long\n"
    kept = body.encode()[: most_bytes - len(note)].decode(errors="ignore")
    return kept[: end if (end := kept.rfind("\n")) > 0 else len(kept)] + note
