"""Mail, and events, about what a batch of ledger records says, each by itself: none that fails blocks or hides another.

Once per occasion: a mail is claimed on the ledger item, published, and marked. Where SNS refuses it, it is tried again
as often as the stream does, and then by the watch, every hour. Where nobody learns whether it is out (the answer is
lost, or the invocation dies between claiming and marking) it is published once more, so that it comes twice at most;
after that it is UNSURE, which a notice tells the operator.

Each end of a run is an event as well, for programs, put before anything is mailed and whether or not that succeeds. It
comes at least once: what is written down behind it only spares most repetitions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.digests import digest
from chalicelib.failures import failure, notice_mail
from chalicelib.letterhead import Letterhead, Mail
from chalicelib.mail_triggers import Occasion, ended_run, occasion
from chalicelib.run_events import RunEvent, run_event
from shared.errors import AnswerLost, EventMalformed
from shared.events import ledger_dataset, sequence_number, stream_records
from shared.ledger import Ledger
from shared.ledger.items import Notice
from shared.observation import Line
from shared.runs import Run, State
from shared.tracing import follow, subsegment

MOST_PUBLISHED = 2
"""How often a mail is published of which nobody learns whether it is out: once more than once, as silence is worse."""

LEASE_MS = 60_000
"""How long a mail is claimed for, in milliseconds: the function's timeout, so who claimed it is done or dead then."""


@dataclass(frozen=True, kw_only=True)
class Mailer:
    """What mailing works with."""

    letterhead: Letterhead
    ledger: Ledger
    publish: Callable[[Mail], None]
    put_event: Callable[[RunEvent], None]
    now_ms: Callable[[], int]
    """Wall-clock milliseconds since 1970; only for leases."""


def mail_batch(event: object, *, using: Callable[[str], Mailer], line: Line) -> dict[str, Any]:
    """Handle a stream event, each record with the mailer of its dataset.

    Gives the partial batch response `{"batchItemFailures": [{"itemIdentifier": ...}]}`.
    A malformed record is in it like one that failed for a moment: the platform's finite retries and its dead-letter
    queue are where it comes to rest. Raises EventMalformed for what is no batch, or a record that cannot be named.
    """
    done = _Done()
    failures = list[dict[str, str]]()
    for record in stream_records(event):
        before = len(done.errors)
        for handle in (_announce_end, _mail_occasion):
            try:
                handle(record, using(ledger_dataset(record)), done)
            except Exception as error:
                done.errors.append(error)
        if len(done.errors) > before:
            failures.append({"itemIdentifier": _name(record)})
    errors = _different(done.errors)
    _observe(line, runs=done.runs, sent=done.sent, events=done.events, records_failed=len(failures), errors=errors)
    if {"itemIdentifier": ""} in failures:
        raise EventMalformed(f"a record has no sequence number: {errors[0]}")
    return {"batchItemFailures": failures}


@dataclass(kw_only=True)
class _Done:
    """What became of a batch so far."""

    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    """(dataset, run) -> its state; empty where the record is no end of a run."""
    sent: list[str] = field(default_factory=list)
    """Kinds of the mails."""
    events: int = 0
    errors: list[Exception] = field(default_factory=list)


def _announce_end(record: object, using: Mailer, done: _Done) -> None:
    """Notify programs of the end of a run; nothing for another record, or where it is written down that they were."""
    run = ended_run(record, dataset=using.letterhead.dataset)
    if run is None:
        return
    done.runs |= {(using.letterhead.dataset.name, run.run_id): run.state}
    with subsegment("announce", run_id=run.run_id):
        follow("merger", run.traces.get("merger", ""), state=run.state)
        try:
            found = run_event(run, letterhead=using.letterhead)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise EventMalformed(f"{run.run_id} cannot be worded: {type(error).__name__}: {error}") from error
        if using.ledger.announced(run.run_id) == found.id:
            return
        using.put_event(found)
        done.events += 1
        using.ledger.record_announced(run.run_id, end=found.id)


def _mail_occasion(record: object, using: Mailer, done: _Done) -> None:
    about = occasion(record, dataset=using.letterhead.dataset)
    if about is not None:
        key = (using.letterhead.dataset.name, about.run_id)
        done.runs |= {key: about.subject.state if isinstance(about.subject, Run) else ""}
        done.sent += _mail_about(about, owner=sequence_number(record), using=using)


def _different(errors: Sequence[Exception]) -> list[Exception]:
    """Each once: a record that cannot be read fails for the event and for the mail alike."""
    return list({f"{type(error).__name__}: {error}": error for error in errors}.values())


def _mail_about(about: Occasion, *, owner: str, using: Mailer) -> list[str]:
    """The kind of the mail that was sent; empty where it had been sent, or was of the past. Raises LeaseHeld.

    The owner is the record, not the invocation: a retry of it goes on at once, where a crash left a claim behind.
    """
    with subsegment("mail", run_id=about.run_id) as span:
        if isinstance(about.subject, Run):
            follow("merger", about.subject.traces.get("merger", ""), state=about.subject.state)
        mail = _compose(about, using=using)
        now = using.now_ms()
        claim = using.ledger.claim_mail(about.key, still=about.still, owner=owner, now=now, until=now + LEASE_MS)
        if claim is None:
            return []
        if claim.unanswered >= MOST_PUBLISHED:
            using.ledger.record_mailed(about.key, owner=owner, mail="UNSURE")
            return []
        _publish(mail, about, owner=owner, using=using)
        using.ledger.record_mailed(about.key, owner=owner)
        span.annotate(kind=mail.kind, bytes=len(mail.body))
        return [mail.kind]


def _publish(mail: Mail, about: Occasion, *, owner: str, using: Mailer) -> None:
    try:
        using.publish(mail)
    except AnswerLost:
        raise
    except Exception:
        using.ledger.publish_refused(about.key, owner=owner)
        raise


def _compose(about: Occasion, *, using: Mailer) -> Mail:
    try:
        if isinstance(about.subject, Notice):
            return notice_mail(about.subject, head=using.ledger.head(), letterhead=using.letterhead)
        if about.subject.state is State.COMMITTED:
            return digest(about.subject, letterhead=using.letterhead)
        return failure(about.subject, head=using.ledger.head(), letterhead=using.letterhead)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise EventMalformed(f"{about.key} cannot be worded: {type(error).__name__}: {error}") from error


def _name(record: object) -> str:
    """The record's sequence number; empty where it has none."""
    try:
        return sequence_number(record)
    except EventMalformed:
        return ""


def _observe(
    line: Line,
    *,
    runs: dict[tuple[str, str], str],
    sent: list[str],
    events: int,
    records_failed: int,
    errors: list[Exception],
) -> None:
    ended = {key: state for key, state in runs.items() if state}
    line.bind(dataset=" ".join(dict.fromkeys(dataset for dataset, _ in runs)))
    line.bind(run_id=" ".join(run_id for _, run_id in ended), state=" ".join(ended.values()), mails=" ".join(sent))
    if errors:
        line.bind(
            outcome=type(errors[0]).__name__, error="; ".join(f"{type(error).__name__}: {error}" for error in errors)
        )
    line.measure("Count", mails_sent=len(sent), events_sent=events, records_failed=records_failed)
