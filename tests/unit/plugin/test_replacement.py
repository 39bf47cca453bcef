"""Which changes take a new object, and when the old one must go first."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.errors import UsageError
from bdc.plugin.codec import UNKNOWN, secret
from bdc.plugin.defaults import complete
from bdc.plugin.diffing import compare
from bdc.plugin.kinds import kind_of

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def obj(kind: str = "ConfigMap", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "namespace": "n"}, **fields}


def verdict(token: str, old: dict[str, Any], new: dict[str, Any], ignore: tuple[str, ...] = ()) -> tuple[bool, bool, bool]:
    found = compare(token, old, new, old, ignore)
    return bool(found.changed), bool(found.replacing), found.delete_first


@pytest.mark.parametrize(
    ("token", "old", "new", "replaced"),
    [
        (CONFIG_MAP, {"data": {"a": "1"}}, {"data": {"a": "2"}}, True),
        (CONFIG_MAP, {"data": {"a": "1"}}, {}, True),
        ("kubernetes:core/v1:Secret", {"type": "Opaque"}, {"type": "kubernetes.io/tls"}, True),
        (STATEFUL_SET, {"spec": {"replicas": 1}}, {"spec": {"replicas": 3}}, False),
        (STATEFUL_SET, {"spec": {"serviceName": "a"}}, {"spec": {"serviceName": "b"}}, True),
        (STATEFUL_SET, {"spec": {"volumeClaimTemplates": [{"a": 1}]}}, {"spec": {"volumeClaimTemplates": [{"a": 2}]}}, True),
        ("kubernetes:apps/v1:Deployment", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}, {"spec": {"selector": {}}}, True),
        ("kubernetes:apps/v1:Deployment", {"spec": {"template": {"a": 1}}}, {"spec": {"template": {"a": 2}}}, False),
        ("kubernetes:batch/v1:Job", {"spec": {"template": {"a": 1}}}, {"spec": {"template": {"a": 2}}}, True),
        ("kubernetes:core/v1:Service", {"spec": {"ports": [{"port": 1}]}}, {"spec": {"ports": [{"port": 2}]}}, False),
        ("kubernetes:core/v1:Service", {"spec": {"clusterIP": "None"}}, {"spec": {}}, True),
        ("kubernetes:core/v1:Pod", {"spec": {"nodeName": "a"}}, {"spec": {"nodeName": "b"}}, True),
        ("kubernetes:core/v1:Pod", {"spec": {"containers": [{"image": "a"}]}}, {"spec": {"containers": [{"image": "b"}]}}, False),
        ("kubernetes:core/v1:PersistentVolumeClaim", {"spec": {"resources": 1}}, {"spec": {"resources": 2}}, False),
    ],
)
def test_replacement(token: str, old: dict[str, Any], new: dict[str, Any], replaced: bool) -> None:
    kind = token.rsplit(":", 1)[1]
    assert verdict(token, obj(kind, **old), obj(kind, **new)) == (True, replaced, replaced)


def test_a_generated_name_lets_both_live() -> None:
    old, new = obj(data={"a": "1"}), obj(data={"a": "2"})
    for one in (old, new):
        one["metadata"]["annotations"] = {"pulumi.com/autonamed": "true"}
    assert verdict(CONFIG_MAP, old, new) == (True, True, False)


def test_another_name_or_namespace_is_another_object() -> None:
    moved = obj()
    moved["metadata"] = {"name": "x", "namespace": "m"}
    assert verdict(CONFIG_MAP, obj(), moved) == (True, True, False)
    unknown = obj()
    unknown["metadata"] = {"name": UNKNOWN, "namespace": "n"}
    assert verdict(CONFIG_MAP, obj(), unknown) == (True, True, False)


def test_ignored_and_default_namespace() -> None:
    assert verdict(CONFIG_MAP, obj(data={"a": "1"}), obj(data={"a": "2"}), ("data",)) == (False, False, False)
    explicit, implicit = obj(), obj()
    explicit["metadata"]["namespace"] = "default"
    implicit["metadata"] = {"name": "x"}
    assert verdict(CONFIG_MAP, explicit, implicit) == (False, False, False)


def test_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"example\.com/v1/Widget"):
        kind_of("kubernetes:example.com/v1:Widget")
    assert kind_of("kubernetes:core/v1:Pod") == ("v1", "Pod")
    assert kind_of(STATEFUL_SET) == ("apps/v1", "StatefulSet")


def check(
    news: dict[str, Any], olds: dict[str, Any] | None = None, token: str = CONFIG_MAP, namespace: str | None = None
) -> dict[str, Any]:
    return complete(token, "logical", news, olds or {}, seed=b"1", namespace=namespace)


def test_generated_names_stay() -> None:
    first = check({})
    assert first["metadata"]["name"].startswith("logical-")
    assert len(first["metadata"]["name"]) == len("logical-") + 8
    assert check({"data": {"a": "1"}}, first)["metadata"]["name"] == first["metadata"]["name"]
    assert complete(CONFIG_MAP, "logical", {}, {}, seed=b"2", namespace=None)["metadata"]["name"] != first["metadata"]["name"]
    with pytest.raises(UsageError, match="generateName"):
        check({"metadata": {"generateName": "a-"}})


def test_namespace_and_kind_are_filled_in() -> None:
    filled = check({"metadata": {"name": "x"}}, namespace="n")
    assert (filled["apiVersion"], filled["kind"], filled["metadata"]["namespace"]) == ("v1", "ConfigMap", "n")
    assert "namespace" not in check({"metadata": {"name": "x"}}, token="kubernetes:core/v1:Namespace", namespace="n")["metadata"]


def test_string_data_becomes_data() -> None:
    news = {"metadata": {"name": "x"}, "stringData": secret({"a": "b", "c": UNKNOWN}), "data": {"d": "ZQ=="}}
    assert check(news, token="kubernetes:core/v1:Secret")["data"] == {"a": "Yg==", "c": UNKNOWN, "d": "ZQ=="}
