"""`/docs`: the API explained to people, from the same table of routes that answers requests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.documentation.live_examples import ParameterExample, Served, examples_of, plain_example
from chalicelib.pages.html_pages import render_html
from chalicelib.web.assets import Assets
from chalicelib.web.route_facts import RouteFacts
from shared.dataset import Dataset
from shared.version import VERSION


@dataclass(frozen=True, kw_only=True)
class RouteRow:
    """A route as the page shows it."""

    path: str
    summary: str
    media: Sequence[str]
    address: str
    """A request that has an answer; empty where nothing is served yet."""
    parameters: Sequence[ParameterExample]


def render_api_page(
    endpoints: Iterable[RouteFacts],
    dataset: Dataset,
    *,
    served: Served | None,
    address: str,
    assets: Assets,
    notice: str = "",
    datasets: Sequence[str] = (),
) -> str:
    """The page. `address` is where the API is, with a slash at the end; `datasets` those of a stage with several."""
    return render_html(
        "api.html",
        title=f"API: {dataset.title}",
        description=f"How to read {dataset.title} by a program: addresses, parameters and what the numbers mean.",
        root="",
        assets=assets,
        dataset=dataset,
        address=address,
        notice=notice,
        datasets=datasets,
        served=served,
        version=VERSION,
        routes=[
            RouteRow(
                path=endpoint.path,
                summary=endpoint.summary,
                media=list(endpoint.media),
                address=plain_example(endpoint.path, served),
                parameters=list(examples_of(endpoint.path, endpoint.parameters, served)),
            )
            for endpoint in endpoints
        ],
    )
