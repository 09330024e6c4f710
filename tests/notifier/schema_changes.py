"""What a change of the events' schema would break for those who read events by the schema as it was."""

from collections.abc import Iterator, Mapping
from typing import Any


def breaks(old: Mapping[str, Any], new: Mapping[str, Any], *, at: str = "detail") -> Iterator[str]:
    """Each way in which an event that keeps to `new` may not keep to `old`; nothing where members were added only."""
    for name in set(old.get("required", ())) - set(new.get("required", ())):
        yield f"{at}.{name} need not be there any more"
    if types := _types(new) - _types(old):
        yield f"{at} may be {' or '.join(sorted(types))}"
    if values := {str(it) for it in _values(new)} - {str(it) for it in _values(old)}:
        yield f"{at} may be {' or '.join(sorted(values))}"
    if _values(old) and not _values(new):
        yield f"{at} may be anything"
    for name, schema in old.get("properties", {}).items():
        found = new.get("properties", {}).get(name)
        if found is None:
            yield f"{at}.{name} is gone"
        else:
            yield from breaks(schema, found, at=f"{at}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(old.get(name), Mapping):
            yield from breaks(old[name], new.get(name, {}), at=f"{at}.{name}")


_ANY = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    if "type" not in schema:
        return _ANY if not _values(schema) else frozenset()
    found = schema["type"]
    listed = frozenset({found} if isinstance(found, str) else found)
    return listed | ({"integer"} if "number" in listed else frozenset())


def _values(schema: Mapping[str, Any]) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
