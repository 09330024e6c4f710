"""Rendering a commit to a dataset of many series: the work goes with the series that changed, not with all."""

import contextlib
import os
from collections.abc import Iterable, Iterator

from tests.bench.measuring import FLOOR, OURS, Figure, Target, take_turns
from tests.bench.workers import ROOT, Worker

NAMES = ("refresh_3000", "refresh_60")

_TASK = "tests.bench.refresh_tasks:refresh"
_CHANGED = 60
_API = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'api'}"}


def measure(wanted: Iterable[str]) -> Iterator[Figure]:
    """The figures asked for: 60 changed series of 3,000, beside 60 of 60."""
    chosen = set(wanted)
    with contextlib.ExitStack() as stack:
        few = stack.enter_context(Worker(_TASK, _CHANGED, _CHANGED, environment=_API))
        if "refresh_3000" in chosen:
            many = stack.enter_context(Worker(_TASK, 3000, _CHANGED, environment=_API))
            taken = take_turns({OURS: many.seconds, FLOOR: few.seconds}, rounds=7)
            objects = f"{many.last.result} objects written, {few.last.result} by the floor"
            note = f"the floor is refresh_60; {objects}"
            yield Figure(name="refresh_3000", unit="s", rounds=taken, target=Target(times_floor=3), note=note)
        if "refresh_60" in chosen:
            yield Figure(name="refresh_60", unit="s", rounds=take_turns({OURS: few.seconds}, rounds=5))
