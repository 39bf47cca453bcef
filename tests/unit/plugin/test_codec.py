"""Values survive Pulumi's wire; secrets keep their wrapping."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bdc.plugin.codec import OUTPUT, SIGNATURE, UNKNOWN, conceal, contains_secret, has_unknown, plain, secret, to_python, to_struct

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
objects = st.dictionaries(st.text(min_size=1), values)


@given(objects)
def test_round_trip(value: dict[str, Any]) -> None:
    assert to_python(to_struct(value)) == value


@given(objects)
def test_bytes_round_trip(value: dict[str, Any]) -> None:
    assert to_python(type(to_struct({})).FromString(to_struct(value).SerializeToString())) == value


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_are_ints(number: int) -> None:
    found = to_python(to_struct({"n": float(number)}))["n"]
    assert isinstance(found, int)
    assert found == number


@given(objects)
def test_what_is_secret_stays_secret(value: dict[str, Any]) -> None:
    wrapped = {"spec": secret(value), "open": 1}
    hidden = conceal({"spec": value, "open": 1, "status": {}}, wrapped)
    assert hidden["open"] == 1
    assert contains_secret(hidden["spec"])
    assert plain(hidden)["spec"] == plain(value)


def test_data_of_a_secret_is_always_secret() -> None:
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "YQ=="}}
    hidden = conceal(obj, {})
    assert hidden["data"] == secret(obj["data"])
    assert hidden["metadata"] == obj["metadata"]


def test_a_list_with_a_secret_in_it_is_secret() -> None:
    hidden = conceal({"env": [{"value": "new"}]}, {"env": [{"value": secret("old")}]})
    assert hidden == {"env": secret([{"value": "new"}])}


def test_nested_and_output_values() -> None:
    assert conceal({"a": {"b": "x", "c": 1}}, {"a": {"b": secret("x")}}) == {"a": {"b": secret("x"), "c": 1}}
    assert plain({"a": {SIGNATURE: OUTPUT, "value": 3}, "b": {SIGNATURE: OUTPUT}, "c": None}) == {"a": 3, "b": UNKNOWN}
    assert contains_secret([{SIGNATURE: OUTPUT, "secret": True}])
    assert has_unknown({"a": [{"b": UNKNOWN}]})
    assert not has_unknown({"a": ["b"]})
    assert secret(secret(1)) == secret(1)
