"""An application's spark.properties: the cluster's defaults, what the application needs to run here, what the user set.

The file is complete: the cluster's own spark-defaults.conf is merged into it at submit, so that a running application isn't
changed by a later `bdc up`. Later entries win; what would break the wiring is refused with the reason.
Facts behind the settings: the driver is a pod in client mode, so executors must find it by its address and at fixed ports, and executor
pods need a prefix of their own per attempt. What only the pod knows (its name, its address, its Job's name) is set on the command line,
so that the settings of a schedule serve all of its runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bdc.errors import UsageError
from bdc.spark.application import Application, Executors
from bdc.spark.labels import QUEUE, executor_labels
from bdc.spark.memory import spark_mebibytes

RPC_PORT = 7078
BLOCK_MANAGER_PORT = 7079
UI_PORT = 4040

IMAGE = "spark.kubernetes.container.image"

POOL, PRIORITY_CLASS, QUEUE_NAME = "spark.bdc.pool", "spark.bdc.priorityClass", "spark.bdc.queue"
"""Settings of a pool that bdc reads, and Spark only shows: its name, its pods' PriorityClass and its queue of Kueue's where it has them."""

WORK = "/opt/spark/work"
"""Working directory of drivers and executors (images/spark), where archives are unpacked."""

ENVIRONMENT = "environment"
"""Folder there with the packages of the application's environment."""

HDFS_USER = "spark.executorEnv.HADOOP_USER_NAME"
"""Who an application is at HDFS and the metastore."""

PYTHON_PATH = "spark.executorEnv.PYTHONPATH"

KEPT = "spark.history.fs.cleaner.maxAge"
"""The cluster's setting for how long event logs stay; in whole days, as in 30d."""

_WIRING = "bdc sets it so that driver and executors find each other"
REFUSED: Mapping[str, str] = {
    "spark.master": "applications run on the cluster's Kubernetes",
    "spark.submit.deployMode": "the driver always runs in the cluster",
    "spark.app.name": "use --name",
    "spark.app.id": "it is the name of the driver's pod",
    "spark.submit.pyFiles": "use --py-files",
    "spark.kubernetes.namespace": "an application lives in its cluster's namespace",
    "spark.kubernetes.driver.pod.name": _WIRING,
    "spark.kubernetes.executor.podNamePrefix": _WIRING,
    "spark.kubernetes.submitInDriver": _WIRING,
    "spark.driver.host": _WIRING,
    "spark.driver.port": _WIRING,
    "spark.driver.bindAddress": _WIRING,
    "spark.driver.blockManager.port": _WIRING,
    "spark.ui.port": "progress and status are read at port 4040",
    "spark.bdc.pool": "use --pool",
    "spark.bdc.priorityClass": "a pool's priority is set in bdc.yaml",
    "spark.bdc.queue": "a pool's queue is set in bdc.yaml",
    "spark.bdc.maxCpu": "a pool's bounds are set in bdc.yaml",
    "spark.bdc.maxMemory": "a pool's bounds are set in bdc.yaml",
}
"""Settings that --conf can't change, each with its reason."""


@dataclass(frozen=True)
class Uris:
    """An application's files, each as a URI that the driver reads."""

    main: str
    py_files: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    jars: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Driver:
    """What the driver's pod asks for: heap and all memory in MiB, CPU as a Kubernetes quantity."""

    heap_mebibytes: int
    memory_mebibytes: int
    cpu: str


def parse(text: str) -> dict[str, str]:
    """The entries of a spark-defaults.conf: `key value` or `key=value`, `#` comments."""
    entries = {}
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith(("#", "!")):
            continue
        cut = min((at for at in (line.find(mark) for mark in "= \t") if at > 0), default=len(line))
        entries[line[:cut]] = line[cut + 1 :].lstrip(" \t=").strip() if cut < len(line) else ""
    return entries


def render(entries: Mapping[str, str]) -> str:
    """The entries as a Java properties file."""
    return "".join(f"{_escape(key, key=True)}={_escape(value)}\n" for key, value in sorted(entries.items()))


def properties(app: Application, cluster: str, defaults: Mapping[str, str], uris: Uris, namespace: str | None = None) -> dict[str, str]:
    """All settings of one application, ready to render; `defaults` are the cluster's or the pool's, whose `namespace` it runs in.

    Raises UsageError for a setting that can't be set or is set twice.
    """
    entries = {**defaults, **_chosen(app), **_resources(app), **_asked(app)}
    entries |= {
        "spark.kubernetes.namespace": namespace or cluster,
        "spark.driver.port": str(RPC_PORT),
        "spark.driver.blockManager.port": str(BLOCK_MANAGER_PORT),
        "spark.ui.port": str(UI_PORT),
        # As for drivers that spark-submit sends to a cluster: files and archives are laid into the driver's working directory, too.
        "spark.kubernetes.submitInDriver": "true",
    }
    entries |= {f"spark.kubernetes.executor.label.{key}": value for key, value in executor_labels(cluster, defaults.get(POOL)).items()}
    if queue := entries.get(QUEUE_NAME):
        entries[f"spark.kubernetes.executor.label.{QUEUE}"] = queue
    if app.environment:
        path = [f"{WORK}/{ENVIRONMENT}", entries.get(PYTHON_PATH, "")]
        entries[PYTHON_PATH] = ":".join(filter(None, path))
    files = (("spark.files", uris.files), ("spark.jars", uris.jars), ("spark.archives", uris.archives))
    return entries | _joined(("spark.submit.pyFiles", uris.py_files), *files)


def kept_seconds(defaults: Mapping[str, str]) -> int | None:
    """How long an application stays in the list after its end; None where the cluster doesn't say."""
    days = defaults.get(KEPT, "").removesuffix("d")
    return int(days) * 86400 if days.isdigit() else None


def driver(entries: Mapping[str, str]) -> Driver:
    """What the driver's pod asks for, from an application's settings: its heap, and beside it the overhead."""
    heap = spark_mebibytes(entries.get("spark.driver.memory", "1g"), "driver-memory")
    # The cluster has one overhead for drivers and executors.
    overhead = entries.get("spark.driver.memoryOverhead") or entries.get("spark.executor.memoryOverhead", "384m")
    total = heap + spark_mebibytes(overhead, "spark.driver.memoryOverhead")
    cpu = entries.get("spark.driver.cores") or entries.get("spark.kubernetes.executor.request.cores", "100m")
    return Driver(heap, total, cpu)


def _asked(app: Application) -> dict[str, str]:
    """Settings behind spark-submit's words that are neither sizes nor files."""
    words = {
        "spark.driver.extraJavaOptions": app.driver_java_options,
        "spark.driver.extraClassPath": app.driver_class_path,
        "spark.driver.extraLibraryPath": app.driver_library_path,
    }
    lists = (
        ("spark.jars.packages", app.packages),
        ("spark.jars.excludes", app.exclude_packages),
        ("spark.jars.repositories", app.repositories),
    )
    secrets = {f"spark.kubernetes.executor.secretKeyRef.{one.variable}": f"{one.secret}:{one.key}" for one in app.secrets}
    return {key: value for key, value in words.items() if value} | _joined(*lists) | secrets


def _resources(app: Application) -> dict[str, str]:
    entries = {}
    for key, value, option in (
        ("spark.driver.memory", app.driver_memory, "driver-memory"),
        ("spark.executor.memory", app.executor_memory, "executor-memory"),
    ):
        if value:
            entries[key] = f"{spark_mebibytes(value, option)}m"
    if app.driver_cores:
        entries["spark.driver.cores"] = str(app.driver_cores)
    if app.executor_cores:
        entries["spark.executor.cores"] = str(app.executor_cores)
    return entries | (_scaling(app.executors) if app.executors else {})


def _scaling(executors: Executors) -> dict[str, str]:
    if executors.fixed:
        return {"spark.dynamicAllocation.enabled": "false", "spark.executor.instances": str(executors.maximum)}
    return {
        "spark.dynamicAllocation.enabled": "true",
        "spark.executor.instances": str(executors.minimum),
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": str(executors.minimum),
        "spark.dynamicAllocation.initialExecutors": str(max(1, executors.minimum)),
        "spark.dynamicAllocation.maxExecutors": str(executors.maximum),
    }


_OPTIONS = {
    "spark.driver.memory": "driver_memory",
    "spark.driver.cores": "driver_cores",
    "spark.executor.memory": "executor_memory",
    "spark.executor.cores": "executor_cores",
    "spark.executor.instances": "executors",
    "spark.dynamicAllocation.enabled": "executors",
    "spark.dynamicAllocation.minExecutors": "executors",
    "spark.dynamicAllocation.maxExecutors": "executors",
    "spark.dynamicAllocation.initialExecutors": "executors",
    "spark.files": "files",
    "spark.jars": "jars",
    "spark.archives": "archives",
    "spark.jars.packages": "packages",
    "spark.jars.excludes": "exclude_packages",
    "spark.jars.repositories": "repositories",
    "spark.driver.extraJavaOptions": "driver_java_options",
    "spark.driver.extraClassPath": "driver_class_path",
    "spark.driver.extraLibraryPath": "driver_library_path",
}


def _chosen(app: Application) -> dict[str, str]:
    for key in app.conf:
        if key in REFUSED:
            raise UsageError(f"--conf {key} can't be set: {REFUSED[key]}", "leave it out")
        if not key.startswith("spark."):
            raise UsageError(
                f"--conf {key} is no Spark setting", "Spark reads settings that begin with spark. only; use spark.hadoop.* for Hadoop's"
            )
        option = _OPTIONS.get(key)
        if option and getattr(app, option):
            raise UsageError(f"{key} is set twice, by --conf and by --{option.replace('_', '-')}", "leave one out")
    return dict(app.conf)


def _joined(*lists: tuple[str, Sequence[str]]) -> dict[str, str]:
    return {key: ",".join(uris) for key, uris in lists if uris}


def _escape(text: str, *, key: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if key:
        for mark in (" ", "=", ":"):
            text = text.replace(mark, f"\\{mark}")
        return f"\\{text}" if text[:1] in "#!" else text
    return f"\\{text}" if text[:1] == " " else text
