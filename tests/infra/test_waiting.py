import pytest

from infra.waiting import Overdue, wait_for


def test_what_is_seen_is_given() -> None:
    answers = iter([None, "", "seen"])
    assert wait_for(lambda: next(answers), seconds=5, what="something is seen") == "seen"


def test_what_never_comes_is_overdue() -> None:
    with pytest.raises(Overdue, match="the bus comes: not after 0 s"):
        wait_for(lambda: None, seconds=0, what="the bus comes")
