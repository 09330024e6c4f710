"""The declaration of a dataset."""

import dataclasses

import pytest

from shared.dataset import Dataset, Feed, Kind, Measure
from shared.datasets import find_dataset
from shared.errors import SettingInvalid
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


def test_the_default_dataset_asks_for_the_columns_it_uses_and_no_others() -> None:
    assert {feed.name: feed.columns for feed in US_COVID.feeds} == {
        "nyt": ("date", "cases", "deaths"),
        "jhu": ("Date", "Recovered", "Country/Region", "Province/State"),
    }


def test_a_dataset_with_several_series_asks_for_their_column() -> None:
    assert {feed.name: feed.columns for feed in REGIONS.feeds} == {
        "board": ("day", "region", "beds"),
        "lab": ("date", "area", "n"),
    }
    assert (US_COVID.has_series, REGIONS.has_series) == (False, True)


def test_upstream_file_names_are_the_last_part_of_the_address() -> None:
    assert [feed.file_name for feed in US_COVID.feeds] == ["us.csv", "time-series-19-covid-combined.csv"]


def test_each_credit_is_given_once() -> None:
    assert [credit.split()[0] for credit in US_COVID.credits] == ["Data", "Recoveries"]


def test_a_dataset_is_found_by_name_and_an_unknown_one_is_answered_with_those_there_are() -> None:
    assert find_dataset("us-covid") is US_COVID
    with pytest.raises(SettingInvalid, match=r"^DATASET is 'mars'; known are \['oil-prices', 'us-covid', "):
        find_dataset("mars")


def test_an_unknown_feed_is_answered_with_those_there_are() -> None:
    assert US_COVID.feed("nyt").title == "The New York Times, US national"
    with pytest.raises(SettingInvalid, match=r"^dataset us-covid has no feed 'who'; it has \['jhu', 'nyt'\]$"):
        US_COVID.feed("who")


def test_a_measure_comes_from_exactly_one_feed() -> None:
    with pytest.raises(ValueError, match="every measure comes from exactly one feed"):
        dataclasses.replace(US_COVID, feeds=US_COVID.feeds[:1])
    with pytest.raises(ValueError, match="every measure comes from exactly one feed"):
        dataclasses.replace(US_COVID, feeds=(*US_COVID.feeds, US_COVID.feeds[0]))


def test_feeds_with_and_without_series_do_not_join() -> None:
    with pytest.raises(ValueError, match="every feed names its series column"):
        dataclasses.replace(REGIONS, feeds=(REGIONS.feeds[0], dataclasses.replace(REGIONS.feeds[1], series=())))


def test_a_feed_without_measures_is_none() -> None:
    with pytest.raises(ValueError, match="at least one measure is needed"):
        dataclasses.replace(US_COVID.feeds[0], measures={})


def test_the_fingerprint_changes_with_what_the_rows_depend_on_and_with_nothing_else() -> None:
    nyt, jhu = US_COVID.feeds

    def fingerprint(feed: Feed) -> str:
        return dataclasses.replace(US_COVID, feeds=(nyt, feed)).fingerprint

    assert fingerprint(dataclasses.replace(jhu, url="https://else.where/", title="Another")) == US_COVID.fingerprint
    others = [
        dataclasses.replace(jhu, date=("Day",)),
        dataclasses.replace(jhu, measures={"recoveries": "Recoveries"}),
        dataclasses.replace(jhu, where={"Country/Region": ("US",)}),
    ]
    assert len({US_COVID.fingerprint, *map(fingerprint, others)}) == 4


def test_a_declaration_cannot_be_changed_after_the_fact() -> None:
    with pytest.raises(TypeError):
        US_COVID.feeds[0].measures["cases"] = "deaths"  # type: ignore[index]


def test_the_order_of_the_measures_is_the_declared_one() -> None:
    dataset = Dataset(
        name="small",
        title="Small",
        measures=(
            Measure(name="b", label="B", kind=Kind.LEVEL),
            Measure(name="a", label="A", kind=Kind.LEVEL),
        ),
        feeds=(
            Feed(
                name="f",
                url="https://f/f.csv",
                title="F",
                licence="",
                credit="c",
                date=("d",),
                measures={"a": "a", "b": "b"},
            ),
        ),
    )
    assert (dataset.measure_names, dataset.feed_names, dataset.credits) == (("b", "a"), frozenset({"f"}), ("c",))
