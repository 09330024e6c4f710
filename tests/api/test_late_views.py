"""Views that nobody rendered when their run was committed answer as those that were."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from shared import datasets
from shared.dataset import ONE_SERIES, Dataset
from shared.datasets import find_dataset
from shared.exact import Number
from shared.keys import view_key
from tests.api.committing import Committer, Key
from tests.api.serving import ApiApp
from tests.shared.apps import load_app
from tests.shared.in_memory import BUCKET, Cloud
from tests.shared.regions import REGIONS

FIRST, SECOND = "2020-03-02T17:00:00Z", "2020-03-03T17:00:00Z"
OIL = find_dataset("oil-prices")

_PRICES: Mapping[Key, Sequence[Number | None]] = {
    (ONE_SERIES, "2020-02-27"): [Decimal("51.10"), None],
    (ONE_SERIES, "2020-02-28"): [Decimal("50.52"), Decimal("44.76")],
}
_BEDS: Mapping[Key, Sequence[Number | None]] = {("north", "2020-02-28"): [5, 50], ("south", "2020-02-28"): [None, 7]}


@pytest.mark.parametrize(
    ("dataset", "rows"), [pytest.param(OIL, _PRICES, id="decimals"), pytest.param(REGIONS, _BEDS, id="several series")]
)
def test_a_late_view_answers_as_what_was_rendered(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, dataset: Dataset, rows: Mapping[Key, Sequence[Number | None]]
) -> None:
    monkeypatch.setitem(datasets._REGISTRY, dataset.name, dataset)
    monkeypatch.setenv("DATASET", dataset.name)
    committer = Committer(cloud=cloud, dataset=dataset)
    before = ApiApp(module=load_app("api"))
    before.refresh(committer.commit(FIRST, rows))
    before.refresh(committer.commit(SECOND, {key: values for key, values in rows.items() if key != min(rows)}))
    day = FIRST[:10]
    targets = [f"{path}?as_of={day}" for path in ("/data", "/daily", "/monthly", "/data/2020-02-28", "/figures", "/")]
    rendered = [before.get(target) for target in targets]
    for key in cloud.objects():
        if key.startswith(view_key(dataset.name, FIRST, "")):
            cloud.s3.delete_object(Bucket=BUCKET, Key=key)
    late = ApiApp(module=load_app("api"))
    assert [(it.status, it.text) for it in rendered] == [
        (it.status, it.text) for it in (late.get(target) for target in targets)
    ]
