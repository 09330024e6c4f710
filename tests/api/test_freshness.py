"""How far the newest date of one series is behind that of all."""

from chalicelib.series_store.freshness import periods_behind
from shared.dataset import Period


def test_it_is_counted_in_the_periods_that_are_published() -> None:
    assert periods_behind("2020-02-27", "2020-03-01", Period.DAY) == 3
    assert periods_behind("2020-12-26", "2021-01-09", Period.WEEK) == 2
    assert periods_behind("2019-12-31", "2020-02-29", Period.MONTH) == 2
    assert [periods_behind("2020-02-29", "2020-02-29", period) for period in Period] == [0, 0, 0]
