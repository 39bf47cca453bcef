import sys
from pathlib import Path

import pytest

from bdc.cluster.embedded import host, preflight, processes
from bdc.cluster.embedded.layout import Layout
from bdc.cluster.embedded.records import Begun, Settings, write_record
from bdc.errors import BdcError, UsageError


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A host that could be a node."""
    monkeypatch.setattr(preflight, "check_packages", lambda: None)
    monkeypatch.setattr(preflight, "KUBERNETES_DIR", tmp_path / "kubernetes")
    monkeypatch.setattr(preflight, "KUBELET_DIR", tmp_path / "kubelet")
    monkeypatch.setattr(preflight, "ADMIN_KUBECONFIG", tmp_path / "kubernetes" / "admin.conf")
    monkeypatch.setattr(host, "available_memory_bytes", lambda: 8 * 1024**3)
    monkeypatch.setattr(host, "listener", lambda port: None)
    return Layout(home=tmp_path / "home", run=tmp_path / "run", volumes=tmp_path / "volumes")


def test_a_free_host_is_accepted(layout: Layout) -> None:
    preflight.check_before_install(layout)


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "is_root", lambda: False)
    with pytest.raises(UsageError, match="needs root") as raised:
        preflight.check_host()
    assert "--kubeconfig" in (raised.value.hint or "")


def test_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="needs Linux"):
        preflight.check_host()


def test_too_little_memory(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "available_memory_bytes", lambda: 2 * 1024**3)
    with pytest.raises(UsageError, match=r"2\.0 GiB"):
        preflight.check_before_install(layout)


def test_a_taken_port_names_who_took_it(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "listener", lambda port: "etcd (pid 12)" if port == 2379 else None)
    with pytest.raises(UsageError, match=r"port 2379, which etcd needs, is taken by etcd \(pid 12\)"):
        preflight.check_before_install(layout)


def test_a_foreign_kubernetes(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "kubernetes").mkdir()
    (tmp_path / "kubernetes" / "admin.conf").touch()
    with pytest.raises(UsageError, match="didn't make"):
        preflight.check_before_install(layout)


def test_our_own_left_over_is_not_foreign(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "kubernetes").mkdir()
    (tmp_path / "kubernetes" / "admin.conf").touch()
    write_record(layout.begun, Begun(Settings("192.0.2.1", "host7")))
    preflight.check_before_install(layout)


def test_a_changed_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "addresses", lambda: ["192.0.2.9"])
    preflight.check_same_address("192.0.2.9")
    with pytest.raises(UsageError, match=r"192\.0\.2\.1, which this host no longer has \(it has 192\.0\.2\.9\)"):
        preflight.check_same_address("192.0.2.1")


def test_addresses_of_bridges_are_not_the_hosts() -> None:
    answer = """[{"ifname": "docker0", "addr_info": [{"local": "172.17.0.1"}]}, {"ifname": "bdc0", "addr_info": [{"local": "10.244.0.1"}]},
      {"ifname": "eth0", "addr_info": [{"local": "192.0.2.2"}, {"local": "192.0.2.3"}]}, {}]"""
    assert host.parse_addresses(answer) == ["192.0.2.2", "192.0.2.3"]
    assert host.parse_addresses("") == []


def test_a_broken_record_says_what_to_do(layout: Layout) -> None:
    layout.home.mkdir()
    layout.begun.write_text("{")
    with pytest.raises(BdcError, match="can't read"):
        preflight.check_foreign_kubernetes(layout)


def test_processes_of_another_mount_namespace_are_not_ours(tmp_path: Path) -> None:
    for pid, program, namespace in (("self", "python", "1"), ("7", "kubelet", "1"), ("8", "kubelet", "2"), ("9", "sh", "1")):
        entry = tmp_path / pid
        (entry / "ns").mkdir(parents=True)
        (entry / "ns" / "mnt").symlink_to(f"mnt:[{namespace}]")
        (entry / "exe").symlink_to(f"/node/bin/{program}" if program == "kubelet" else f"/usr/bin/{program}")
    assert processes.own_processes(Path("/node/bin"), tmp_path) == {7}


def test_a_listener_on_loopback_is_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    line = 'LISTEN 0 128 {}:31433 0.0.0.0:* users:(("python",pid=7,fd=3))'
    for address, who in (("127.0.0.1", None), ("[::1]", None), ("0.0.0.0", "python (pid 7)"), ("*", "python (pid 7)")):
        monkeypatch.setattr(host, "run", lambda *_, address=address, **__: line.format(address))
        assert host.listener(31433, loopback=False) == who
        assert host.listener(31433) == "python (pid 7)"
