"""The page of one date: templates, and what they call numbers and times by."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from chalicelib.pages.formatting import count, date, moment, number, percent
from chalicelib.vintage_pages.course_line import course_line


def render(template: str, values: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(values)


@functools.cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (number, percent, date, moment, course_line):
        found.globals[function.__name__] = _marked_up(function)
    found.globals["count"] = count
    return found


def _marked_up(function: Any) -> Any:
    """The function's text as HTML that is not escaped again."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Markup:
        return Markup(function(*args, **options))  # noqa: S704 - these functions escape what they are given

    return call
