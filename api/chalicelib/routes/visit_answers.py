"""How often a page was visited: one number a dataset, and one of the overview of several.

It is counted by what shows it, a picture as pages had in 1996. The page comes from caches; the
picture never does. Nothing of a visit is kept but that it was one: no cookie, no address, no time. Only GET counts.
"""

from typing import Any

from markupsafe import Markup

from chalicelib.routes.site import Site
from chalicelib.web.documents import NEVER, SVG, Document, Reply
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request

_DIGITS, _WIDTH, _HEIGHT = 6, 14, 24


OVERVIEW = "*"
"""What the overview of all datasets is counted under: no dataset has this name."""


class VisitCounter:
    """The counters of a stage."""

    def __init__(self, client: Any, *, table: str) -> None:
        self._client, self._table = client, table

    def count(self, page: str) -> int:
        """One more of a dataset's page, or of `OVERVIEW`; gives how many there are with it.

        The store adds, so that no two are given the same number.
        """
        reply = self._client.update_item(
            TableName=self._table,
            Key={"dataset": {"S": page}},
            UpdateExpression="ADD visits :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(reply["Attributes"]["visits"]["N"])


def answer_visits(site: Site, _args: Arguments, request: Request) -> Reply:
    """`/visits.svg`; where there are several datasets and none is named, the overview's."""
    if site.visits is None:
        raise ThingUnknown("path", "visits.svg", "this stage counts no visits")
    if request.method != "GET":
        return Reply(headers=NEVER)
    page = OVERVIEW if site.stage().several and not request.dataset else site.dataset.name
    return Reply(headers=NEVER, document=Document(SVG, plain=counter_svg(site.visits().count(page)).encode()))


def counter_svg(visits: int) -> str:
    """The number as a row of wheels."""
    digits = f"{visits:0{_DIGITS}d}"
    wheel = Markup(
        '<rect x="{left}" width="{width}" height="{height}" rx="1" fill="#1d1c1a"/><text x="{middle}" y="18"'
        ' fill="#fbfaf7" font-family="monospace" font-size="16" text-anchor="middle">{digit}</text>'
    )
    wheels = Markup().join(
        wheel.format(
            left=n * _WIDTH, width=_WIDTH - 1, height=_HEIGHT, middle=n * _WIDTH + (_WIDTH - 1) / 2, digit=digit
        )
        for n, digit in enumerate(digits)
    )
    picture = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img"'
        ' aria-label="{visits} visits">{wheels}</svg>'
    )
    return picture.format(width=len(digits) * _WIDTH, height=_HEIGHT, visits=f"{visits:,}", wheels=wheels)
