"""What the pages about vintages have in common: their frame, and how they are answered."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.dashboard.page import PLOTLY_STYLE
from chalicelib.pages.html_pages import render_html
from chalicelib.routes.dashboard_answer import HEADERS
from chalicelib.routes.site import Site
from chalicelib.web.documents import BY_ACCEPT, HTML, Document, Reply
from chalicelib.web.parameters import Arguments
from chalicelib.web.requests import Request


def frame(
    site: Site,
    request: Request,
    *,
    title: str,
    about: str,
    kept: Arguments,
    up: str = "",
    notices: Sequence[str] = (),
) -> dict[str, Any]:
    """The values of `vintage_frame.html`. `up` leads from the page's address to the root that it was opened below."""
    names = ("series", "as_of")
    query = urlencode({name: kept.get(name) for name in names if kept.get(name)}, quote_via=quote)
    operator = [site.settings.notice] if site.settings.notice else []
    return {
        "dataset": site.dataset,
        "title": f"{title}: {site.dataset.title}",
        "description": f"{site.dataset.title}: {about}",
        "root": up if request.dataset or not site.stage().several else f"{up}{site.dataset.name}/",
        "query": f"?{query}" if query else "",
        "notices": [*operator, *notices],
        "assets": site.assets,
        "plotly_style": PLOTLY_STYLE,
    }


def answer_with(template: str, values: Mapping[str, Any], *, status: int = 200) -> Reply:
    page = render_html(template, **values)
    return Reply(status=status, headers=HEADERS | BY_ACCEPT, document=Document(HTML, plain=page.encode()))
