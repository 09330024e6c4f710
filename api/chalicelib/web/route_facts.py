"""What descriptions of the API need of a route: the table of routes imports them, and not the other way round."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from chalicelib.web.parameters import Parameter


class RouteFacts(Protocol):
    """A line of the table of routes, without what answers it."""

    @property
    def path(self) -> str: ...
    @property
    def methods(self) -> Iterable[str]: ...
    @property
    def summary(self) -> str: ...
    @property
    def media(self) -> Mapping[str, str]: ...
    @property
    def parameters(self) -> Sequence[Parameter]: ...
    @property
    def problems(self) -> Iterable[int]: ...
