"""Python values as DynamoDB attribute values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.attributes import from_attribute, from_item, to_attribute, to_item

_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38) + 1, 10**38 - 1)
    | st.text()
    | st.frozensets(st.text(min_size=1), min_size=1),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1), _values))
def test_every_item_comes_back_as_it_was(values: dict[str, Any]) -> None:
    assert from_item(to_item(values)) == values


def test_each_kind_of_value_has_its_kind_of_attribute() -> None:
    values: dict[str, Any] = {
        "null": None,
        "yes": True,
        "text": "",
        "one": 1,
        "set": frozenset({"b", "a"}),
        "list": [1],
        "map": {"a": 0},
    }
    assert to_item(values) == {
        "null": {"NULL": True},
        "yes": {"BOOL": True},
        "text": {"S": ""},
        "one": {"N": "1"},
        "set": {"SS": ["a", "b"]},
        "list": {"L": [{"N": "1"}]},
        "map": {"M": {"a": {"N": "0"}}},
    }


@pytest.mark.parametrize("value", [1.5, b"bytes", {1, 2}, object()])
def test_a_value_of_any_other_type_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=f"{type(value).__name__} has no attribute value"):
        to_attribute(value)


@pytest.mark.parametrize("attribute", [{"B": "AAEC"}, {"NS": ["1"]}, {"S": "two", "N": "2"}, {}])
def test_an_attribute_that_is_never_written_is_refused(attribute: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"attribute of kind|unpack|invalid literal"):
        from_attribute(attribute)
