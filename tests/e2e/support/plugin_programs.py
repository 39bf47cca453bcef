"""Small Pulumi programs for the contract tests. Run as a program it does one `up`, so that a test can kill it."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from bdc.engine import ClusterStore, PulumiEngine, StackProgram
from bdc.kube import connect

PASSWORD = "s3cr3t-xyzzy-0815"


@dataclass(frozen=True)
class World:
    """What the programs make."""

    namespace: str
    maps: int = 3
    settings: dict[str, str] = field(default_factory=lambda: {"a": "1"})
    port: int = 80
    replicas: int | None = None
    quota: bool = False

    def stacks(self) -> tuple[StackProgram, ...]:
        return (
            StackProgram("data", f"{self.namespace}-data", self.data, kept=True),
            StackProgram("platform", self.namespace, self.platform, needs=("data",)),
        )

    def data(self) -> None:
        here = pulumi.ResourceOptions(parent=pulumi.ComponentResource("bdc:base:Base", "base"))
        namespace = k8s.core.v1.Namespace("namespace", metadata={"name": self.namespace}, opts=here)
        inside = {"namespace": namespace.metadata["name"]}
        secret = pulumi.Output.secret(PASSWORD)
        k8s.core.v1.Secret("password", metadata={"name": "password", **inside}, string_data={"password": secret}, opts=here)
        pulumi.export("namespace", namespace.metadata["name"])

    def platform(self) -> None:
        here = pulumi.ResourceOptions(parent=pulumi.ComponentResource("bdc:storage:Storage", "storage"))
        inside = {"namespace": self.namespace}
        settings = k8s.core.v1.ConfigMap("settings", metadata=inside, data=self.settings, opts=here)
        for number in range(self.maps):
            k8s.core.v1.ConfigMap(f"map-{number}", metadata={"name": f"map-{number}", **inside}, data={"n": str(number)}, opts=here)
        ports = [{"name": "http", "port": self.port}]
        k8s.core.v1.Service(
            "web", metadata={"name": "web", **inside}, spec={"clusterIP": "None", "selector": {"app": "web"}, "ports": ports}, opts=here
        )
        if self.quota:
            k8s.core.v1.ResourceQuota("quota", metadata={"name": "quota", **inside}, spec={"hard": {"pods": "1"}}, opts=here)
        if self.replicas is not None:
            volumes = [{"name": "settings", "configMap": {"name": settings.metadata["name"]}}]
            pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"volumes": volumes, "containers": [{"name": "main", "image": "web:1"}]}}
            spec = {"replicas": self.replicas, "selector": {"matchLabels": {"app": "web"}}, "template": pod}
            k8s.apps.v1.Deployment("web", metadata={"name": "web", **inside}, spec=spec, opts=here)
        pulumi.export("settings", settings.metadata["name"])

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which shells ignore for what they run in the background
    cluster, kubeconfig, world = sys.argv[1:]
    kube = connect(Path(kubeconfig))
    try:
        PulumiEngine(cluster, World(**json.loads(world)).stacks(), ClusterStore(kube, cluster), kube=kube).up()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
