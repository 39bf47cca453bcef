"""Label selectors in the API's words."""

from __future__ import annotations

from bdc.config.names import selector
from bdc.kube.selector import label_selector
from bdc.spark.labels import EXECUTOR, application_selector


def test_all_labels_are_asked_for() -> None:
    assert label_selector({}) == ""
    assert label_selector(selector("bdc", "master")) == "app.kubernetes.io/instance=bdc,app.kubernetes.io/component=master"
    assert label_selector({"a": "1", "b": None, "c": ("2", "3")}) == "a=1,b,c in (2,3)"


def test_applications() -> None:
    component = "app.kubernetes.io/component"
    assert application_selector() == f"{component}=spark-driver,bdc.dev/application"
    assert application_selector(name="pi") == f"{component}=spark-driver,batch.kubernetes.io/job-name=pi"
    assert application_selector(EXECUTOR) == f"{component}=spark-executor,bdc.dev/application"
    assert application_selector(EXECUTOR, "pi") == f"{component}=spark-executor,bdc.dev/application=pi"
