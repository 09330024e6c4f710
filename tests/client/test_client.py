"""The client against the real application over HTTP."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from covid_stats_client import ApiError, Client, Follower
from shared import datasets
from shared.dataset import ONE_SERIES
from tests.api.committing import Committer, Key
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp, serve_http
from tests.shared.apps import load_app
from tests.shared.in_memory import Cloud
from tests.shared.regions import REGIONS

FIRST, SECOND = "2020-03-02T17:00:00Z", "2020-03-03T17:00:00Z"


@pytest.fixture
def url(served: ApiApp) -> Iterator[str]:
    with serve_http(served) as url:
        yield url


@pytest.fixture
def client(url: str) -> Client:
    return Client(url)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as the API's rows, missing values as None."""
    frame = frame.assign(date=frame["date"].dt.strftime("%Y-%m-%d"))
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("table", ["data", "daily", "weekly", "monthly"])
def test_a_table_is_what_the_api_answers(served: ApiApp, client: Client, table: Any) -> None:
    expected = served.get(f"/{table}").json
    found = rows_of(client.latest(table=table))
    assert [{name: row[name] for name in wanted} for row, wanted in zip(found, expected, strict=True)] == expected


def test_a_value_that_is_not_reported_is_missing_and_numbers_stay_whole(client: Client) -> None:
    frame = client.latest(end="2020-01-23")
    assert frame["recoveries"].isna().all()
    assert str(frame["cases"].dtype) == "Int64"


def test_past_states_lags_and_first_values(served: ApiApp, client: Client) -> None:
    assert rows_of(client.as_of("2020-03-02")) == served.get("/data?as_of=2020-03-02").json
    assert rows_of(client.lagged(7, start="2020-02-20")) == served.get("/data?lag=7&from=2020-02-20").json
    assert rows_of(client.first(table="daily"))[0]["cases"] == served.get("/daily?first=yes").json[0]["cases"]


def test_vintages_are_the_same_whole_and_by_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = client.vintages()
    monkeypatch.setattr("covid_stats_client.client._PAGE", 7)
    paged = client.vintages(start="2020-01-01")
    pd.testing.assert_frame_equal(whole, paged)
    [was, now] = rows_of(whole[whole["date"] == "2020-02-20"])
    assert (was["cases"], was["next_run_id"], now["cases"], now["next_run_id"]) == (4350, SECOND, 2000, None)
    assert now["known_from"] == pd.Timestamp(SECOND)


def test_names_of_series_are_those_of_the_json_whatever_a_spreadsheet_would_make_of_them(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(datasets._REGISTRY, REGIONS.name, REGIONS)
    monkeypatch.setenv("DATASET", REGIONS.name)
    api = ApiApp(module=load_app("api"))
    names = ["=1+1", "@x", "\uff1dA1", "'=1", "'s-Hertogenbosch", "NA"]
    rows: dict[Key, Sequence[int | None]] = {(name, "2020-03-01"): [1, 2] for name in names}
    api.refresh(Committer(cloud=cloud, dataset=REGIONS).commit(FIRST, rows))
    cells = [row[1] for row in csv.reader(api.get("/vintages?format=csv").text.splitlines()[1:])]
    assert sorted(cells) == sorted(["'=1+1", "'@x", "'\uff1dA1", "''=1", "'s-Hertogenbosch", "NA"])
    with serve_http(api) as url:
        client = Client(url)
        found = [client.latest(), client.vintages(), client.vintages(series="=1+1"), client.latest(series="'=1")]
    assert [sorted(frame["series"]) for frame in found] == [sorted(names), sorted(names), ["=1+1"], ["'=1"]]


def test_revisions_and_outlook_are_empty_without_evidence(client: Client) -> None:
    assert len(client.revisions()) == 0
    assert client.outlook() == {}


def test_a_refusal_has_the_words_of_the_api(client: Client, url: str) -> None:
    with pytest.raises(ApiError, match="as_of is 'x'; allowed: a date that exists") as caught:
        client.as_of("x")
    assert (caught.value.status, caught.value.parameter) == (400, "as_of")
    with pytest.raises(ApiError, match="no address of an API"):
        Client("file:///etc").latest()
    with pytest.raises(ApiError) as unreachable:
        Client("http://127.0.0.1:9", timeout=1).latest()
    assert unreachable.value.status == 0


def test_an_answer_that_has_not_changed_is_not_sent_again(
    served: ApiApp, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = []
    ask = ApiApp.ask

    def noted(self: ApiApp, *arguments: Any, **more: Any) -> Any:
        answer = ask(self, *arguments, **more)
        statuses.append(answer.status)
        return answer

    monkeypatch.setattr(ApiApp, "ask", noted)
    pd.testing.assert_frame_equal(client.latest(), client.latest())
    assert statuses == [200, 304]


# --- following ---


def commit_more(served: ApiApp, committer: Committer, *, days: int) -> None:
    for number in range(days):
        rows = some_rows(days=42 + number) | {(ONE_SERIES, "2020-02-20"): [2000 + number, 21, 5]}
        served.refresh(committer.commit(f"2020-03-{5 + number:02}T17:00:00Z", rows))


def test_a_follower_gets_each_run_once_and_has_the_state(
    served: ApiApp, committer: Committer, client: Client, tmp_path: Path
) -> None:
    follower = Follower(client, tmp_path / "log")
    assert [it["run_id"] for it in follower.poll()] == [FIRST, SECOND]
    assert follower.poll() == []
    commit_more(served, committer, days=3)
    assert [it["run_id"] for it in Follower(client, tmp_path / "log").poll()] == [
        f"2020-03-{day:02}T17:00:00Z" for day in (5, 6, 7)
    ]
    assert rows_of(follower.rows()) == served.get("/data").json


def test_a_follower_that_died_at_any_byte_of_its_log_misses_and_doubles_nothing(
    served: ApiApp, committer: Committer, client: Client, tmp_path: Path
) -> None:
    commit_more(served, committer, days=2)
    whole = tmp_path / "whole"
    Follower(client, whole).poll()
    data = whole.read_bytes()
    ends = [place + 1 for place, byte in enumerate(data) if byte == ord("\n")]
    near = {place + step for place in (0, *ends) for step in (-1, 0, 1)}
    for end in sorted(it for it in near | set(range(0, len(data), 997)) if 0 <= it <= len(data)):
        path = tmp_path / "log"
        path.write_bytes(data[:end])
        Follower(client, path).poll()
        assert path.read_bytes() == data


def test_a_follower_whose_connection_breaks_goes_on_where_it_was(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower, changes = Follower(client, tmp_path / "log"), client.changes

    def broken(*, since: str | None = None) -> Iterator[dict[str, Any]]:
        yield next(changes(since=since))
        raise ApiError(0, "the connection broke")

    with monkeypatch.context() as patched:
        patched.setattr(client, "changes", broken)
        with pytest.raises(ApiError):
            follower.poll()
    assert [it["run_id"] for it in follower.poll()] == [SECOND]
    assert [it["run_id"] for it in follower.changes()] == [FIRST, SECOND]
