"""A mail, and what is the same on every mail of a deployment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chalicelib.plain_text import within
from shared.dataset import Dataset
from shared.exact import Number
from shared.printing import without_controls
from shared.wording import ascii_line, shorten

MOST_BYTES = 250_000
"""SNS takes 256 KB, attributes included."""
_MOST_SUBJECT = 99
_MOST_TITLE = 32
_PRODUCTION = "prod"


type MailKind = Literal["digest", "failure", "stale"]
"""The message attribute by which readers and operators are told apart."""

type Attribute = str | Number | Sequence[str]
"""A text, a number or a list of texts."""

FIGURES = ("new_dates", "largest_revision_percent", "warnings")
"""Message attributes that are numbers; 0 where a mail is no digest."""
_LARGEST_FIGURE = 999_999_999
"""SNS compares numbers up to 10^9 in size."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail, as it is published."""

    kind: MailKind
    subject: str
    """One line of ASCII, under 100 characters: SNS takes no other."""
    body: str
    attributes: Mapping[str, Attribute]
    """What a subscriber's filter policy can choose by; see `FIGURES` for the numbers among them."""

    def __post_init__(self) -> None:
        if not (self.subject.isascii() and self.subject.isprintable() and 0 < len(self.subject) < 100):
            raise ValueError(f"subject {self.subject!r} is not one line of ASCII under 100 characters")


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """What is the same on every mail of a deployment."""

    stage: str
    dataset: Dataset
    dashboard_url: str = ""
    """Without a slash at its end; empty where there is none, and then there are no links."""

    notice: str = ""
    """What the operator wants every reader to know; empty where there is nothing."""
    alone: bool = True
    """Whether it is the stage's only dataset; else subjects and commands name it."""

    def subject(self, text: str) -> str:
        """The stage stands first, but for production: a glance shows whether it is serious."""
        return shorten(ascii_line(f"{self._prefix}{text}"), _MOST_SUBJECT)

    def fits(self, text: str) -> bool:
        """Whether a subject shows the whole text."""
        return len(ascii_line(f"{self._prefix}{text}")) <= _MOST_SUBJECT

    @property
    def _prefix(self) -> str:
        stage = "" if self.stage == _PRODUCTION else f"[{self.stage}] "
        return f"{stage}{'covid-stats' if self.alone else shorten(self.dataset.title, _MOST_TITLE)}: "

    def link(self, path: str) -> str:
        return f"{self.dashboard_url}{path}" if self.dashboard_url else ""

    def command(self, name: str, run_id: str = "") -> str:
        """A line to type, about a run where one is named."""
        words = ["make", name, f"RUN={run_id}" if run_id else "", f"STAGE={self.stage}"]
        return " ".join(filter(None, [*words, "" if self.alone else f"DATASET={self.dataset.name}"]))

    def links(self, links: Mapping[str, str]) -> str:
        """A line for each link that there is (title -> address), the dashboard last."""
        shown = dict(links) | {"Dashboard": self.link("/")}
        return "\n".join(f"{title}: {url}" for title, url in shown.items() if url)

    def signature(self) -> str:
        return f"covid-stats, stage {self.stage}, dataset {self.dataset.name}"

    def mail(
        self,
        kind: MailKind,
        subject: str,
        blocks: Iterable[str],
        *,
        figures: Mapping[str, Number] | None = None,
        series: Sequence[str] = (),
    ) -> Mail:
        """A mail of these blocks, empty ones left out; cut at the end of a line where SNS would not take it."""
        shown = [ascii_line(self.notice), *blocks]
        body = without_controls("\n\n".join(block for block in shown if block)) + "\n"
        numbers = {name: min((figures or {}).get(name, 0), _LARGEST_FIGURE) for name in FIGURES}
        return Mail(
            kind=kind,
            subject=self.subject(subject),
            body=within(body, MOST_BYTES),
            attributes={
                "kind": kind,
                "stage": self.stage,
                "dataset": self.dataset.name,
                **numbers,
                **({"series": [without_controls(name) for name in series]} if series else {}),
            },
        )


def page_address(dashboard_url: str, dataset: str, *, alone: bool) -> str:
    """Of a dataset's page: the dashboard's own where it is alone, else below it; empty where there is none."""
    base = dashboard_url.rstrip("/")
    return base if alone or not base else f"{base}/{dataset}"
