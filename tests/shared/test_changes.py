"""The change set as a value, and the summary as a map."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.attributes import from_item, to_item
from shared.changes import ChangeSet
from shared.summary import Summary

_dates = st.dates().map(str)
_numbers = st.none() | st.integers(0, 10**12)
_rows = st.lists(st.fixed_dictionaries({"date": _dates, "cases": _numbers}, optional={"series": st.text(max_size=5)}))
_fields = st.dictionaries(st.text(max_size=5), st.fixed_dictionaries({"old": _numbers, "new": _numbers}))
_changed = st.lists(
    st.fixed_dictionaries({"date": _dates, "fields": _fields}, optional={"series": st.text(max_size=5)})
)


@given(base=st.none() | st.just("2020-10-24T17:00:00Z"), added=_rows, changed=_changed, removed=_rows)
def test_a_change_set_comes_back_from_json_as_it_was(base: str | None, added: Any, changed: Any, removed: Any) -> None:
    changes = ChangeSet(run_id="2020-10-25T17:00:00Z", base_run_id=base, added=added, changed=changed, removed=removed)
    assert ChangeSet.from_json(changes.to_json()) == changes
    assert list(json.loads(changes.to_json())) == ["run_id", "base_run_id", "added", "changed", "removed"]
    assert changes.empty == (not added and not changed and not removed)


@given(added=_rows, changed=_changed, warnings=st.lists(st.text()), first_load=st.booleans())
def test_a_summary_comes_back_from_the_ledger_as_it_was(
    added: Any, changed: Any, warnings: list[str], first_load: bool
) -> None:
    summary = Summary(
        latest={"date": "2020-10-24", "cases": 1},
        latest_increments={"cases": None},
        rows=5,
        first_load=first_load,
        added=added,
        changed=changed,
        removed=[],
        warnings=warnings,
        recovered=[],
    )
    assert Summary.from_map(from_item(to_item(summary.as_map()))) == summary
