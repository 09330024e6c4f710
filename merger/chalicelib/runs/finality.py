"""What usually becomes of values like the newest ones, as the run before has it: in words, for the run's summary."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from shared.dataset import ONE_SERIES, Dataset
from shared.outlook_words import Outlook, in_words

NAME = "outlook.json.gz"
"""What the api keeps it under, beside the views of a run."""


def in_words_of(kept: bytes, latest: Mapping[str, Any], dataset: Dataset, *, run_id: str) -> dict[str, str]:
    """Measure -> words. `latest` is the summary's; nothing of measures that are not reported, or of another series."""
    found = json.loads(kept)
    if not latest or found["series"] != latest.get("series", ONE_SERIES):
        return {}
    lag = (dt.date.fromisoformat(run_id[:10]) - dt.date.fromisoformat(str(latest["date"]))).days
    words = {}
    for name, it in found["measures"].items():
        outlook = it["by_lag"].get(str(lag))
        if outlook and latest.get(name) is not None:
            is_first = not it["newest"] or it["newest"]["date"] < str(latest["date"])
            words[name] = in_words(Outlook.from_map(outlook), is_first=is_first, period=dataset.period)
    return words
