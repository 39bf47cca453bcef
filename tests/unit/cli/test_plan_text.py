"""How a plan reads."""

from __future__ import annotations

from bdc.cli.plan_text import data, text
from bdc.engine import Change
from bdc.lifecycle import Plan, Restart
from bdc.lifecycle.last_applied import Difference

UPDATE = Change("update", "StatefulSet", "master", "master", ("spec.replicas", "spec.template.a", "spec.template.b", "spec.template.c"))
CREATE = Change("create", "PersistentVolumeClaim", "data-master-1", "data", ())


def test_a_namespace_goes_with_what_is_in_it() -> None:
    gone = Change("delete", "Namespace", "bdc-pool-etl", None, ())
    assert "- Namespace bdc-pool-etl, with all that is in it\n" in text(Plan((), (gone,), ()))


def test_fields_come_first_then_objects_then_the_sum() -> None:
    settings = (Difference("master.replicas", 1, 3), Difference("master.synchronous", False, True))
    plan = Plan(settings, (CREATE, UPDATE), (Restart("master", "PostgreSQL", False),))
    assert text(plan).splitlines() == [
        "~ master.replicas     1 -> 3",
        "~ master.synchronous  false -> true",
        "  + PersistentVolumeClaim data-master-1",
        "  ~ StatefulSet master: spec.replicas, spec.template.a, spec.template.b and 1 more",
        "1 to create, 1 to change, 0 to delete. No outage expected: PostgreSQL restarts pod after pod. `bdc up` to apply.",
    ]
    assert data(plan)["configuration"] == [
        {"key": "master.replicas", "now": 1, "wanted": 3},
        {"key": "master.synchronous", "now": False, "wanted": True},
    ]
    assert data(plan)["changes"] == 2


def test_an_outage_is_said() -> None:
    away = (Restart("namenode", "NameNode", True), Restart("datanode", "DataNode", True), Restart("metastore", "Hive Metastore", False))
    assert "NameNode and DataNode restart, and are away meanwhile. Hive Metastore restarts pod after pod." in text(
        Plan((), (UPDATE,), away)
    )
    assert "NameNode restarts, and is away meanwhile. `bdc up`" in text(Plan((), (UPDATE,), away[:1]))
    assert "No outage expected. `bdc up` to apply." in text(Plan((), (CREATE,), ()))


def test_nothing_to_do_and_nothing_there() -> None:
    assert text(Plan((), (), ())) == "No changes: the cluster is what bdc.yaml says.\n"
    assert text(Plan((Difference("spark.cpu", None, "1"),), (), ())).startswith("~ spark.cpu  not set -> 1\nNo changes")
    assert text(None).startswith("There is no Kubernetes yet")
    assert data(None)["changes"] is None


def test_what_is_not_ready_is_no_path() -> None:
    assert ": not ready\n" in text(Plan((), (Change("update", "Deployment", "metastore", "metastore", ("status",)),), ()))
