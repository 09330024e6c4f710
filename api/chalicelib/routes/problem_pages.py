"""What is wrong with a request, as a page for people: for whoever takes HTML before anything else."""

from chalicelib.pages.html_pages import render_html
from chalicelib.routes.dashboard_answer import HEADERS
from chalicelib.routes.site import Sites
from chalicelib.web.problems import Problem
from chalicelib.web.requests import Request


def problem_page(problem: Problem, sites: Sites, request: Request) -> tuple[str, dict[str, str]]:
    """The page and the headers that it needs. It reads nothing from the store, which may be what is wrong."""
    root = request.stage_root
    page = render_html(
        "problem.html",
        title=sites.first.dataset.title,
        description=problem.title,
        assets=sites.first.assets,
        root=root,
        problem=problem,
        back="To the overview of all datasets" if sites.several else "To the latest numbers",
    )
    return page, {name: HEADERS[name] for name in ("Content-Security-Policy", "Referrer-Policy")}
