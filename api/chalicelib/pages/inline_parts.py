"""A page's own style and script, and the hashes by which its Content-Security-Policy allows these and no others.

A page that was rendered by an older version holds that version's style and script. So it says itself which they are, in
a comment behind its document type, where nothing that others wrote can stand.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from markupsafe import Markup

_COMMENT = re.compile(r"<!doctype html><!--inline style (sha256-[\w+/]{43}=) script (sha256-[\w+/]{43}=)-->")


@dataclass(frozen=True, kw_only=True)
class InlineParts:
    """What a page holds itself, so that nothing has to be fetched before it is seen."""

    style: str
    script: str

    @property
    def comment(self) -> Markup:
        """What stands behind the document type."""
        return Markup("<!--inline style {} script {}-->").format(_hash(self.style), _hash(self.script))

    @property
    def style_markup(self) -> Markup:
        return Markup(self.style)  # noqa: S704  # a file of this service

    @property
    def script_markup(self) -> Markup:
        return Markup(self.script)  # noqa: S704  # a file of this service


def allowed_by(page: str) -> tuple[str, str]:
    """The hashes of the style and the script that a page begins with naming, quoted; empty where it names none."""
    found = _COMMENT.match(page)
    return (f"'{found[1]}'", f"'{found[2]}'") if found else ("", "")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
