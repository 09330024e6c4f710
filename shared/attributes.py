"""Python values as DynamoDB attribute values and back.

boto3 has this as `boto3.dynamodb.types`, but importing it costs a cold start a third more (it pulls in s3transfer);
the low-level client needs only what is here: text, numbers, truth values, null, lists, maps, sets of text.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

type Value = str | int | Decimal | bool | list["Value"] | Mapping[str, "Value"] | frozenset[str] | None
type AttributeValue = dict[str, Any]


def to_attribute(value: Value) -> AttributeValue:
    """The attribute value of a Python value. Raises TypeError for any type not listed above."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case Decimal():
            return {"N": f"{value:f}"}
        case frozenset():
            return {"SS": sorted(value)}
        case list() | tuple():
            return {"L": [to_attribute(item) for item in value]}
        case Mapping():
            return {"M": to_item(value)}
    raise TypeError(f"{type(value).__name__} has no attribute value")


def from_attribute(attribute: AttributeValue) -> Any:
    """The Python value of an attribute value. Raises ValueError for binary and number sets, which are never written."""
    [(kind, value)] = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return Decimal(value) if "." in value else int(value)
        case "NULL":
            return None
        case "L":
            return [from_attribute(item) for item in value]
        case "M":
            return from_item(value)
        case "SS":
            return frozenset(value)
    raise ValueError(f"attribute of kind {kind} is not used here")


def to_item(values: Mapping[str, Value]) -> dict[str, AttributeValue]:
    return {name: to_attribute(value) for name, value in values.items()}


def from_item(item: Mapping[str, AttributeValue]) -> dict[str, Any]:
    return {name: from_attribute(attribute) for name, attribute in item.items()}
