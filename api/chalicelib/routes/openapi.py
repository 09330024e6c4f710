"""/openapi.json, written from the table of routes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.web.documents import JSON, Document
from chalicelib.web.parameters import Parameter
from chalicelib.web.problems import MEDIA_TYPE
from chalicelib.web.route_facts import RouteFacts
from shared.dataset import Dataset, Kind, Period
from shared.runs import State
from shared.version import VERSION


def render_openapi(
    endpoints: Iterable[RouteFacts], dataset: Dataset, *, notice: str = "", datasets: Sequence[str] = ()
) -> Document:
    described = describe(endpoints, dataset, notice=notice, datasets=datasets)
    return Document(JSON, plain=json.dumps(described, separators=(",", ":")).encode())


def describe(
    endpoints: Iterable[RouteFacts], dataset: Dataset, *, notice: str = "", datasets: Sequence[str] = ()
) -> dict[str, Any]:
    """OpenAPI 3.1. The server is relative: the description holds under every host and prefix.

    `datasets`: those of a stage that has several, where this is the description of what is answered without a name.
    """
    below = ", ".join(f"{name}/openapi.json" for name in datasets)
    several = ""
    if datasets:
        several = (
            f"Paths without a dataset's name are {datasets[0]}'s; each dataset has all of them below its name: {below}."
        )
    listed = list(endpoints)
    named = _named(listed)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": dataset.title,
            "version": VERSION,
            "description": " ".join(filter(None, [notice, several, *dataset.credits])),
            "license": {"name": "; ".join(dict.fromkeys(feed.licence for feed in dataset.feeds))},
        },
        "servers": [{"url": "."}],
        "paths": {endpoint.path: _path(endpoint, named) for endpoint in listed},
        "components": {
            "schemas": _schemas(dataset),
            "headers": _HEADERS,
            "parameters": {name: _parameter(parameter) for name, parameter in named} | _CONDITION,
            "responses": {
                f"Problem{status}": {"description": text, "content": _PROBLEM_CONTENT}
                for status, text in _PROBLEMS.items()
            }
            | _RESPONSES,
        },
    }


type _Named = Sequence[tuple[str, Parameter]]
"""What each different parameter is referred to by."""


def _named(endpoints: Iterable[RouteFacts]) -> _Named:
    """Its own name, with a number where several parameters have it."""
    named: list[tuple[str, Parameter]] = []
    for parameter in (parameter for endpoint in endpoints for parameter in endpoint.parameters):
        if all(other != parameter for _, other in named):
            same = sum(other.name == parameter.name for _, other in named)
            named.append((f"{parameter.name}_{same + 1}" if same else parameter.name, parameter))
    return named


def _path(endpoint: RouteFacts, named: _Named) -> dict[str, Any]:
    name = endpoint.path.strip("/").translate(str.maketrans("/.", "__", "{}")) or "dashboard"
    its = [reference for parameter in endpoint.parameters for reference, other in named if other == parameter]
    described = {
        "parameters": [_parameter_reference(reference) for reference in (*its, *_CONDITION)],
        "get": {"operationId": f"get_{name}", "summary": endpoint.summary, "responses": _responses(endpoint)},
        "head": {
            "operationId": f"head_{name}",
            "summary": "Headers only.",
            "responses": {"default": {"$ref": "#/components/responses/Head"}},
        },
    }
    return described | ({"post": _SUBSCRIBING} if "POST" in endpoint.methods else {})


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
        "example": parameter.typed_example,
    }


def _responses(endpoint: RouteFacts) -> dict[str, Any]:
    content = {media: {"schema": _reference(schema)} for media, schema in endpoint.media.items()}
    responses: dict[str, Any] = {
        "200": {"description": "The answer.", "headers": _headers(endpoint), "content": content},
        "304": {"$ref": "#/components/responses/NotModified"},
    }
    for status in sorted({400, 405, 500, 503, *endpoint.problems}):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    if endpoint.media.get("text/csv") == "Text":
        responses["302"] = {"$ref": "#/components/responses/Elsewhere"}
    if {"Health", "HealthOfAll"} & set(endpoint.media.values()):
        behind = {"content": _PROBLEM_CONTENT | content, "description": "Behind, or the store does not answer."}
        responses["503"] = behind
    return responses


def _headers(endpoint: RouteFacts) -> dict[str, Any]:
    """References to those that an answer of this route may have."""
    names = {parameter.name for parameter in endpoint.parameters}
    of_a_state = names & {"as_of", "measure"} and "text/html" not in endpoint.media
    listed = [*_EVERYWHERE, *(_STATE if of_a_state else ()), *(("Link",) if "limit" in names else ())]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in listed}


def _parameter_reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _reference(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


_CONDITION = {
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The ETag of the copy that the client has.",
        "schema": {"type": "string"},
    },
}
_RUN_ID = {"type": "string", "format": "date-time"}
_HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {"description": "Names the content, and its encoding.", "schema": {"type": "string"}},
    "Notice": {
        "description": "What readers must know of these numbers, percent-encoded; absent where there is nothing.",
        "schema": {"type": "string"},
    },
    "Run-Id": {"description": "The run whose state is answered; absent before the first.", "schema": _RUN_ID},
    "Vintage": {
        "description": "Which vintage it is, as it was chosen: `current`, `as_of=2020-10-25`, `lag=7`, `first=yes`.",
        "schema": {"type": "string"},
    },
    "Link": {"description": "The next page, with `rel=next`; absent behind the last.", "schema": {"type": "string"}},
}
_EVERYWHERE, _STATE = ("ETag", "Notice"), ("Run-Id", "Vintage")
_RESPONSES: dict[str, Any] = {
    "Elsewhere": {"description": "A table too large to answer: see Location."},
    "Head": {"description": "The status and the headers that GET answers with."},
    "NotModified": {
        "description": "The client has it already.",
        "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
    },
}
_PROBLEM_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PROBLEMS = {
    400: "A parameter is unknown or wrong, or there is a body; the problem names it.",
    404: "There is no such thing.",
    405: "The route does not take this method.",
    413: "The answer would be too large; ask for less.",
    429: "Enough of these were taken for now: see Retry-After.",
    500: "A fault of ours.",
    503: "The store does not answer, or the views of the run are not rendered.",
}

_DATE = {"type": "string", "format": "date"}
_TIME = {"type": "string", "format": "date-time"}
_CHANGES = ("added", "changed", "removed")
_COUNT = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}
_COMPLETE = {
    "type": "boolean",
    "description": "Whether each number in the row stands for exactly its day, week or month: not for more, as after a"
    " gap, nor for fewer, as where days are missing or still to come.",
}


def _object(properties: Mapping[str, Any], *, optional: Iterable[str] = ()) -> dict[str, Any]:
    """A closed object: what is not listed is not there."""
    required = [name for name in properties if name not in set(optional)]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }


def _list(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(schema)}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(schema), {"type": "null"}]}


_SUBSCRIBING = {
    "operationId": "post_subscriptions",
    "summary": "Have changes sent to an address by mail, once its owner has confirmed; the answer is always the same.",
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": _object({"email": {"type": "string", "format": "email", "maxLength": 254}})
            }
        },
    },
    "responses": {
        "202": {
            "description": "Taken.",
            "content": {
                JSON: {"schema": {"$ref": "#/components/schemas/Accepted"}},
                "text/html": {"schema": {"$ref": "#/components/schemas/Text"}},
            },
        },
        **{str(it): {"$ref": f"#/components/responses/Problem{it}"} for it in (400, 404, 405, 429, 500, 503)},
    },
}


def _schemas(dataset: Dataset) -> dict[str, Any]:
    measures = {m.name: {"type": ["number" if m.decimals else "integer", "null"]} for m in dataset.measures}
    days = {f"{name}_days": {"type": ["integer", "null"], "minimum": 0} for name in dataset.measure_names}
    key = {"date": _DATE} | ({"series": _TEXT} if dataset.has_series else {})
    row = _object(key | measures)
    entry = _object(
        {"run_id": _TIME, "known_from": _TIME, "change": {"enum": ["added", "changed", "removed"]}} | measures
    )
    date_history = _object(key | measures | {"present": {"type": "boolean"}, "history": _list(entry)})
    fields = {name: _object({"old": value, "new": value}) for name, value in measures.items()}
    changed = _object(key | {"fields": _object(fields, optional=fields)})
    return {
        "Rows": _list(row),
        "Buckets": _list(_object(key | measures | {"complete": _COMPLETE} | days, optional=days)),
        "DateHistory": _list(date_history) if dataset.has_series else date_history,
        "Vintages": _list(_object(key | measures | _known(), optional=dataset.measure_names)),
        "Revisions": _list({"type": "object"}),
        "SeriesList": _list(_series(measures)),
        "Latest": _latest(has_series=dataset.has_series),
        "Run": _run(),
        "Runs": _list(_reference("Run")),
        "ChangeSet": _object(
            {"run_id": _TIME, "base_run_id": _or_null(_TIME)}
            | {"added": _list(row), "changed": _list(changed), "removed": _list(row)}
        ),
        "ChangeSets": _list(_reference("ChangeSet")),
        "Health": _health(),
        "HealthOfAll": _object(
            {"status": _health()["properties"]["status"], "notice": _TEXT}
            | {"datasets": {"type": "object", "additionalProperties": _reference("Health")}}
        ),
        "Datasets": _list(_dataset()),
        "Accepted": _object({"detail": _TEXT}),
        "Object": {"type": "object"},
        "Text": _TEXT,
        "Bytes": {"type": "string", "format": "binary"},
        "Problem": _problem(),
    }


def _known() -> dict[str, Any]:
    of_row = {"present": {"type": "boolean"}, "run_id": _TIME, "known_from": _TIME}
    return of_row | {"next_run_id": _or_null(_TIME), "known_to": _or_null(_TIME)}


def _series(measures: dict[str, Any]) -> dict[str, Any]:
    head: dict[str, Any] = {"series": _TEXT, "total": {"type": "boolean"}, "date": _DATE}
    head |= {"behind": _COUNT, "rows": _COUNT}
    by_measure = {"type": "object", "additionalProperties": {"type": ["number", "null"]}}
    of_row = {
        "changes": by_measure,
        "days": by_measure,
        "line": _list({"type": ["number", "null"]}),
        "changed_by": _TIME,
    }
    return _object(head | measures | of_row)


def _latest(*, has_series: bool) -> dict[str, Any]:
    number, words = _or_null({"type": "number"}), {"type": ["string", "null"]}
    measure = _object(
        {"name": _TEXT, "label": _TEXT, "unit": _TEXT, "kind": {"enum": [kind.value for kind in Kind]}}
        | {"value": number, "change": number, "days": _or_null(_COUNT), "how_final": words}
    )
    series = {"series": _TEXT} if has_series else {}
    head: dict[str, Any] = {"dataset": _TEXT, "title": _TEXT, "date": _DATE}
    period = {"period": {"enum": [period.value for period in Period]}}
    return _object(head | series | period | {"measures": _list(measure), "run_id": _TIME})


def _run() -> dict[str, Any]:
    delivery = _object(
        {"status": {"enum": ["new", "same", "failed"]}, "reason": _TEXT, "sha256": _TEXT, "bytes": _COUNT}
        | {"source_url": _TEXT, "etag": _TEXT, "last_modified": _TEXT, "went_back_to": _TEXT}
        | {"requests": _COUNT, "first_requested": _TEXT, "last_requested": _TEXT, "retry_after": _TEXT}
    )
    return _object(
        {
            "run_id": _TIME,
            "state": {"enum": [state.value for state in State]},
            "reason": _TEXT,
            "base_run_id": _or_null(_TIME),
            "added": _COUNT,
            "changed": _COUNT,
            "removed": _COUNT,
            "known_from": _TIME,
            "arrived": _list(_TEXT),
            "feeds": {"type": "object", "additionalProperties": delivery},
            "attempts": _COUNT,
            "warnings": _list(_TEXT),
            "approved_at": _TEXT,
            "redriven_at": _TEXT,
            "mail": {"enum": ["", "AGAIN", "SENDING", "SENT", "UNSURE"]},
            "views": {"enum": ["", "AGAIN", "RENDERED", "FAILED"]},
            "source": _TEXT,
            "annotations": _list(_object({"text": _TEXT, "time": _TIME})),
        }
    )


def _health() -> dict[str, Any]:
    last_run = _object({"run_id": _TIME, "state": {"enum": [state.value for state in State]}, "reason": _TEXT})
    feed = _object({"last_run_id": _TIME, "changed_run_id": _TIME})
    return _object(
        {
            "status": {"enum": ["ok", "empty", "rendering", "behind", "ahead"]},
            "head": _or_null(_TIME),
            "views": _or_null(_TIME),
            "rows": _COUNT,
            "newest_date": _or_null(_DATE),
            "last_run": _or_null(last_run),
            "next_run_due": _or_null(_TIME),
            "feeds": {"type": "object", "additionalProperties": feed},
            "notice": _TEXT,
            "version": _TEXT,
        }
    )


def _dataset() -> dict[str, Any]:
    """Its measures are its own, and so are its numbers' names."""
    number = _or_null({"type": "number"})
    measure = _object({"name": _TEXT, "label": _TEXT, "kind": _TEXT, "unit": _TEXT, "decimals": _COUNT})
    state = {"enum": [state.value for state in State]}
    return _object(
        {
            "name": _TEXT,
            "title": _TEXT,
            "description": _TEXT,
            "path": _TEXT,
            "period": {"enum": [period.value for period in Period]},
            "series": _or_null(_TEXT),
            "measures": _list(measure),
            "credits": _list(_TEXT),
            "head": _or_null(_TIME),
            "rows": _COUNT,
            "newest_date": _or_null(_DATE),
            "latest": {"type": "object", "additionalProperties": _or_null({"type": ["number", "string"]})},
            "increments": {"type": "object", "additionalProperties": number},
            "last_run": _or_null(_object({"run_id": _TIME, "state": state, "reason": _TEXT})),
            "next_run_due": _or_null(_TIME),
        }
    )


def _problem() -> dict[str, Any]:
    """RFC 9457; further members say what of the request it is about."""
    members = {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}
    about = {"parameter": _TEXT, "value": _TEXT}
    return _object(members | about, optional=about) | {"additionalProperties": True}
