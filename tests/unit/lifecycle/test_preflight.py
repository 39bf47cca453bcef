"""What preflight finds in a Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from bdc import images
from bdc.config.model import Config
from bdc.errors import NotFoundError, UnhealthyError
from bdc.kube import Kube
from bdc.lifecycle import preflight

if TYPE_CHECKING:
    from bdc.cluster import Substrate

GIB = 2**30
DEFAULT = {"metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}


class Api:
    """Answers lists."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = {"nodes": [worker()], "pods": [], "storageclasses": [DEFAULT], "services": [], "persistentvolumeclaims": [], **lists}

    def request(self, method: str, path: str, **_: object) -> dict[str, Any]:
        assert method == "GET"
        return {"items": self.lists[path.rsplit("/", 1)[1]]}


def worker(name: str = "n", cpu: str = "4", memory: str = "16Gi", **spec: object) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec, "status": {"allocatable": {"cpu": cpu, "memory": memory}}}


def pod(namespace: str, memory: str, node: str = "n") -> dict[str, Any]:
    requests = {"cpu": "100m", "memory": memory}
    return {"metadata": {"namespace": namespace}, "spec": {"nodeName": node, "containers": [{"resources": {"requests": requests}}, {}]}}


def service(namespace: str, port: int) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": "web"}, "spec": {"ports": [{"nodePort": port}]}}


def check(api: Api, storage_class: str | None = None, config: Config | None = None) -> str:
    return preflight.cluster(config or Config(), cast("Kube", api), storage_class)


def test_a_cluster_with_room_passes() -> None:
    assert "of 16.0 GiB" in check(Api())


def test_what_others_ask_is_not_free_and_what_we_ask_is() -> None:
    assert "of 6.0 GiB" in check(Api(pods=[pod("kube-system", "10Gi"), pod("bdc", "4Gi")]))
    with pytest.raises(UnhealthyError, match="doesn't fit"):
        check(Api(pods=[pod("other", "11Gi")]))


def test_nodes_that_take_no_pods_do_not_count() -> None:
    tainted = worker("b", taints=[{"key": "k", "effect": "NoSchedule"}])
    cordoned = worker("c", unschedulable=True)
    found = preflight.nodes(cast("Kube", Api(nodes=[worker(), tainted, cordoned])), "bdc")
    assert [node.name for node in found] == ["n"]


def test_a_storage_class_that_is_not_there_is_named() -> None:
    with pytest.raises(UnhealthyError, match=r"no StorageClass slow \(there is: fast\)"):
        check(Api(), "slow")


def test_no_default_storage_class_is_refused_with_the_setting() -> None:
    with pytest.raises(UnhealthyError) as refused:
        check(Api(storageclasses=[{"metadata": {"name": "fast"}}]))
    assert refused.value.hint == "set cluster.storage_class to one of them"


def test_a_port_of_another_service_is_refused() -> None:
    with pytest.raises(UnhealthyError, match=r"port 31433 \(SQL master, read-write\) is taken by Service other/web"):
        check(Api(services=[service("other", 31433)]))
    assert check(Api(services=[service("bdc", 31433), service("other", 30000)]))


def test_ports_do_not_matter_where_nothing_is_exposed() -> None:
    config = Config.model_validate({"network": {"expose": "none"}})
    assert check(Api(services=[service("other", 31433)]), None, config)


class Host:
    """A substrate of which only the ports are asked."""

    def __init__(self, taken: dict[int, str]) -> None:
        self.taken = taken

    def listener(self, port: int) -> str | None:
        return self.taken.get(port)


def test_a_port_of_a_program_of_the_host_is_refused_with_its_name() -> None:
    with pytest.raises(UnhealthyError, match=r"port 31880 \(federation \(Trino\)\) is taken by nginx \(pid 7\)"):
        preflight.ports(Config(), cast("Substrate", Host({31880: "nginx (pid 7)"})))
    preflight.ports(Config.model_validate({"network": {"expose": "none"}}), cast("Substrate", Host({31880: "nginx (pid 7)"})))
    preflight.ports(Config(), cast("Substrate", Host({8080: "nginx (pid 7)"})))


def test_images_that_the_registry_lacks_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config.model_validate({"images": {"registry": "registry.example.org/bdc"}})
    monkeypatch.setattr(images, "absent", lambda _names, place: [f"{place}/spark:1"])
    with pytest.raises(NotFoundError, match=r"lacks registry\.example\.org/bdc/spark:1") as refused:
        preflight.registry(config)
    assert "bdc images push --registry registry.example.org/bdc" in (refused.value.hint or "")
    monkeypatch.setattr(images, "absent", lambda _names, _place: [])
    assert preflight.registry(config) == "7 images at registry.example.org/bdc"
    assert preflight.registry(Config()) == ""


def test_a_registry_that_this_machine_can_not_ask_is_left_to_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_names: object, _place: str) -> list[str]:
        raise images.UnaskedError("registry r does not answer here")

    monkeypatch.setattr(images, "absent", silent)
    config = Config.model_validate({"images": {"registry": "r/bdc"}})
    assert preflight.registry(config) == "images not looked for (registry r does not answer here)"


def test_nodes_that_are_short_of_disk_are_waited_for_then_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_PRESSURE_SECONDS", 0.0)
    short = worker("b", taints=[{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}])
    with pytest.raises(UnhealthyError, match="node b is short of disk, so it takes no pods"):
        check(Api(nodes=[short]))
    assert check(Api(nodes=[short, worker("c")]))
