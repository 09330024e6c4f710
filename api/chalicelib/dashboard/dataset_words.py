"""What the dataset is and what its measures mean, for people and for search engines."""

from collections.abc import Mapping
from typing import Any

from chalicelib.dashboard.placeholders import ADDRESS
from shared.dataset import Aggregate, Dataset, Kind, Measure, Opening

_KINDS: Mapping[Kind, str] = {
    Kind.TOTAL: "A running total; what is new is each value minus the last one reported before it.",
    Kind.COUNT: "Counted in each period; weeks and months are sums.",
    Kind.LEVEL: "A state at its date; weeks and months show {aggregate}.",
    Kind.RATE: "A share or an index; weeks and months show {aggregate}.",
}
_AGGREGATES: Mapping[Aggregate, str] = {
    Aggregate.SUM: "the sum",
    Aggregate.LAST: "the last value",
    Aggregate.MEAN: "the mean",
    Aggregate.MAX: "the highest value",
}


def definition(measure: Measure) -> str:
    """In sentences: what the declaration says of it, and how its numbers are treated."""
    kind = _KINDS[measure.kind].format(aggregate=_AGGREGATES[measure.aggregate])
    opening = measure.cumulative and measure.opening is Opening.COUNT
    first = " Its first value counts as new on its own date." if opening else ""
    unit = f" In {measure.unit}." if measure.unit else ""
    return f"{measure.description} {kind}{first}{unit}".strip()


def linked_data(dataset: Dataset, *, first: str, newest: str, run_id: str) -> dict[str, Any]:
    """The dataset as schema.org has it; addresses begin with a placeholder."""
    return {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": dataset.title,
        "description": dataset.description or dataset.title,
        "url": str(ADDRESS),
        "dateModified": run_id,
        "temporalCoverage": f"{first}/{newest}",
        "license": "; ".join(dict.fromkeys(feed.licence for feed in dataset.feeds)),
        "creditText": " ".join(dataset.credits),
        "isBasedOn": [feed.url for feed in dataset.feeds],
        "variableMeasured": [
            {"@type": "PropertyValue", "name": m.label, "description": definition(m)}
            | ({"unitText": m.unit} if m.unit else {})
            for m in dataset.measures
        ],
        "distribution": [
            {"@type": "DataDownload", "encodingFormat": "text/csv", "contentUrl": f"{ADDRESS}{table}?format=csv"}
            for table in ("data", "daily", "weekly", "monthly")
        ],
    }
