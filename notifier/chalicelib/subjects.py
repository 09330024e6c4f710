"""The subject of a digest: the numbers that its readers want, as many as fit beside what else happened."""

from collections.abc import Iterator

from chalicelib.letterhead import Letterhead
from shared.dataset import Dataset, Measure, Period
from shared.number_words import counted, dates, day, longer, noun, number, signed, step, when
from shared.runs import Run
from shared.summary import Summary
from shared.wording import counts


def digest_subject(run: Run, summary: Summary, *, letterhead: Letterhead) -> str:
    """`Cases +55,055, deaths +660 on 2 Mar; 18 past days revised`: with as many measures as there is room for."""
    texts = list(_subjects(run, summary, letterhead.dataset))
    return next((text for text in texts if letterhead.fits(text)), texts[-1])


def _subjects(run: Run, summary: Summary, dataset: Dataset) -> Iterator[str]:
    """The subject with ever fewer measures, and then with ever less of what else happened."""
    parts = list(_rest(run, summary, dataset))
    rest = ", ".join(parts)
    if summary.first_load:
        load = f"First load, {counted(summary.rows, 'row')} to {day(str(summary.latest.get('date', '')))}"
        yield _joined(load, rest)
        return
    numbers = list(_numbers(summary, dataset)) if _has_news(run, summary) else []
    for most in range(len(numbers), 0, -1):
        yield _joined(_news(numbers[:most], run, summary, dataset), rest)
    if numbers:
        compact = rest.replace(" past ", " ")
        yield _joined(_news(numbers[:1], run, summary, dataset), compact)
        for most in range(len(parts), -1, -1):
            compact = ", ".join(parts[:most]).replace(" past ", " ")
            yield _joined(_news(numbers[:1], run, summary, dataset, dated=False), compact)
        return
    added = f"{counted(run.added, 'row')} added" if run.added else ""
    if summary.revisions:
        largest, date = _largest(summary, dataset), _when(str(summary.revisions[0]["date"]), dataset)
        yield _joined(added, f"{rest}; largest: {largest} {date}")
        yield _joined(added, f"{rest}; largest: {largest}")
    yield _joined(added, rest) or counts(run)


def _largest(summary: Summary, dataset: Dataset) -> str:
    """`USA, cases +20,608`, the first of what was drawn together."""
    group = summary.revisions[0]
    measure, old, new = dataset.measure(group["measure"]), group["old"], group["new"]
    whose = f"{group['series'][0]}, " if group.get("series") else ""
    moved = "not reported any more" if new is None else "reported" if old is None else None
    moved = moved or signed(new - old, decimals=measure.decimals)
    return f"{whose}{noun(measure)} {moved}"


def _when(date: str, dataset: Dataset, *, year: bool = False) -> str:
    """`on 2 Mar`, `week to 22 Nov`: there is little room."""
    return when(date, dataset.period, year=year or dataset.period is Period.MONTH).removeprefix("in the ")


def _joined(first: str, rest: str) -> str:
    return "; ".join(part for part in (first, rest) if part)


def _has_news(run: Run, summary: Summary) -> bool:
    """Whether the run brought the newest date."""
    return bool(run.added and summary.added and summary.added[-1].get("date") == summary.latest.get("date"))


def _news(numbers: list[str], run: Run, summary: Summary, dataset: Dataset, *, dated: bool = True) -> str:
    series = str(summary.latest.get("series", ""))
    whose = f"{series}: " if series and not summary.is_sum else ""
    joined = ("; " if any(", " in text for text in numbers) else ", ").join(numbers)
    more = f", {dates(summary.new_dates, dataset)} new" if summary.new_dates > 1 else ""
    if not dated:
        return f"{whose}{joined if whose else _capital(joined)}"
    date = str(summary.latest["date"])
    shown = _when(date, dataset, year=date[:4] != run.run_id[:4])
    comma = "," if shown.startswith("week") else ""
    return f"{whose}{joined if whose else _capital(joined)}{comma} {shown}{more}"


def _numbers(summary: Summary, dataset: Dataset) -> Iterator[str]:
    for measure in dataset.measures:
        if summary.latest.get(measure.name) is not None:
            yield _one(measure, summary, dataset)


def _one(measure: Measure, summary: Summary, dataset: Dataset) -> str:
    """`cases +55,055`, `COVID-19 admissions 1,067, +3.2 %`, `Brent 66.31, -1.07`."""
    value, increment = summary.latest[measure.name], summary.latest_increments.get(measure.name)
    days, fewest = summary.latest_days.get(measure.name), summary.latest_days_fewest.get(measure.name)
    moved = step(measure, value, increment) + longer(days, dataset.period, fewest=fewest)
    shown = f"{noun(measure)} {number(value, decimals=measure.decimals)}"
    if increment is None:
        return shown
    return f"{noun(measure)} {moved}" if measure.cumulative else f"{shown}, {moved}"


def _rest(run: Run, summary: Summary, dataset: Dataset) -> Iterator[str]:
    if run.changed:
        yield _revised(run, summary, dataset)
    if run.removed:
        yield f"{run.removed:,} removed"
    if summary.warnings:
        yield counted(len(summary.warnings), "warning")


def _revised(run: Run, summary: Summary, dataset: Dataset) -> str:
    count = summary.revised_dates or (0 if dataset.has_series else run.changed)
    if not count:
        return f"{counted(run.changed, 'row')} revised"
    return f"{count:,} past {dates(count, dataset).partition(' ')[2]} revised"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
