"""Mail about what a batch of ledger records says, each by itself: one that fails neither blocks nor hides another.

Once per occasion: a mail is claimed on the ledger item, published, and marked. Where SNS refuses it, it is tried again
as often as the stream does, and then by the watch, every hour. Where nobody learns whether it is out (the answer is
lost, or the invocation dies between claiming and marking) it is published once more, so that it comes twice at most;
after that it is UNSURE, which a notice tells the operator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.digests import digest
from chalicelib.failures import failure, notice_mail
from chalicelib.letterhead import Letterhead, Mail
from chalicelib.mail_triggers import Occasion, occasion
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
    now_ms: Callable[[], int]
    """Wall-clock milliseconds since 1970; only for leases."""


def mail_batch(event: object, *, using: Callable[[str], Mailer], line: Line) -> dict[str, Any]:
    """Handle a stream event, each record with the mailer of its dataset.

    Gives the partial batch response `{"batchItemFailures": [{"itemIdentifier": ...}]}`.
    A malformed record is in it like one that failed for a moment: the platform's finite retries and its dead-letter
    queue are where it comes to rest. Raises EventMalformed for what is no batch, or a record that cannot be named.
    """
    sent, failures, errors = list[str](), list[dict[str, str]](), list[Exception]()
    runs = dict[tuple[str, str], str]()
    for record in stream_records(event):
        try:
            mailer = using(ledger_dataset(record))
            about = occasion(record, dataset=mailer.letterhead.dataset)
            if about is not None:
                key = (mailer.letterhead.dataset.name, about.run_id)
                runs |= {key: about.subject.state if isinstance(about.subject, Run) else ""}
                sent += _mail_about(about, owner=sequence_number(record), using=mailer)
        except Exception as error:
            errors.append(error)
            failures.append({"itemIdentifier": _name(record)})
    _observe(line, runs=runs, sent=sent, errors=errors)
    if {"itemIdentifier": ""} in failures:
        raise EventMalformed(f"a record has no sequence number: {errors[0]}")
    return {"batchItemFailures": failures}


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
            using.ledger.mark_mailed(about.key, owner=owner, mail="UNSURE")
            return []
        _publish(mail, about, owner=owner, using=using)
        using.ledger.mark_mailed(about.key, owner=owner)
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


def _observe(line: Line, *, runs: dict[tuple[str, str], str], sent: list[str], errors: list[Exception]) -> None:
    ended = {key: state for key, state in runs.items() if state}
    line.bind(dataset=" ".join(dict.fromkeys(dataset for dataset, _ in runs)))
    line.bind(run_id=" ".join(run_id for _, run_id in ended), state=" ".join(ended.values()), mails=" ".join(sent))
    if errors:
        line.bind(
            outcome=type(errors[0]).__name__, error="; ".join(f"{type(error).__name__}: {error}" for error in errors)
        )
    line.measure("Count", mails_sent=len(sent), records_failed=len(errors))
