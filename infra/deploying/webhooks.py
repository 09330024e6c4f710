"""Webhooks of a stage: `[[webhook]]` in its file, each a stack from one template."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infra.errors import CommandFailed

KINDS = ("committed", "unchanged", "rejected", "superseded", "incomplete", "failed")
"""How a run may end."""
_USUAL = ("committed", "rejected", "incomplete", "failed")
FORMATS = ("event", "slack", "teams")
HOURS = (1, 2, 3, 6, 12, 24)
"""After which EventBridge may give up; infra/webhook.yaml has them in seconds."""
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """One receiver of events."""

    name: str
    """Unique in the stage."""
    url: str = field(repr=False)
    """https; of some receivers it is the secret itself."""
    secret: str = field(repr=False)
    """The value of the header by which the receiver knows who sends."""
    header: str = "X-Webhook-Secret"
    events: tuple[str, ...] = _USUAL
    """Of `KINDS`."""
    datasets: tuple[str, ...] = ()
    """Names; all of the stage's where there is none."""
    format: str = "event"
    """Of `FORMATS`."""
    rate_per_second: int = 1
    give_up_after_hours: int = 24
    """Of `HOURS`."""

    def stack(self, stage: str) -> str:
        return f"covid-stats-{stage}-webhook-{self.name}"

    def parameters(self, *, datasets: Sequence[str]) -> dict[str, str]:
        """Of the template; `datasets` are the stage's."""
        return {
            "Name": self.name,
            "Url": self.url,
            "Header": self.header,
            "Secret": self.secret,
            "Kinds": ",".join(f"Run {kind.capitalize()}" for kind in self.events),
            "Datasets": ",".join(self.datasets or datasets),
            "Format": self.format,
            "RatePerSecond": str(self.rate_per_second),
            "GiveUpAfterHours": str(self.give_up_after_hours),
        }


def read_webhooks(tables: object, *, file: str) -> tuple[Webhook, ...]:
    """Of a stage's file. Raises CommandFailed that names file, webhook, key and what is allowed."""
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise CommandFailed(f"{file}: webhook is no table of its own; write [[webhook]]")
    found = tuple(_read(table, file=file) for table in tables)
    for name in {one.name for one in found}:
        if sum(one.name == name for one in found) > 1:
            raise CommandFailed(f"{file}: two webhooks are named {name!r}; a name is there once")
    return found


def _read(table: Mapping[str, Any], *, file: str) -> Webhook:
    where = f"{file}, webhook {str(table.get('name', ''))[:40]!r}"
    known = Webhook.__dataclass_fields__.keys()
    if unknown := sorted(set(table) - known):
        raise CommandFailed(f"{where} has {', '.join(unknown)}; allowed are {', '.join(known)}")
    if missing := [key for key in ("name", "url", "secret") if not table.get(key)]:
        raise CommandFailed(f"{where} has no {' and no '.join(missing)}")
    values: dict[str, Any] = {
        key: tuple(map(str, value)) if isinstance(value, list) else value for key, value in table.items()
    }
    webhook = Webhook(**values)
    for key, is_right, allowed in _rules(webhook):
        if not is_right:
            shown = "" if key in ("url", "secret") else f" is {getattr(webhook, key)!r}"
            raise CommandFailed(f"{where}: {key}{shown}; allowed: {allowed}")
    return webhook


def _rules(webhook: Webhook) -> list[tuple[str, bool, str]]:
    """(key, whether its value will do, what is allowed)."""
    address = urlsplit(str(webhook.url))
    return [
        ("name", _matches(_NAME, webhook.name), "1 to 16 of a-z and 0-9, a letter first"),
        ("url", address.scheme == "https" and bool(address.hostname), "an https:// address"),
        ("secret", isinstance(webhook.secret, str) and webhook.secret.isprintable(), "printable text"),
        ("header", _matches(_HEADER, webhook.header), "the name of a header"),
        ("events", bool(webhook.events) and set(webhook.events) <= set(KINDS), ", ".join(KINDS)),
        ("datasets", isinstance(webhook.datasets, tuple), "a list of names"),
        ("format", webhook.format in FORMATS, ", ".join(FORMATS)),
        ("rate_per_second", _is_whole(webhook.rate_per_second, most=300), "1 to 300"),
        ("give_up_after_hours", webhook.give_up_after_hours in HOURS, ", ".join(map(str, HOURS))),
    ]


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_whole(value: object, *, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
