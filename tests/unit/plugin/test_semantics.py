"""Differences by path, drift, and what it takes to mend it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.plugin.semantics import differences, prune, same, without_surplus

leaves = st.booleans() | st.integers() | st.text(max_size=5)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4), max_leaves=15
)


@given(trees)
def test_nothing_differs_from_itself(tree: Any) -> None:
    assert list(differences(tree, copy.deepcopy(tree))) == []
    assert prune(tree, copy.deepcopy(tree)) == tree
    assert without_surplus(tree, copy.deepcopy(tree)) is None


@given(st.dictionaries(st.text(max_size=4), trees, max_size=4), st.dictionaries(st.text(max_size=4), trees, max_size=4))
def test_what_the_server_adds_is_no_drift(inputs: dict[str, Any], added: dict[str, Any]) -> None:
    live = {**added, **inputs}
    assert prune(live, inputs) == inputs


def test_paths() -> None:
    old = {"spec": {"ports": [{"port": 1}], "gone": 1}, "data": {"a.xml": "x"}}
    new = {"spec": {"ports": [{"port": 2}, {"port": 3}]}, "data": {"a.xml": "y"}, "kind": "K"}
    assert dict(differences(old, new)) == {
        "spec.ports[0].port": "UPDATE",
        "spec.ports[1]": "ADD",
        "spec.gone": "DELETE",
        'data["a.xml"]': "UPDATE",
        "kind": "ADD",
    }


@pytest.mark.parametrize(("one", "other"), [("1024Mi", "1Gi"), ("0.5", "500m"), (1, "1"), ("1000", "1k"), (".5", "500m")])
def test_the_same_quantity(one: Any, other: Any) -> None:
    assert same(one, other)
    assert prune({"memory": one}, {"memory": other}) == {"memory": other}


@pytest.mark.parametrize(("one", "other"), [("1Gi", "1G"), ("a", "b"), (True, 1), ("1", "1x")])
def test_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)


def test_named_elements_are_found_by_name() -> None:
    live = [{"name": "sidecar"}, {"name": "main", "image": "b", "added": 1}]
    inputs = [{"name": "main", "image": "a"}]
    assert prune(live, inputs, surplus=False) == [{"name": "main", "image": "b"}]
    assert prune(live, inputs) == [{"name": "main", "image": "b"}, {"name": "sidecar"}]


def test_unnamed_elements_that_moved_are_no_drift() -> None:
    rules = [{"verbs": ["get"]}, {"verbs": ["list"]}]
    assert prune(list(reversed(rules)), rules) == rules
    assert prune([{"verbs": ["watch"]}, *rules], rules) == [*rules, {"verbs": ["watch"]}]


def test_order_of_arguments_is_drift() -> None:
    assert prune(["b", "a"], ["a", "b"]) == ["b", "a"]
    assert prune(["a"], ["a", "b"]) == ["a"]


def test_surplus_is_taken_off_and_server_fields_stay() -> None:
    live = {"spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "http", "port": 80, "nodePort": 30080}, {"name": "more", "port": 99}]}}
    inputs = {"spec": {"ports": [{"name": "http", "port": 80}]}}
    assert without_surplus(live, inputs) == {"spec": {"ports": [{"name": "http", "port": 80, "nodePort": 30080}]}}


def test_surplus_below_a_named_element() -> None:
    live = {"containers": [{"name": "main", "image": "x", "env": [{"name": "A"}, {"name": "B"}]}]}
    inputs = {"containers": [{"name": "main", "env": [{"name": "A"}]}]}
    assert without_surplus(live, inputs) == {"containers": [{"name": "main", "image": "x", "env": [{"name": "A"}]}]}
