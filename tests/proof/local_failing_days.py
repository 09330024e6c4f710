"""Random days in the local cloud, where deployed functions and their calls fail all the time: nothing may be lost."""

import contextlib
import datetime as dt
import json
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from infra.deploying.deployed import FunctionFailed
from infra.local.chain import Chain
from infra.local.local_cloud import LocalCloud
from infra.local.local_system import deployed_chain
from infra.operating.approve_redrive import operate
from infra.services import find_service
from infra.waiting import Overdue, wait_for
from shared.attributes import from_item
from shared.runs import ENDED_BADLY, MAILED, Run, State, run_id_at
from tests.cloud.stage_days import JHU, NYT, Days, rows_upto
from tests.proof.findings import Lost, Twice

PROGRAM = Path(__file__).with_name("failing_ministack.py")
SHARES = (0.05, 0.1, 0.2)
"""Of invocations, and of calls: one of them for each day."""
_LEASE_SECONDS = 15
"""In place of sixteen minutes: a merge of these days takes a second or two."""
_PATIENCE = 6.0
"""Seconds until the watch looks, which in life looks an hour later."""
_MOST_WATCHES = 12
_MOST_MAILS = 3
"""About one end of a run: two without an answer, and one that an operator asks for."""


@contextlib.contextmanager
def failing_chain() -> Iterator[tuple[Chain, LocalCloud]]:
    """A stage with a first load, in a local cloud whose failures are off."""
    settings = {"FETCH_TIMEOUT_SECONDS": "2", "FETCH_ATTEMPTS": "1"}
    with (
        LocalCloud(auth=True, program=PROGRAM) as cloud,
        deployed_chain("failing", cloud=cloud, settings=settings, report=lambda _: None) as chain,
    ):
        _shorten_leases(chain)
        yield chain, cloud


def live_through_local_failures(
    chain: Chain, cloud: LocalCloud, random: Random, *, days: Days, number: int, seen: Counter[str]
) -> None:
    """So many days with failures and a calm one, then nothing may be amiss. `seen` counts. Raises what it found."""
    run_ids = [_lead_a_day(chain, cloud, random, days) for _ in range(number)]
    seen |= Counter(fail(cloud, share=0))
    last = _bring_to_an_end(chain, run_ids[-1])
    calm = days.next()
    done = chain.carry(calm)
    if done.problem or done.run.state is not State.COMMITTED:
        raise Lost(f"the calm day {calm.fetch_at} is {done.run.state} after {last}: {done.problem}")
    seen["days"] += number + 1
    mails = chain.mailbox.read()
    _hold_rows(chain, rows_upto(calm))
    runs = [chain.stage.ledger.get(run_id) for run_id in run_ids]
    seen.update(f"runs {run.state}" for run in runs)
    _hold_mails(runs, [*mails, *done.mails])


def fail(cloud: LocalCloud, *, share: float) -> dict[str, int]:
    """From now on this share of invocations and calls; how many have failed since the cloud was started."""
    body = json.dumps({"share": share}).encode()
    request = urllib.request.Request(f"{cloud.endpoint}/_failures", data=body, method="PUT")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=10) as reply:
        counts: dict[str, int] = json.load(reply)
        return counts


def _shorten_leases(chain: Chain) -> None:
    merger, client = find_service("merger"), chain.stage.client("lambda")
    for function in merger.functions:
        name = merger.function_name(function, stage=chain.stage.name)
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        changed = variables | {"LEASE_SECONDS": str(_LEASE_SECONDS)}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": changed})


def _lead_a_day(chain: Chain, cloud: LocalCloud, random: Random, days: Days) -> str:
    """The id of its run."""
    day = days.next(without=random.choice([(), (), (), (NYT,), (JHU,)]))
    chain.feeds.publish(day.read(), at=dt.datetime.fromisoformat(day.fetch_at))
    fail(cloud, share=random.choice(SHARES))
    with contextlib.suppress(FunctionFailed):
        chain.fetch(day.fetch_at)
    for hour in range(random.choice([1, 2, 3])):
        with contextlib.suppress(Overdue):
            wait_for(lambda: _is_over(chain, day.fetch_at), seconds=_PATIENCE, what=f"run {day.fetch_at} is over")
        _watch(chain, day.fetch_at, hours=hour + 1)
    return day.fetch_at


def _watch(chain: Chain, run_id: str, *, hours: float) -> None:
    with contextlib.suppress(FunctionFailed):
        chain.watch(run_id_at(dt.datetime.fromisoformat(run_id) + dt.timedelta(hours=hours)))


def _is_over(chain: Chain, run_id: str) -> bool:
    found = {run.run_id: run for run in chain.stage.ledger.newest_first()}
    return run_id in found and found[run_id].state.ended and not _is_due(found[run_id])


def _is_due(run: Run) -> bool:
    """Whether its mail or its views are yet to come, as far as they come by themselves."""
    views = run.state is State.COMMITTED and run.views != "RENDERED"
    return views or (run.state in MAILED and run.mail not in ("SENT", "UNSURE"))


def _bring_to_an_end(chain: Chain, last: str) -> str:
    """The watch looks hour by hour, for as long as leases last, until nothing is open; in words what was left."""
    for hour in range(_MOST_WATCHES):
        _watch(chain, last, hours=4 + hour)
        with contextlib.suppress(Overdue):
            wait_for(lambda: not _left(chain), seconds=_LEASE_SECONDS, what="all is over")
            break
    if left := _left(chain):
        raise Lost(f"after {_MOST_WATCHES} watches without failures: {left}")
    for run in chain.stage.ledger.newest_first():
        if run.mail == "UNSURE" and run.run_id == chain.stage.ledger.head().head:
            operate(chain.stage, "resend", run.run_id, report=lambda _: None, seconds=30)
    return last


def _left(chain: Chain) -> list[str]:
    runs = [run for run in chain.stage.ledger.newest_first() if not run.state.ended or _is_due_now(run, chain)]
    notices = [f"{it.kind} {it.about}: {it.mail or 'not mailed'}" for it in chain.unmailed_notices()]
    return [*(f"{run.run_id} {run.state}, mail {run.mail}, views {run.views}" for run in runs), *notices]


def _is_due_now(run: Run, chain: Chain) -> bool:
    """Views of a run that is not the head's any more are never asked for."""
    if run.run_id == chain.stage.ledger.head().head:
        return _is_due(run)
    return run.state in MAILED and run.mail not in ("SENT", "UNSURE")


def _hold_rows(chain: Chain, wanted: list[dict[str, object]]) -> None:
    assert json.loads(chain.stage.get_table("/data")) == wanted, "what is served"
    table = chain.stage.settings["OBSERVATIONS_TABLE"]
    pages = chain.stage.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    items: list[dict[str, Any]] = [from_item(item) for page in pages for item in page["Items"]]
    names = list(wanted[0])
    stored = sorted(({name: item[name] for name in names} for item in items), key=lambda row: row["date"])
    assert stored == wanted, "what is stored"


def _hold_mails(runs: list[Run], mails: list[Any]) -> None:
    """Each commit and each bad end that stands is mailed about, and nothing more than three times."""
    texts = [f"{mail.kind} {mail.subject} {' '.join(mail.body.split())}" for mail in mails]
    for run in runs:
        kind = "digest" if run.state is State.COMMITTED else "failure"
        about = sum(bool(re.search(rf"^{kind} .*run {re.escape(run.run_id)}", text)) for text in texts)
        if not about and (run.state is State.COMMITTED or run.state in ENDED_BADLY) and run.mail != "UNSURE":
            raise Lost(f"run {run.run_id} is {run.state}, its mail {run.mail}, and none came")
        if kind == "digest" and about > _MOST_MAILS:
            raise Twice(f"{about} digests of run {run.run_id}")


def days_for(seconds: float, *, seed: str, seen: Counter[str]) -> None:
    """Lives of five days until the seconds are over, one at least."""
    with failing_chain() as (chain, cloud):
        days, began, random = Days(), time.monotonic(), Random(seed)
        chain.carry(days.first_load())
        while not seen["lives"] or time.monotonic() - began < seconds:
            live_through_local_failures(chain, cloud, random, days=days, number=5, seen=seen)
            seen["lives"] += 1
