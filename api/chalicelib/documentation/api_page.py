"""`/docs`: the API explained to people, from the same table of routes that answers requests."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from chalicelib.documentation.live_examples import ParameterExample, Served, examples_of, plain_example
from chalicelib.web.assets import Assets
from chalicelib.web.parameters import Parameter
from shared.dataset import Dataset
from shared.version import VERSION


class Explained(Protocol):
    """What the page needs of a route: the table of routes imports this module, and not the other way round."""

    @property
    def path(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def media(self) -> Mapping[str, str]: ...
    @property
    def parameters(self) -> Sequence[Parameter]: ...


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
    endpoints: Iterable[Explained],
    dataset: Dataset,
    *,
    served: Served | None,
    address: str,
    assets: Assets,
    notice: str = "",
    datasets: Sequence[str] = (),
) -> str:
    """The page. `address` is where the API is, with a slash at the end; `datasets` those of a stage with several."""
    return _template().render(
        dataset=dataset,
        address=address,
        icon=assets.name("icon.svg"),
        style=assets.name("page.css"),
        own_style=assets.name("docs.css"),
        early_script=assets.name("early.js"),
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


@functools.cache
def _template() -> Template:
    """Strict: a name that the template has and the code does not give is an error, and every text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("api_page.html")
