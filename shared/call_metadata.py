"""What the trace of an AWS call says of it: declared once, for the recorder that writes it and the tools that read it.

`status`, the table or key, and retries have places of their own in X-Ray's documents; what is here is their metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMetadata:
    """Metadata of one AWS call, or the sum of several. What is 0 or empty is left out of a trace."""

    sent: int = 0
    """Bytes of the request's body."""
    received: int = 0
    """Bytes of the response's body."""
    rows: int = 0
    """Items that a query or a scan returned."""
    code: str = ""
    """AWS's error code, such as `ConditionalCheckFailedException`."""
    reason: str = ""
    """Why there was no response at all: the exception and its message."""

    def as_mapping(self) -> dict[str, Any]:
        """Field -> value, as a trace keeps it."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}

    @classmethod
    def from_mapping(cls, metadata: Mapping[str, Any]) -> Self:
        """The call's fields among all that is known of it; what else there is, is ignored."""
        return cls(**{field.name: metadata[field.name] for field in fields(cls) if field.name in metadata})
