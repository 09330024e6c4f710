"""The filters of the stream consumers, as the templates declare them: the system is tested with what they let pass."""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.deploying.templates import load_template

_FRAGMENTS = Path(__file__).parents[2] / "infra" / "fragments"


@functools.cache
def stream_filter(service: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a record reaches the service's stream consumer."""
    template = load_template((_FRAGMENTS / f"{service}.yaml").read_text())
    patterns = [json.loads(text) for text in _patterns(template["Resources"])]
    return lambda record: any(_matches(pattern, record) for pattern in patterns)


def _patterns(resources: Mapping[str, Any]) -> list[str]:
    events = [
        event.get("Properties", {})
        for resource in resources.values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
    ]
    return [found["Pattern"] for event in events for found in event.get("FilterCriteria", {}).get("Filters", [])]


def _matches(pattern: Any, value: Any) -> bool:
    """EventBridge's rules, as far as the templates use them: nested objects, lists of allowed values, `exists`."""
    if isinstance(pattern, dict):
        return all(
            _matches(wanted, value.get(name)) if isinstance(value, Mapping) else wanted == [{"exists": False}]
            for name, wanted in pattern.items()
        )
    return any(
        (value is None) != wanted["exists"] if isinstance(wanted, dict) else wanted == value for wanted in pattern
    )
