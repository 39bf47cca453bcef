"""Pods that are to see a change are touched, those that have gone are none of them."""

from __future__ import annotations

from bdc.kube import ApiNotFoundError
from bdc.kube.refresh import refresh
from tests.unit.fake_kube import FakeKube

PODS = "/api/v1/namespaces/bdc/pods"


def test_each_pod_with_the_labels_gets_the_note() -> None:
    kube = FakeKube()
    for name, app in (("a", "web"), ("b", "web"), ("c", "other")):
        kube.put(f"{PODS}/{name}", {"metadata": {"labels": {"app": app}}})
    kube.fail("PATCH", f"{PODS}/a", ApiNotFoundError(404, "NotFound", "it has gone"))
    refresh(kube, "bdc", {"app": "web"}, "bdc.dev/seen", "7")
    assert kube.objects[f"{PODS}/b"]["metadata"]["annotations"] == {"bdc.dev/seen": "7"}
    assert [name for name in "ac" if "annotations" in kube.objects[f"{PODS}/{name}"]["metadata"]] == []
