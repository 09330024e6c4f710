"""Composing mails: plain text for a reader who has not seen the system today. Pure; what to say comes as arguments."""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.dataset import Dataset
from shared.ledger import Head, Notice
from shared.runs import Delivery, Run, State
from shared.summary import Summary
from shared.wording import WIDTH, ascii_line, changes, counts, headline, latest_rows, sentence, shorten

MOST_BYTES = 250_000
"""SNS takes 256 KB, attributes included."""
_MOST_SUBJECT = 99
_PRODUCTION = "prod"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail, as it is published."""

    kind: str
    """`digest`, `failure` or `stale`: the message attribute by which a subscriber can filter."""
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
    dashboard_url: str = ""
    """Without a slash at its end; empty where there is none, and then there are no links."""

    def subject(self, text: str) -> str:
        """The stage stands first, but for production: a glance tells whether it is serious."""
        prefix = "" if self.stage == _PRODUCTION else f"[{self.stage}] "
        return shorten(ascii_line(f"{prefix}covid-stats: {text}"), _MOST_SUBJECT)

    def link(self, path: str) -> str:
        return f"{self.dashboard_url}{path}" if self.dashboard_url else ""

    def command(self, name: str, run_id: str) -> str:
        return f"make {name} RUN={run_id} STAGE={self.stage}"


def digest(run: Run, *, letterhead: Letterhead) -> Mail:
    """What a committed run changed."""
    dataset = letterhead.dataset
    summary = Summary.from_map(run.summary)
    full = letterhead.link(f"/runs/{run.run_id}/changes")
    first = ", first load" if summary.first_load else ""
    blocks = [
        headline(run),
        _wrapped(f"{dataset.title}, run {run.run_id}."),
        _section(_latest_title(summary), latest_rows(summary, dataset=dataset)),
        *_changes(run, summary, dataset=dataset, full=full),
        _section("Warnings", map(_bullet, summary.warnings)),
        _section("Back in order", map(_bullet, summary.recovered)),
        _links(letterhead, {"Full change set": full, "This run": letterhead.link(f"/runs/{run.run_id}")}),
        "\n".join(map(_wrapped, dataset.credits)),
    ]
    latest = summary.latest.get("date", "")
    return _mail("digest", f"{counts(run)} ({latest}{first})", blocks, letterhead=letterhead)


def failure(run: Run, *, head: Head, letterhead: Letterhead) -> Mail:
    """Why a run ended badly, what that means and what can be done."""
    dataset = letterhead.dataset
    troubled = _troubled_feeds(run, dataset=dataset)
    blocks = [
        _wrapped(f"Run {run.run_id} ended {run.state}: {_what_happened(run)}."),
        _section("Reason", [_inset(sentence(run.reason or "none was given"))]),
        _section("Feeds", [_feed_line(run, feed.name, troubled, dataset=dataset) for feed in dataset.feeds]),
        _section("Meanwhile", [_inset(f"None of it is served; the files that arrived are kept. {_served(head)}")]),
        _section("What to do", _what_to_do(run, letterhead)),
        _links(letterhead, {"This run": letterhead.link(f"/runs/{run.run_id}")}),
        _signature(letterhead),
    ]
    feeds = f", feed {' and '.join(troubled)}" if troubled else ""
    kind = f" ({run.rejected_by})" if run.rejected_by else ""
    return _mail("failure", f"run {run.run_id} {run.state}{kind}{feeds}", blocks, letterhead=letterhead)


def notice_mail(notice: Notice, *, head: Head, letterhead: Letterhead) -> Mail:
    """A feed that stands still, or a failure that is not the end of a run."""
    if notice.kind == "stale":
        return _stale(notice, letterhead=letterhead)
    status = f"make status STAGE={letterhead.stage}"
    blocks = [
        _wrapped(sentence(notice.text)),
        _section("Meanwhile", [_inset(_served(head))]),
        _section("What to do", ["The next run makes up for it. To see how things are:", f"  {status}"]),
        _links(letterhead, {}),
        _signature(letterhead),
    ]
    return _mail("failure", notice.text.partition(": ")[0], blocks, letterhead=letterhead)


def _stale(notice: Notice, *, letterhead: Letterhead) -> Mail:
    feed = letterhead.dataset.feed(str(notice.details["feed"]))
    since, days = str(notice.details["since"])[:10], notice.details["days"]
    means = (
        "Nothing is wrong with the runs: they go on, with this feed as it was. A date is shown once every feed has it,"
        " so no newer dates come until this feed changes. The digest that follows the change says so."
    )
    blocks = [
        _wrapped(f"Feed {feed.name} ({feed.title}) has published the same file since {since}, for {days} days."),
        _section("What it means", [_inset(means)]),
        _section("Where it comes from", [feed.url]),
        _links(letterhead, {}),
        _signature(letterhead),
    ]
    return _mail("stale", f"feed {feed.name} unchanged since {since}, {days} days", blocks, letterhead=letterhead)


def _mail(kind: str, subject: str, blocks: Iterable[str], *, letterhead: Letterhead) -> Mail:
    body = "\n\n".join(block for block in blocks if block) + "\n"
    return Mail(kind=kind, subject=letterhead.subject(subject), body=_within(body, MOST_BYTES))


def _within(body: str, most_bytes: int) -> str:
    """The body, cut at the end of a line where it is too long for a message."""
    if len(body.encode()) <= most_bytes:
        return body
    note = "\n... cut here: the mail was too long\n"
    kept = body.encode()[: most_bytes - len(note)].decode(errors="ignore")
    return kept[: max(kept.rfind("\n"), 0)] + note


def _changes(run: Run, summary: Summary, *, dataset: Dataset, full: str) -> list[str]:
    if summary.first_load:
        return [_wrapped(f"This is the first load: all of the {summary.rows:,} rows are new, and none is listed.")]
    return [_section(title, lines) for title, lines in changes(run, summary, dataset=dataset, more_at=full)]


def _latest_title(summary: Summary) -> str:
    series = f", {summary.latest['series']}" if summary.latest.get("series") else ""
    return f"As of {summary.latest['date']}{series}"


def _troubled_feeds(run: Run, *, dataset: Dataset) -> list[str]:
    """The feeds that the failure is about: those that did not come, or those that the reason names."""
    names = sorted(dataset.feed_names)
    if run.state is State.INCOMPLETE:
        return [name for name in names if name not in run.arrived]
    words = run.reason.replace(",", " ").replace(":", " ").split()
    return [name for name in names if name in words]


def _what_happened(run: Run) -> str:
    match run.state, run.rejected_by:
        case State.INCOMPLETE, _:
            return "while it was collecting, a feed did not arrive in time"
        case State.REJECTED, "gate":
            return "while it was merging, the change to the last committed run was beyond what is allowed"
        case State.REJECTED, _:
            return "while it was merging, a feed did not keep its contract"
    return "while it was merging, its attempts were used up"


def _feed_line(run: Run, name: str, troubled: list[str], *, dataset: Dataset) -> str:
    mark = "*" if name in troubled else " "
    said = run.deliveries.get(name)
    return f"{mark} {name} ({dataset.feed(name).title})\n" + textwrap.indent(
        _wrapped(_delivered(said, arrived=name in run.arrived), width=WIDTH - 6), "    "
    )


def _delivered(said: Delivery | None, *, arrived: bool) -> str:
    if not arrived:
        return f"did not arrive: {said.reason}" if said is not None and said.reason else "did not arrive"
    if said is None or said.status == "failed":
        return "arrived"
    unchanged = ", the same as before" if said.status == "same" else ""
    return f"arrived: {said.bytes:,} bytes{unchanged}" + (f", from {said.source_url}" if said.source_url else "")


def _served(head: Head) -> str:
    if not head.head:
        return "No run was committed yet, so nothing is served."
    return f"The last good run, {head.head}, stays served: {head.rows:,} rows, newest date {head.newest}."


def _what_to_do(run: Run, letterhead: Letterhead) -> list[str]:
    redrive = letterhead.command("redrive", run.run_id)
    if run.rejected_by == "gate":
        return ["If the change is right, let it pass, once:", f"  {letterhead.command('approve', run.run_id)}"]
    if run.state is State.INCOMPLETE:
        return ["The next run makes up for it. To fetch what is missing now:", f"  {redrive}"]
    if run.state is State.REJECTED:
        return [
            "Once the feed is mended, the next run makes up for it. To try this",
            "run's files again, after a change of the rules they are held to:",
            f"  {redrive}",
        ]
    return ["To try again, with the files that are kept:", f"  {redrive}"]


def _links(letterhead: Letterhead, links: Mapping[str, str]) -> str:
    shown = dict(links) | {"Dashboard": letterhead.link("/")}
    return "\n".join(f"{title + ':':<17}{url}" for title, url in shown.items() if url)


def _signature(letterhead: Letterhead) -> str:
    return f"covid-stats, stage {letterhead.stage}, dataset {letterhead.dataset.name}"


def _section(title: str, lines: Iterable[str]) -> str:
    """A title and its lines, set in by two; nothing where there are no lines."""
    body = "\n".join(lines)
    return f"{title}\n{textwrap.indent(body, '  ')}" if body else ""


def _inset(text: str) -> str:
    """Wrapped to fit into a section."""
    return _wrapped(text, width=WIDTH - 2)


def _bullet(text: str) -> str:
    return _wrapped(sentence(text), width=WIDTH - 2, first="- ", rest="  ")


def _wrapped(text: str, *, width: int = WIDTH, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
