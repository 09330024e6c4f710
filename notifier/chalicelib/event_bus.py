"""EventBridge's default bus, where other programs listen."""

from typing import Any

from chalicelib.run_events import RunEvent
from shared.errors import UpstreamUnavailable
from shared.events import SOURCE


class EventBus:
    """Puts events through a low-level EventBridge client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, event: RunEvent) -> None:
        """Raises UpstreamUnavailable where EventBridge does not take it."""
        entry = {"Source": SOURCE, "DetailType": event.kind, "Detail": event.detail}
        reply = self._client.put_events(Entries=[entry])
        if reply["FailedEntryCount"]:
            why = reply["Entries"][0].get("ErrorCode", "no reason")
            raise UpstreamUnavailable(f"EventBridge refuses {event.kind} of {event.id}: {why}")
