"""What usually becomes of values like the newest ones, as the run before has it: in words, for the run's summary."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from shared.dataset import ONE_SERIES, Dataset
from shared.number_words import longer
from shared.outlook_words import Outlook, in_words

NAME = "outlook.json.gz"
"""What the api keeps it under, beside the views of a run."""


def in_words_of(
    kept: bytes, latest: Mapping[str, Any], days: Mapping[str, int | None], dataset: Dataset, *, run_id: str
) -> dict[str, str]:
    """Measure -> words. `latest` and `days` are the summary's, `latest_days` the latter.

    Nothing of measures that are not reported, of totals whose increment stands for several periods, of another series.
    """
    found = json.loads(kept)
    if not latest or found["series"] != latest.get("series", ONE_SERIES):
        return {}
    lag = (dt.date.fromisoformat(run_id[:10]) - dt.date.fromisoformat(str(latest["date"]))).days
    words = {}
    spread = {it.name for it in dataset.measures if it.cumulative and longer(days.get(it.name), dataset.period)}
    for name, it in found["measures"].items():
        outlook = it["by_lag"].get(str(lag))
        if outlook and latest.get(name) is not None and name not in spread:
            is_first = not it["newest"] or it["newest"]["date"] < str(latest["date"])
            words[name] = in_words(Outlook.from_map(outlook), is_first=is_first, period=dataset.period)
    return words
