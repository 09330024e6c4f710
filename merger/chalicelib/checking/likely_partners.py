"""Which name of another feed a name probably means: `Rhode Is.` is `Rhode Island`, and `NY` may be `New York`."""

import difflib
import unicodedata
from collections.abc import Sequence

_LIKE_ENOUGH = 0.6
_MOST_COMPARED = 2000
"""Names: comparing all with all takes the square of them."""


def likely_partners(names: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Name -> the most similar of the others, where one is similar enough; each of those is given once."""
    left = {_plain(other): other for other in others[:_MOST_COMPARED]}
    found: dict[str, str] = {}
    for name in names[:_MOST_COMPARED]:
        plain = _plain(name)
        near = [it for it in left if _is_short_for(plain, it) or _is_short_for(it, plain)]
        close = near[:1] or difflib.get_close_matches(plain, left, n=1, cutoff=_LIKE_ENOUGH)
        if close:
            found[name] = left.pop(close[0])
    return found


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(it if it.isalnum() else " " for it in letters if not unicodedata.combining(it)).split())


def _is_short_for(short: str, name: str) -> bool:
    """Whether it is the name's initials, or the name with something more."""
    words = name.split()
    initials = "".join(word[0] for word in words)
    return short == name or (len(words) > 1 and short == initials)
