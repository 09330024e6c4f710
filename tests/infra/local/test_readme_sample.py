"""What the README's first screen shows of `make run` is what `make run` shows."""

import io
import re
from collections.abc import Iterator, Sequence

from rich.console import Console

from infra.local.chain import Carried
from infra.local.day_display import DayDisplay
from infra.local.day_folders import Day
from infra.local.demo_feeds import DEMONSTRATED, NOTICE, all_demo_days
from infra.local.mailbox import ReceivedMail
from shared.datasets import find_dataset
from tests.test_documents import README
from tests.world import PublishedMail, World, world


def test_the_demo_days_are_shown_as_the_readme_has_them() -> None:
    """But for the lines that it leaves out, the seconds, and the address, which are others each time."""
    shown = [without_seconds(line) for line in demo_days_shown().splitlines()]
    sample = [without_seconds(line) for line in sample_lines()]
    assert len(sample) > 10
    missing, place = [], 0
    for line in sample:
        if line in shown[place:]:
            place = shown.index(line, place) + 1
        else:
            missing.append(line)
    assert missing == []


def sample_lines() -> Iterator[str]:
    """Of the README's indented block from the first day on, without `...`, which stands for lines left out."""
    block = re.search(r"((?:^(?:    .*)?\n)+)(?=\n*^\S)", README[README.index("    2020-10-") :], re.MULTILINE)
    assert block
    for line in block[1].splitlines():
        text = line.removeprefix("    ").rstrip()
        if text and text.lstrip("│ ") != "..." and not text.startswith("Dashboard"):
            yield text


def without_seconds(line: str) -> str:
    return re.sub(r"\d+\.\d\d s", "s", line.rstrip())


def demo_days_shown() -> str:
    """What `make run` prints of the first dataset's days and mails, the system being in this process."""
    out = io.StringIO()
    display = DayDisplay(Console(file=out, width=200, highlight=False))
    first, *beside = [find_dataset(name) for name in DEMONSTRATED]
    with world({"NOTICE": NOTICE, "STAGE": "local"}, dataset=first, beside=beside) as system:
        for days in of_the_first(all_demo_days([first, *beside])):
            for day, mails in zip(days, carried(system, days), strict=True):
                run = system.run(f"{day.date}T17:00:00Z", dataset=day.dataset)
                display.day(Carried(day=day, run=run, mails=mails, change_set=b"", seconds=0.0))
                for mail in mails:
                    display.mail(mail)
    return out.getvalue()


def of_the_first(days: Sequence[Sequence[Day]]) -> Iterator[Sequence[Day]]:
    """Only the days that the sample shows: those of the other dataset have thousands of rows."""
    for group in days:
        chosen = [day for day in group if day.dataset == DEMONSTRATED[0]]
        if chosen:
            yield chosen


def carried(system: World, days: Sequence[Day]) -> list[list[ReceivedMail]]:
    """The mails about each of these datasets' days."""
    before = len(system.platform.mails)
    for day in days:
        names = {feed.file_name: feed.name for feed in system.datasets[day.dataset].feeds}
        files = {names[name]: data for name, data in day.read().items()}
        system.publish(files, at=day.fetch_at, dataset=day.dataset)
        system.schedule("fetch", day.fetch_at, dataset=day.dataset)
        system.settle()
    system.schedule("watch", days[0].watch_at)
    system.settle()
    mails = system.platform.mails[before:]
    return [[as_received(mail) for mail in mails if mail.dataset == day.dataset] for day in days]


def as_received(mail: PublishedMail) -> ReceivedMail:
    return ReceivedMail(subject=mail.subject, body=mail.body, attributes={"kind": mail.kind, "dataset": mail.dataset})
