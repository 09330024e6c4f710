"""Plain text that reads well on a phone: a paragraph is one line and a list has an item a line; the reader's mail
program breaks them where its screen ends.
"""

import textwrap
from collections.abc import Iterable

from shared.wording import sentence


def section(title: str, lines: Iterable[str]) -> str:
    """A title and its lines, set in by two; nothing where there are no lines."""
    body = "\n".join(lines)
    return f"{title}\n{textwrap.indent(body, '  ')}" if body else ""


def bullet(text: str) -> str:
    return f"- {sentence(one_line(text))}"


def one_line(text: str) -> str:
    """The text with every stretch of white space as one blank."""
    return " ".join(text.split())


def within(body: str, most_bytes: int) -> str:
    """The body, cut at the end of a line where it is too long for a message; within a line that is too long itself."""
    if len(body.encode()) <= most_bytes:
        return body
    note = "\n... cut here: the mail was too long\n"
    kept = body.encode()[: most_bytes - len(note)].decode(errors="ignore")
    return _cut(kept) + note


def _cut(kept: str) -> str:
    """At the end of a line, where not too much is lost by it; else at a blank."""
    for end in (kept.rfind("\n"), kept.rfind(" ")):
        if end > len(kept) // 2:
            return kept[:end]
    return kept
