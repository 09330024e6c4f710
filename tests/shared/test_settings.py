"""Settings from the environment."""

import pytest

from shared.errors import SettingInvalid
from shared.settings import Place, Source
from tests.shared.declared import US_COVID

VALUES = {"STAGE": "dev", "BUCKET": "data", "RUNS_TABLE": "runs"}


def test_a_place_is_read_from_the_environment_and_the_dataset_has_a_default() -> None:
    assert Place.read(VALUES) == Place(stage="dev", datasets=(US_COVID,), bucket="data", runs_table="runs")
    assert Place.read(VALUES | {"DATASET": "us-covid"}).dataset is US_COVID


@pytest.mark.parametrize("name", ["STAGE", "BUCKET", "RUNS_TABLE"])
def test_a_setting_that_is_missing_or_empty_fails_by_its_name(name: str) -> None:
    for values in ({**VALUES, name: ""}, {other: value for other, value in VALUES.items() if other != name}):
        with pytest.raises(SettingInvalid, match=f"^the setting {name} is missing or empty$"):
            Place.read(values)


def test_an_unknown_dataset_fails_by_the_name_of_its_setting() -> None:
    with pytest.raises(SettingInvalid, match="DATASET is 'mars'"):
        Place.read(VALUES | {"DATASET": "mars"})


def test_numbers_are_read_and_a_default_holds_where_nothing_is_said() -> None:
    source = Source({"A": "2.5", "B": "", "C": "3"})
    assert (source.number("A", default=1), source.number("B", default=1), source.whole("C", default=1)) == (2.5, 1, 3)


@pytest.mark.parametrize("text", ["many", "-1", "inf", "nan", "1e999"])
def test_an_impossible_number_fails_by_its_name(text: str) -> None:
    with pytest.raises(SettingInvalid, match=r"^the setting A is "):
        Source({"A": text}).number("A", default=1)


def test_a_whole_number_is_asked_for_where_one_is_needed() -> None:
    with pytest.raises(SettingInvalid, match=r"^the setting A is 1\.5; a whole number is needed$"):
        Source({"A": "1.5"}).whole("A", default=1)
