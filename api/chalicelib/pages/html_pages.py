"""Pages for people, from the templates beside: whatever is put into them is escaped unless it is `Markup`.

The engine takes longer to import than a table takes to answer: nothing on a table's path imports this module.
"""

import functools
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chalicelib.pages.formatting import count, date, moment, number, percent, words

_TEMPLATES = Path(__file__).parent / "templates"


def render_html(template: str, **values: Any) -> str:
    """`template` is a file's name. Raises UndefinedError where it wants a value that is not there."""
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters = {"count": count, "date": date, "moment": moment, "number": number, "percent": percent, "words": words}
    environment.filters |= filters
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    environment.filters["quoted"] = lambda text: quote(text, safe="")
    return environment
