"""What a plan does to what runs."""

from __future__ import annotations

from bdc.config.model import Config
from bdc.engine import Change
from bdc.lifecycle.planning import Restart, restarts


def change(kind: str, name: str, *paths: str, op: str = "update") -> Change:
    return Change(op=op, kind=kind, name=name, part=None, paths=paths)  # type: ignore[arg-type]


def test_a_new_template_restarts_and_one_alone_is_away() -> None:
    changes = [
        change("StatefulSet", "namenode", 'spec.template.metadata.annotations["bdc.dev/configuration"]'),
        change("StatefulSet", "master", "spec.template.spec.containers[0].image", "spec.replicas"),
        change("Deployment", "metastore", "spec.replicas"),
        change("ConfigMap", "hadoop-conf", 'data["hdfs-site.xml"]'),
        change("Deployment", "trino-worker", op="create"),
        change("Deployment", "httpfs", "spec.selector", op="replace"),
    ]
    config = Config.model_validate({"master": {"replicas": 3}})
    assert restarts(config, changes) == [
        Restart("namenode", "NameNode", True),
        Restart("httpfs", "HttpFS", True),
        Restart("master", "PostgreSQL", False),
    ]


def test_what_is_only_not_ready_does_not_restart() -> None:
    assert restarts(Config(), [change("StatefulSet", "namenode", "status")]) == []
