"""A mail, and what is the same on every mail of a deployment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib.plain_text import within, wrapped
from shared.dataset import Dataset
from shared.printing import without_controls
from shared.wording import ascii_line, shorten

MOST_BYTES = 250_000
"""SNS takes 256 KB, attributes included."""
_MOST_SUBJECT = 99
_PRODUCTION = "prod"


type MailKind = Literal["digest", "failure", "stale"]
"""The message attribute by which a subscriber can filter."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail, as it is published."""

    kind: MailKind
    subject: str
    """One line of ASCII, under 100 characters: SNS takes no other."""
    body: str

    def __post_init__(self) -> None:
        if not (self.subject.isascii() and self.subject.isprintable() and 0 < len(self.subject) < 100):
            raise ValueError(f"subject {self.subject!r} is not one line of ASCII under 100 characters")


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """What is the same on every mail of a deployment."""

    stage: str
    dataset: Dataset
    alone: bool = True
    """Whether the stage has no other dataset: mails and commands need not name it then."""
    dashboard_url: str = ""
    """Of the dataset's page, without a slash at its end; empty where there is none, and then there are no links."""

    notice: str = ""
    """What the operator wants every reader to know; empty where there is nothing."""

    def subject(self, text: str) -> str:
        """The stage stands first, but for production: a glance shows whether it is serious."""
        prefix = "" if self.stage == _PRODUCTION else f"[{self.stage}] "
        about = "covid-stats" if self.alone else self.dataset.name
        return shorten(ascii_line(f"{prefix}{about}: {text}"), _MOST_SUBJECT)

    def link(self, path: str) -> str:
        return f"{self.dashboard_url}{path}" if self.dashboard_url else ""

    def command(self, name: str, run_id: str = "") -> str:
        """What an operator types, about a run where one is named."""
        words = ["make", name, f"RUN={run_id}" if run_id else "", f"STAGE={self.stage}"]
        return " ".join(filter(None, [*words, "" if self.alone else f"DATASET={self.dataset.name}"]))

    def links(self, links: Mapping[str, str]) -> str:
        """A line for each link that there is (title -> address), the dashboard last."""
        shown = dict(links) | {"Dashboard": self.link("/")}
        return "\n".join(f"{title + ':':<17}{url}" for title, url in shown.items() if url)

    def signature(self) -> str:
        return f"covid-stats, stage {self.stage}, dataset {self.dataset.name}"

    def mail(self, kind: MailKind, subject: str, blocks: Iterable[str]) -> Mail:
        """A mail of these blocks, empty ones left out; cut at the end of a line where SNS would not take it."""
        shown = [wrapped(ascii_line(self.notice)) if self.notice else "", *blocks]
        body = without_controls("\n\n".join(block for block in shown if block)) + "\n"
        return Mail(kind=kind, subject=self.subject(subject), body=within(body, MOST_BYTES))


def page_address(dashboard_url: str, dataset: str, *, alone: bool) -> str:
    """Of a dataset's page: the dashboard's own where it is alone, else below it; empty where there is none."""
    base = dashboard_url.rstrip("/")
    return base if alone or not base else f"{base}/{dataset}"
