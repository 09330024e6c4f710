"""What an operator writes down about a run or a date, for readers: why a number is as it is."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.runs.merge_tools import Tools
from shared.errors import EventMalformed
from shared.events import member
from shared.ledger.items import Annotation
from shared.printing import without_controls
from shared.runs import parse_time
from shared.sizes import DETAIL

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_note(event: Mapping[str, Any], *, time: str) -> Annotation:
    """From the event of a command: `text`, and `run_id`, or `date` and perhaps `series`.

    Raises EventMalformed, naming what is wrong.
    """
    text = " ".join(without_controls(str(member(event, "text"))).split())
    if not text or len(text.encode()) > DETAIL:
        raise EventMalformed(f"text has {len(text.encode())} bytes; 1 to {DETAIL} are allowed")
    run_id, date, series = (str(event.get(name) or "") for name in ("run_id", "date", "series"))
    if bool(run_id) == bool(date) or (series and not date):
        raise EventMalformed("a note is about a run or a date, one of the two, and about a series with its date alone")
    if run_id:
        parse_time(run_id)
        return Annotation(about=run_id, text=text, time=time)
    if not _DATE.fullmatch(date) or not _exists(date):
        raise EventMalformed(f"date is {date[:60]!r}; a date such as 2020-10-05 is allowed")
    return Annotation(about=f"{date} {series}".strip(), text=text, time=time)


def write_down(note: Annotation, tools: Tools) -> dict[str, Any]:
    """The answer says what the note is about. Raises UnknownRun."""
    state = "" if note.date else tools.ledger.get(note.about).state.value
    tools.ledger.annotate(note)
    run_id = "" if note.date else note.about
    return {"run_id": run_id, "about": note.about, "state": state, "reason": "", "fetch": False}


def _exists(date: str) -> bool:
    try:
        dt.date.fromisoformat(date)
    except ValueError:
        return False
    return True
