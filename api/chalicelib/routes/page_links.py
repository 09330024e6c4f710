"""The link to the page behind one (RFC 8288), relative to the address that was asked for."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote


def next_link(path: str, values: Mapping[str, Any], *, safe: str = "") -> dict[str, str]:
    """As a header. `values` are the parameters, those that are None left out; `safe` stays as it is in them."""
    query = "&".join(f"{name}={quote(str(value), safe=safe)}" for name, value in values.items() if value is not None)
    return {"Link": f'<{path}?{query}>; rel="next"'}
