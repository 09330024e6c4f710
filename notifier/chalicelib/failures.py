"""Mails about what went wrong: a run that ended badly, a run that never began, a feed that stands still."""

from chalicelib.letterhead import Letterhead, Mail
from chalicelib.plain_text import one_line, section
from shared.dataset import Dataset, Join
from shared.ledger.items import Head, Notice
from shared.number_words import counted
from shared.runs import Delivery, Run, State
from shared.wording import sentence


def failure(run: Run, *, head: Head, letterhead: Letterhead) -> Mail:
    """Why a run ended badly, what that means and what can be done."""
    dataset = letterhead.dataset
    troubled = _troubled_feeds(run, dataset=dataset)
    blocks = [
        f"Run {run.run_id} ended {run.state}: {_what_happened(run)}.",
        section("Reason", [sentence(one_line(run.reason or "none was given"))]),
        section("Feeds", [_feed_line(run, feed.name, troubled, dataset=dataset) for feed in dataset.feeds]),
        section("Meanwhile", [f"None of it is served; the files that arrived are kept. {_served(head)}"]),
        section("What to do", _what_to_do(run, letterhead)),
        letterhead.links({"This run": letterhead.link(f"/runs/{run.run_id}")}),
        letterhead.signature(),
    ]
    feeds = f", {'feed' if len(troubled) == 1 else 'feeds'} {' and '.join(troubled)}" if troubled else ""
    kind = f" ({run.rejected_by})" if run.rejected_by else ""
    return letterhead.mail("failure", f"run {run.run_id} {run.state}{kind}{feeds}", blocks)


def notice_mail(notice: Notice, *, head: Head, letterhead: Letterhead) -> Mail:
    """A feed that stands still, or a failure that is not the end of a run."""
    if notice.kind == "stale":
        return _stale(notice, letterhead=letterhead)
    blocks = [
        sentence(one_line(notice.text)),
        section("Meanwhile", [_served(head)]),
        section("What to do", _what_to_do_about(notice, letterhead)),
        letterhead.links({}),
        letterhead.signature(),
    ]
    return letterhead.mail("failure", notice.text.partition(": ")[0], blocks)


def _stale(notice: Notice, *, letterhead: Letterhead) -> Mail:
    feed = letterhead.dataset.feed(str(notice.details["feed"]))
    since, days = str(notice.details["since"])[:10], int(str(notice.details["days"]))
    shown = (
        "A date is shown once every feed has it, so no newer dates come until these rows change."
        if letterhead.dataset.join is Join.INNER
        else "Dates that the other feeds have are shown without its numbers."
    )
    means = (
        "Nothing is wrong with the runs: they go on, with this feed as it was, whatever else of its file changes."
        f" {shown} The digest that follows the change says so."
    )
    blocks = [
        f"The used rows of feed {feed.name} ({feed.title}) stand still since {since}, for {counted(days, 'day')}.",
        section("What it means", [means]),
        section("Where it comes from", [str(notice.details.get("source_url", feed.url))]),
        letterhead.links({}),
        letterhead.signature(),
    ]
    return letterhead.mail("stale", f"feed {feed.name} stands still since {since}, {counted(days, 'day')}", blocks)


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
    mark = "*" if name in troubled else "-"
    delivered = _delivered(run.deliveries.get(name), arrived=name in run.arrived)
    return f"{mark} {name} ({dataset.feed(name).title}) {delivered}"


def _delivered(delivery: Delivery | None, *, arrived: bool) -> str:
    if not arrived:
        return f"did not arrive: {delivery.reason}" if delivery is not None and delivery.reason else "did not arrive"
    if delivery is None or delivery.status == "failed":
        return "arrived"
    unchanged = ", the same as before" if delivery.status == "same" else ""
    return f"arrived: {counted(delivery.bytes, 'byte')}{unchanged}" + (
        f", from {delivery.source_url}" if delivery.source_url else ""
    )


def _served(head: Head) -> str:
    if not head.head:
        return "No run was committed yet, so nothing is served."
    return f"The last good run, {head.head}, stays served: {counted(head.rows, 'row')}, newest date {head.newest}."


def _what_to_do(run: Run, letterhead: Letterhead) -> list[str]:
    redrive = letterhead.command("redrive", run.run_id)
    if run.rejected_by == "gate":
        return [
            "If the change is right, let it pass, once (this works until a newer run is committed):",
            f"  {letterhead.command('approve', run.run_id)}",
        ]
    if run.state is State.INCOMPLETE:
        return ["The next run makes up for it. To fetch what is missing now:", f"  {redrive}"]
    if run.state is State.REJECTED:
        return [
            "Once the feed is mended, the next run makes up for it. To try this run's files again, after a change of"
            " the rules they are held to:",
            f"  {redrive}",
            "To fetch the feeds anew now, as a run of its own:",
            f"  {letterhead.command('start')}",
        ]
    return ["To try again, with the files that are kept:", f"  {redrive}"]


def _what_to_do_about(notice: Notice, letterhead: Letterhead) -> list[str]:
    if run_id := notice.details.get("resend"):
        return ["To send it once more:", f"  {letterhead.command('resend', str(run_id))}"]
    if notice.details.get("superseded_by"):
        return [
            "Until its time has come, no newer data are served. To go back to how the stage was before it"
            " (infra/docs/restore.md):",
            f"  {letterhead.command('restore')} TIME=...",
        ]
    status = f"  {letterhead.command('status')}"
    if notice.about.startswith("unreadable#"):
        return ["All else goes on without it. To see how things are:", status]
    return ["The next run makes up for it. To see how things are:", status]
