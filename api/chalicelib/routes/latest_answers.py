"""`/latest`: the newest numbers at an address that never changes, of the dataset or of one of its series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.routes.answered_state import state_headers
from chalicelib.routes.outlook_answers import newest_in_words
from chalicelib.routes.series_answers import entry_at
from chalicelib.routes.site import Site
from chalicelib.web.documents import CURRENT, JSON, Document, Reply
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request
from shared.dataset import Measure
from shared.exact import Number, dumps
from shared.summary import Summary


@dataclass(frozen=True, kw_only=True)
class _Newest:
    """The newest numbers of a series, in the order of the dataset's measures."""

    date: str
    series: str | None
    """Which they are of, or of how many they are the sum; None where the dataset has one."""
    values: Sequence[Number | None]
    changes: Sequence[Number | None]
    """Differences to the last values reported before."""
    days: Sequence[int | None]
    """Days between the two."""
    outlook: Mapping[str, str] = field(default_factory=dict)
    """Measure -> what usually becomes of such a value, as the run itself says it."""


def answer_latest(site: Site, args: Arguments, _request: Request) -> Reply:
    """Of the series that is asked for, else of the default one or the sum, as mails have it."""
    run_id = site.run_at(args["as_of"])
    newest = _find(site, run_id, args.get("series")) if run_id else None
    if run_id is None or newest is None:
        raise ThingUnknown("as_of", args["as_of"] or "", "no run was committed yet")
    final = newest.outlook or _how_final(site, run_id, args)
    shown = zip(site.dataset.measures, newest.values, newest.changes, newest.days, strict=True)
    body: dict[str, Any] = {
        "dataset": site.dataset.name,
        "title": site.dataset.title,
        "date": newest.date,
        **({"series": newest.series} if site.dataset.has_series else {}),
        "period": site.dataset.period,
        "measures": [
            _shown(measure, value, change, days, final.get(measure.name)) for measure, value, change, days in shown
        ],
        "run_id": run_id,
    }
    headers = CURRENT | state_headers(run_id, args)
    return Reply(headers=headers, document=Document(JSON, plain=dumps(body).encode() + b"\n"))


def _shown(
    measure: Measure, value: Number | None, change: Number | None, days: int | None, final: str | None
) -> dict[str, Any]:
    about = {"name": measure.name, "label": measure.label, "unit": measure.unit, "kind": measure.kind}
    return about | {"value": value, "change": change, "days": days, "how_final": final}


def _find(site: Site, run_id: str, series: str | None) -> _Newest | None:
    """None where the run says nothing of its newest numbers. Raises ThingUnknown for a series that is not there."""
    if series is not None:
        entry = entry_at(site, run_id, series)
        return _Newest(date=entry.newest, series=series, values=entry.values, changes=entry.changes, days=entry.days)
    values = site.ledger().get(run_id).summary
    if not values.get("latest"):
        return None
    summary, names = Summary.from_map(values), site.dataset.measure_names
    return _Newest(
        date=summary.latest["date"],
        series=summary.latest.get("series"),
        values=[summary.latest.get(name) for name in names],
        changes=[summary.latest_increments.get(name) for name in names],
        days=[summary.latest_days.get(name) for name in names],
        outlook=summary.outlook,
    )


def _how_final(site: Site, run_id: str, args: Arguments) -> Mapping[str, str]:
    """Measure -> what usually becomes of a value as old as its newest one; of today only, and of one series."""
    series = args.get("series")
    if args["as_of"] is not None or (site.dataset.has_series and series is None):
        return {}
    return newest_in_words(site, run_id, series)
