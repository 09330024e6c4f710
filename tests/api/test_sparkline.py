"""The line the size of a word."""

from chalicelib.pages.sparkline import sparkline


def test_it_is_drawn_over_the_values() -> None:
    assert sparkline([0, 5, 10]) == (
        '<svg class="spark" viewBox="0 0 220 44" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<polygon points="0.0,44 0.0,41.0 110.0,22.0 220.0,3.0 220.0,44"/>'
        '<polyline points="0.0,41.0 110.0,22.0 220.0,3.0"/></svg>'
    )


def test_it_breaks_where_a_value_is_missing() -> None:
    assert sparkline([0, 10, None, 10, 0]).count("<polyline") == 2
    assert sparkline([None, 0, 10]).count("<polyline") == 1
    assert '<polyline points="220.0,3.0 220.0,3.0"/>' in sparkline([10, None, 10])


def test_fewer_than_two_values_make_no_line() -> None:
    assert sparkline([None, 1]) == sparkline([]) == ""
