"""Text from outside made fit to be kept and shown: one printable line, and not too long.

Upstream chooses its headers, its names of places and its answers; what of them reaches a ledger, a mail, a page, a
feed reader or a terminal holds no control character, no half of a surrogate pair, and nothing that turns the
direction of what stands around it.
"""

MOST = 500
"""Characters that are kept of a text from outside, where nothing else is chosen."""

_INSTEAD = "?"


def printable(text: str, *, most: int = MOST) -> str:
    """One printable line of at most `most` characters: white space is one blank, what cannot be printed is `?`.

    A text that is cut ends with `...`. Printable text comes out as it is, in any script.
    """
    if len(text) <= most and text.isprintable() and "  " not in text and text == text.strip():
        return text
    line = " ".join(text[: most * 8].split())  # the work is bounded too: white space may be all there is of a megabyte
    shown = "".join(letter if letter.isprintable() else _INSTEAD for letter in line[: most + 1])
    return shown if len(shown) <= most and len(text) <= most * 8 else shown[: most - 3].rstrip() + "..."


def without_controls(text: str) -> str:
    """The text with its line ends and blanks as they are, and `?` for all else that cannot be printed."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else _INSTEAD for letter in text)
