"""What an operator signs so that the merger can have AWS say who gave a command.

The operator's machine signs a request to STS, GetCallerIdentity, and sends it along with the command; whoever holds it
can learn from STS who signed it, and nothing else. One of its signed headers holds the command, so that it is good for
that command alone.
"""

import json
from collections.abc import Mapping
from typing import Any

HEADER = "x-covid-stats-command"
"""The signed header that binds a request to a command."""

QUERY = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
"""What is asked of STS."""

UNVERIFIED = " (unverified)"
"""Follows the name in the ledger where it is what the caller says: in a local cloud, whose STS knows one caller."""


def command_header(event: Mapping[str, Any], *, stage: str) -> str:
    """The header's value: the stage and what the event commands, as ASCII."""
    names = ("dataset", "command", "run_id", "time", *(name for name in ("date", "series", "text") if event.get(name)))
    bound = [stage, *(str(event.get(name) or "") for name in names)]
    return json.dumps(bound, separators=(",", ":"))


def sts_host(region: str) -> str:
    """STS of a region: `sts.eu-central-1.amazonaws.com`."""
    return f"sts.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
