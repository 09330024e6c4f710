"""What the dataset is, for catalogues: `/datapackage.json` as Frictionless has it, and schema.org's within the page."""

from collections.abc import Mapping
from typing import Any

from chalicelib.routes.site import Site
from chalicelib.web.documents import CURRENT, Reply, json_document
from chalicelib.web.parameters import Arguments
from chalicelib.web.requests import Request
from shared.dataset import Dataset, Measure

_TABLES: Mapping[str, str] = {
    "data": "The values as published.",
    "daily": "What each date added, or how it stood.",
    "weekly": "Weeks that end on Sunday, labelled by it.",
    "monthly": "Months, labelled by their last day.",
}


def answer_data_package(site: Site, _args: Arguments, request: Request) -> Reply:
    """`/datapackage.json`."""
    described = describe_package(site.dataset, site.address(request))
    return Reply(headers=CURRENT, document=json_document(described))


def describe_package(dataset: Dataset, address: str) -> dict[str, Any]:
    """A data package (v2). `address`: where the dataset is, with a slash at the end."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": dataset.name,
        "title": dataset.title,
        "description": dataset.description,
        "homepage": address,
        "licenses": [{"name": name, "title": name} for name in dict.fromkeys(feed.licence for feed in dataset.feeds)],
        "sources": [{"title": feed.title, "path": feed.url} for feed in dataset.feeds],
        "contributors": [{"title": credit, "roles": ["source"]} for credit in dataset.credits],
        "resources": [_resource(dataset, address, table) for table in _TABLES],
    }


def _resource(dataset: Dataset, address: str, table: str) -> dict[str, Any]:
    key = ["date", "series"] if dataset.has_series else ["date"]
    fields = [{"name": "date", "type": "date", "description": "The day, or the last day of the week or month."}]
    fields += [{"name": "series", "type": "string"}] if dataset.has_series else []
    fields += [_field(measure) for measure in dataset.measures]
    if table != "data":
        whole = "Whether each number stands for exactly its day, week or month."
        fields.append({"name": "complete", "type": "boolean", "description": whole})
    return {
        "name": table,
        "path": f"{address}{table}?format=csv",
        "description": _TABLES[table],
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "primaryKey": key, "missingValues": [""]},
    }


def _field(measure: Measure) -> dict[str, Any]:
    text = " ".join(filter(None, [measure.description, f"Unit: {measure.unit}." if measure.unit else ""]))
    return {
        "name": measure.name,
        "title": measure.label,
        "type": "number" if measure.decimals else "integer",
        "description": text,
    }
