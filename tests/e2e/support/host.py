"""A test host: network, mount and host name namespaces on this machine in which a whole Kubernetes node of its own can live.

It shares the machine's kernel, /usr and bdc's caches, and has its own of all that a node keeps: folders, cgroups, network. Whatever it
makes outside of its namespaces (links, cgroups, one folder in /run/bdc-e2e) carries its name, so that what a killed test left can be
removed by the next one. It works beside a node of the machine itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from bdc.config.paths import cache_dir
from tests.e2e.support.forked import Forked
from tests.e2e.support.sessions import Sessions

RUN = Path("/run/bdc-e2e")
TURNS = Path("/run/lock/bdc-e2e")
CHECKOUT = Path(__file__).parents[3]
_CGROUPS = Path("/sys/fs/cgroup")
_PATH = f"{Path(sys.executable).parent}:{{tools}}:/usr/sbin:/usr/bin:/sbin:/bin"
_HIDDEN_PROGRAMS = ("go", "mvn", "java", "javac", "docker", "podman", "nerdctl")
# Folder of the host -> how its own one is made: "disk" outlives a kill of all processes as a real disk does, as does "tmpfs" here.
_OWN_FOLDERS = {
    "/etc/kubernetes": "disk",
    "/etc/cni/net.d": "disk",
    "/etc/containerd": "disk",
    "/var/lib/kubelet": "disk",
    "/var/lib/etcd": "disk",
    "/var/lib/containerd": "disk",
    "/var/lib/cni": "disk",
    "/var/lib/bdc": "disk",
    "/var/log": "disk",
    "/run/containerd": "tmpfs",
    "/run/netns": "tmpfs",
    "/run/bdc": "tmpfs",
}
_INDICES = range(1, 100)
"""Numbers of hosts: parts of their addresses, and of those of their pods."""
_SHARED = ("/var/lib/kubelet", "/run/netns")


@dataclass(frozen=True)
class _Numbers:
    """Addresses of the host numbered `index`, and of one beside it in its network."""

    index: int
    first: int = 2

    @property
    def gateway(self) -> str:
        return f"10.231.{self.index}.1"

    @property
    def node(self) -> str:
        return f"10.231.{self.index}.{self.first}"

    @property
    def outside(self) -> str:
        return f"10.231.{self.index}.{self.first + 1}"


class TestHost:
    """One test host. Use it as a context manager, or call `close`. `beside`: in that host's network, instead of one of its own."""

    __test__ = False  # pytest: not a test class

    def __init__(self, name: str, *, beside: TestHost | None = None) -> None:
        if not name.isalnum() or len(name) > 8:
            raise ValueError(f"{name}: up to eight letters and digits, as it becomes part of links' names")
        self.name = f"bdce2e-{name}"
        self._number: IO[str] | None = None
        self._numbers: _Numbers
        if beside:
            self._numbers = _Numbers(beside._numbers.index, 4)
        else:
            index, self._number = _free_number()
            self._numbers = _Numbers(index)
        self._link: str = f"e2{name}"
        self._bridge: str = beside._link if beside else self._link
        self.folder = RUN / self.name
        self.cgroup_root = f"/{self.name}"
        self.address = self._numbers.node
        self.outside_address = self._numbers.outside
        self._turn = _turn(self.name)
        self._forked = Forked(self.popen, self.folder)
        self._sessions = Sessions(self._fed)
        self.close()
        self._make()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._turn.close()
        if self._number:
            self._number.close()

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        user: int | None = None,
        timeout_seconds: float = 600,
        env: Mapping[str, str] | None = None,
        outside: bool = False,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the host, as root or as the user with this id; `outside`: on the neighbour that sees only its address."""
        return subprocess.run(
            self._enter(argv, user, outside=outside),
            env=self.environment(user) | dict(env or {}),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )

    def bdc(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None, timeout_seconds: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of bdc as root, by forked.py."""
        return self._forked.run(arguments, self.environment() | dict(env or {}), stdin, timeout_seconds)

    def sql(self, engine: str, sql: str) -> subprocess.CompletedProcess[str]:
        """A statement by `bdc -q sql query -o json`, in a session that stays open, by sessions.py."""
        return self._sessions.ask(engine, sql)

    def end_sessions(self) -> None:
        """End what `sql` keeps open; Spark has a pod for it."""
        self._sessions.close()

    def popen(
        self, argv: Sequence[str | Path], *, user: int | None = None, env: Mapping[str, str] | None = None, outside: bool = False
    ) -> subprocess.Popen[str]:
        """Start a program in the host, or on its outside neighbour, in a process group of its own."""
        return subprocess.Popen(
            self._enter(argv, user, outside=outside),
            env=self.environment(user) | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _fed(self, argv: Sequence[str | Path]) -> subprocess.Popen[str]:
        """Start a program that is told things on stdin; what it says on stderr is the tests'."""
        return subprocess.Popen(
            self._enter(argv, None, outside=False),
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def environment(self, user: int | None = None) -> dict[str, str]:
        """Environment of the host's programs: nothing of the tester's but the caches."""
        home = self.folder / ("home" if user is None else f"home-{user}")
        return {
            "PATH": _PATH.format(tools=self.folder / "tools"),
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "BDC_CACHE": str(cache_dir()),
            "BDC_NODE_CGROUP_ROOT": self.cgroup_root,
            "BDC_POD_SUBNET": f"10.{130 + self._numbers.index}.0.0/16",
            "PYTHONPATH": str(CHECKOUT),
            "LANG": "C.UTF-8",
        }

    def processes(self) -> set[int]:
        """All processes of the host; none of them holds its namespaces, which are kept by bind mounts."""
        return self._all_processes()

    def kill_all(self) -> int:
        """Kill every process of the host at once, as a loss of power would; its disks and namespaces stay. How many there were."""
        count = 0
        for _ in range(20):
            found = self.processes()
            count += len(found)
            if not found:
                return count
            _kill(found)
        raise RuntimeError(f"processes of {self.name} don't end: {self.processes()}")

    def close(self) -> None:
        """Remove all of it, also what an earlier, killed run of this name left."""
        self._forked.close()
        self._sessions.close()
        for _ in range(20):
            if not (found := self._all_processes()):
                break
            _kill(found)
        for kind in ("net", "mnt", "uts", "out"):
            for _ in range(4):  # bind mounts may lie on each other
                if subprocess.run(["umount", "-l", self.folder / "ns" / kind], capture_output=True, check=False).returncode:
                    break
        subprocess.run(["umount", "-l", self.folder / "ns"], capture_output=True, check=False)
        for link in (self._link, f"{self._link}n", f"{self._link}o"):
            subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
        self._remove_cgroups()
        if self.folder.exists():
            shutil.rmtree(self.folder)
        with suppress(OSError):
            RUN.rmdir()

    def _make(self) -> None:
        for part in ("disk", "ns", "home", "home-1000", "tools"):
            (self.folder / part).mkdir(parents=True)
        os.chown(self.folder / "home-1000", 1000, 1000)
        self._make_cgroups()
        # Namespaces are kept by bind mounts, which must be private for the mount namespace's own to be possible.
        namespaces = self.folder / "ns"
        _sh("mount", "--bind", namespaces, namespaces)
        _sh("mount", "--make-private", namespaces)
        for kind in ("net", "mnt", "uts", "out"):
            (namespaces / kind).touch()
        _sh("unshare", f"--net={namespaces}/net", f"--mount={namespaces}/mnt", f"--uts={namespaces}/uts", "--propagation=private", "true")
        _sh("unshare", f"--net={namespaces}/out", "true")
        self._make_network()
        script = ["set -e", "mount --make-rprivate /", f"hostname {self.name}"]
        # The machine's own node may have mounts in these folders: they came along, and would lie below ours for ever.
        covered = "awk '$2 ~ \"^{}/\" {{print $2}}' /proc/self/mounts | tac | xargs -r umount -l"
        script += [covered.format(folder) for folder in _OWN_FOLDERS]
        script += self._open_root_home()
        for folder, kind in _OWN_FOLDERS.items():
            disk = f"{self.folder}/disk/{folder.strip('/').replace('/', '_')}"
            mount = f"mkdir -p {disk} && mount --bind {disk} {folder}" if kind == "disk" else f"mount -t tmpfs -o mode=755 tmpfs {folder}"
            script += [f"mkdir -p {folder}", mount]
        script += [f"mount --make-rshared {folder}" for folder in _SHARED]
        # A host without developers' tools: their folders are not on PATH, and those in /usr/bin are covered.
        script += [f"[ ! -e /usr/bin/{name} ] || mount --bind /dev/null /usr/bin/{name}" for name in _HIDDEN_PROGRAMS]
        done = self.run(["sh", "-c", "\n".join(script)])
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr}")

    def _open_root_home(self) -> list[str]:
        """Give the host a /root of its own that other users may enter: the interpreter and the caches may lie in the machine's."""
        needed = {path for each in (sys.base_prefix, sys.prefix, CHECKOUT, cache_dir()) if (path := Path(each)).is_relative_to("/root")}
        lines = []
        for number, path in enumerate(sorted(needed)):
            lines += [f"mkdir {self.folder}/root{number}", f"mount --bind {path} {self.folder}/root{number}"]
        lines.append("mount -t tmpfs -o mode=755 tmpfs /root")
        for number, path in enumerate(sorted(needed)):
            lines += [f"mkdir -p {path}", f"mount --move {self.folder}/root{number} {path}", f"rmdir {self.folder}/root{number}"]
        return lines

    def _make_network(self) -> None:
        """A bridge on the machine, or another host's; the host and its outside neighbour each have one end of a veth in it."""
        if self._bridge == self._link:
            _sh("ip", "link", "add", self._link, "type", "bridge")
            _sh("ip", "addr", "add", f"{self._numbers.gateway}/24", "dev", self._link)
            _sh("ip", "link", "set", self._link, "up")
        for suffix, address, namespace in (("n", self._numbers.node, "net"), ("o", self._numbers.outside, "out")):
            end = f"{self._link}{suffix}"
            inside = ["nsenter", f"--net={self.folder}/ns/{namespace}"]
            sleeper = self._sleep_in(namespace)
            _sh("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", str(sleeper.pid))
            _sh("ip", "link", "set", end, "master", self._bridge, "up")
            _sh(*inside, "ip", "link", "set", "lo", "up")
            _sh(*inside, "ip", "addr", "add", f"{address}/24", "dev", "eth0")
            _sh(*inside, "ip", "link", "set", "eth0", "up")
            sleeper.kill()
            sleeper.wait()

    def _sleep_in(self, namespace: str) -> subprocess.Popen[bytes]:
        """A process in a network namespace: `ip link add ... netns PID` needs one."""
        process = subprocess.Popen(["nsenter", f"--net={self.folder}/ns/{namespace}", "sleep", "60"], start_new_session=True)
        wanted = os.stat(self.folder / "ns" / namespace).st_ino  # noqa: PTH116 - follows the bind mount
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and Path(f"/proc/{process.pid}/ns/net").stat().st_ino != wanted:
            time.sleep(0.01)
        return process

    def _make_cgroups(self) -> None:
        for top in _controllers():
            folder = top / self.name
            folder.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (folder / name).exists() and not (folder / name).read_text().strip():
                    (folder / name).write_text((top / name).read_text())

    def _remove_cgroups(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            folders = [folder for top in _controllers() if (folder := top / self.name).is_dir()]
            if not folders or time.monotonic() > deadline:
                return
            for folder in folders:
                with suppress(OSError):  # the kubelet's last removals may go on while we look
                    below = [each for each in folder.rglob("*") if each.is_dir()]
                    for path in (*sorted(below, key=lambda each: -len(each.parts)), folder):
                        with suppress(OSError):
                            path.rmdir()
            time.sleep(0.05)

    def _enter(self, argv: Sequence[str | Path], user: int | None, *, outside: bool) -> list[str]:
        namespaces = self.folder / "ns"
        if outside:
            command = ["nsenter", f"--net={namespaces}/out"]
        else:
            command = ["nsenter", f"--net={namespaces}/net", f"--mount={namespaces}/mnt", f"--uts={namespaces}/uts"]
        if user is not None:
            command += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        return [*command, *(str(part) for part in argv)]

    def _all_processes(self) -> set[int]:
        """Processes in the host's cgroups, or in its network or mount namespace."""
        found: set[int] = set()
        for top in _controllers():
            for folder, _, _ in os.walk(top / self.name):  # which leaves out what goes while it walks
                with suppress(OSError):
                    found |= {int(line) for line in (Path(folder) / "cgroup.procs").read_text().split()}
        inodes = set()
        for kind in ("net", "mnt", "out"):
            with suppress(OSError):
                inodes.add((self.folder / "ns" / kind).stat().st_ino)
        own = {Path(f"/proc/self/ns/{kind}").stat().st_ino for kind in ("net", "mnt")}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and entry.name != str(os.getpid()):
                with suppress(OSError):
                    mine = {(entry / "ns" / kind).stat().st_ino for kind in ("net", "mnt")}
                    if mine & (inodes - own) and _runs(int(entry.name)):
                        found.add(int(entry.name))
        return {pid for pid in found if _runs(pid)}


def _controllers() -> list[Path]:
    """Roots of the cgroup hierarchies: one with v2, one a controller with v1."""
    roots = [_CGROUPS, *(folder for folder in _CGROUPS.glob("*") if folder.is_dir() and not folder.is_symlink())]
    return [root for root in roots if (root / "cgroup.procs").exists() and (root == _CGROUPS or os.path.ismount(root))]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def _kill(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)


def _sh(*argv: str | Path) -> None:
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(str(part) for part in argv)}: {done.stderr.strip()}")


def _free_number() -> tuple[int, IO[str]]:
    """A number whose addresses no host has, of this run or another one, nor what a killed run left; closing the file gives it back."""
    TURNS.mkdir(parents=True, exist_ok=True)
    taken = subprocess.run(["ip", "-o", "-4", "addr"], capture_output=True, text=True, check=True).stdout
    for index in _INDICES:
        file = (TURNS / f"number-{index}").open("w")
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if f" {_Numbers(index).gateway}/" not in taken:
                return index, file
        file.close()
    raise RuntimeError(f"all numbers of test hosts are taken; {RUN} has what is left of them")


def _turn(name: str) -> IO[str]:
    """Wait for another run of the tests, such as another checkout's, that has a host of this name; closing it lets the next one go on."""
    TURNS.mkdir(parents=True, exist_ok=True)
    file = (TURNS / name).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"waiting for another run's test host {name}", flush=True)  # noqa: T201
        fcntl.flock(file, fcntl.LOCK_EX)
    return file
