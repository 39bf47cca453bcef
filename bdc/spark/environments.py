"""Environments: Python packages of a requirements.txt or environment.yml as an archive on HDFS, for driver and executors of an application.

A Job in the cluster makes the archive, with the Python that the executors have, and lays it on HDFS under the digest of what it was made
of: the requirements, the image, and what was said to pip. What is there already is not made again. A name is a description beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import yaml

from bdc.config.names import HADOOP_CONF, NAMESERVICE, labels
from bdc.config.paths import resources
from bdc.config.restricted import UIDS, container_security, pod_security
from bdc.errors import BdcError, DeadlineError, NotFoundError, UsageError
from bdc.kube import ApiError, ApiNotFoundError, Kube
from bdc.kube.diagnose import diagnose_pod
from bdc.kube.podlog import PodLog
from bdc.kube.selector import label_selector
from bdc.kube.wait import until
from bdc.spark.defaults import builder_image, defaults_of
from bdc.spark.labels import JOB
from bdc.spark.queries import job_path, list_all, pods_path
from bdc.spark.settings import ENVIRONMENT, IMAGE

FOLDER = "/spark/environments"
COMPONENT = "spark-environment"
_CONTAINER = "pip"
_NAME = re.compile(r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")
_CONDA = re.compile(r"^\s*(?:dependencies|channels):", re.MULTILINE)
_CONDA_PYTHON = re.compile(r"^python\s*((?:[=<>~!][=<>~!\d.*,\s]*)?)$")
PYTHON = "3.13"
"""The Python of drivers and executors (images/spark), a minor version."""

_PASSWORD = re.compile(r"://[^/\s]*@")
_KEPT_SECONDS = 3600
_MOST_SECONDS = 3600
_MOST_CHARACTERS = 100_000
_POLL_SECONDS = 0.5
_GONE_SECONDS = 120.0


class Folder(Protocol):
    """What is needed of HDFS. Paths are absolute."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        ...

    def ls(self, path: str) -> list[Any]:
        """What is in a folder; each has a `path`."""
        ...

    def read(self, path: str) -> Any:
        """A file's content, in pieces."""
        ...

    def rm(self, path: str) -> None:
        """Remove a file."""
        ...


@dataclass(frozen=True)
class Environment:
    """Packages by name with their versions, as they were installed; `size` is the archive's, in bytes."""

    name: str
    digest: str
    requirements: str
    packages: dict[str, str]
    size: int
    created: datetime

    @property
    def uri(self) -> str:
        """The archive, as `spark.archives` wants it."""
        return f"hdfs://{NAMESERVICE}{FOLDER}/{self.digest}.tar.gz#{ENVIRONMENT}"


@dataclass(frozen=True)
class PackageList:
    """What an environment is made of: the text of a requirements.txt and what pip is told besides, such as --index-url."""

    requirements: str
    pip: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(_PASSWORD.search(text) for text in (self.requirements, *self.pip)):
            raise UsageError(
                "an address of a package index has a user and a password in it, which would be read by many",
                "put it into pip.conf in a Secret: kubectl create secret generic pip --from-file=pip.conf",
            )

    def digest(self, image: str) -> str:
        """Stands for the content: the requirements without comments, pip's words, and the Spark image, which has the Python."""
        lines = [line.strip() for line in self.requirements.splitlines()]
        wanted = [line for line in lines if line and not line.startswith("#")]
        return hashlib.sha256(json.dumps([wanted, self.pip, image]).encode()).hexdigest()[:24]

    @classmethod
    def read(cls, file: Path, pip: tuple[str, ...] = ()) -> PackageList:
        """From a file. Raises UsageError for one that can't be read or used."""
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file} can't be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from error
        if file.suffix in (".yml", ".yaml") or _CONDA.search(text):
            text = _of_conda(file, text)
        if len(text) > _MOST_CHARACTERS:
            raise UsageError(f"{file} is longer than {_MOST_CHARACTERS} characters")
        if local := re.search(r"(?m)^\s*(-[rce]\b|--requirement|--constraint|--editable|\.{0,2}/).*", text):
            raise UsageError(f"{file} names another file ({local[0].strip()}), which is not in the cluster", "write its lines out")
        return cls(text, pip)


def _of_conda(file: Path, text: str) -> str:
    """The packages for pip of an environment.yml, as a requirements.txt. Raises UsageError for packages of conda's own.

    https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html
    """
    hint = "list what pip can install below `- pip:`; the cluster's own Python installs it"
    try:
        dependencies = list(yaml.safe_load(text)["dependencies"])
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise UsageError(f"{file} is no environment.yml: it has no list of dependencies", hint) from error
    wanted: list[str] = []
    others: list[str] = []
    for one in dependencies:
        if isinstance(one, dict) and set(one) == {"pip"} and isinstance(one["pip"], list):
            wanted += map(str, one["pip"])
        elif match := _CONDA_PYTHON.match(str(one)):
            if not _has_python(match[1]):
                raise UsageError(f"{file} asks for {one}, and the cluster has Python {PYTHON}", f"write python={PYTHON}, or leave it out")
        elif str(one) not in ("pip", "setuptools", "wheel"):
            others.append(str(one))
    if others:
        raise UsageError(f"{file} asks for packages of conda's own, which are not available here: {', '.join(others)}", hint)
    return "".join(f"{line}\n" for line in wanted)


def _has_python(wanted: str) -> bool:
    """Whether the cluster's Python is one of these, as conda writes them: =3.13, >=3.11,<3.14."""
    from bdc.toolchain import versions

    for clause in filter(None, wanted.replace(" ", "").split(",")):
        exactly = re.fullmatch(r"={1,2}(\d+\.\d+)[.\d*]*", clause)
        if exactly:
            if exactly[1] != PYTHON:
                return False
        elif not versions.satisfies(PYTHON, clause):
            return False
    return True


def name_of(file: Path, digest: str) -> str:
    """The name of an environment that nobody named."""
    stem = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:24].rstrip("-")
    return f"{stem if stem[:1].isalpha() else f'env-{stem}'.rstrip('-')}-{digest[:8]}"


def check_name(name: str) -> None:
    """Raise UsageError unless `name` can be an environment's."""
    if not _NAME.match(name):
        raise UsageError(f"{name!r} can't be an environment's name", "use at most 40 lower-case letters, digits and dashes, a letter first")


def environments(files: Folder) -> list[Environment]:
    """All environments by name."""
    if not files.exists(FOLDER):
        return []
    return sorted((_read(files, one.path) for one in files.ls(FOLDER) if one.path.endswith(".json")), key=lambda one: one.name)


def find(files: Folder, name: str) -> Environment:
    """The environment of this name. Raises NotFoundError."""
    path = f"{FOLDER}/{name}.json"
    if not _NAME.match(name) or not files.exists(path):
        raise NotFoundError(f"there is no environment {name}", "bdc spark env list shows all; a requirements.txt is named by its path")
    return _read(files, path)


def delete(files: Folder, name: str) -> None:
    """Remove an environment, and its archive unless another has the same. Raises NotFoundError."""
    found = find(files, name)
    files.rm(f"{FOLDER}/{name}.json")
    if found.digest not in {one.digest for one in environments(files)}:
        with suppress(NotFoundError):
            files.rm(f"{FOLDER}/{found.digest}.tar.gz")


def _check_administrator(kube: Kube) -> None:
    if kube.person:
        raise UsageError(
            "environments are made by the cluster's administrator, as packages run code while they are made",
            "name one that is there, with --environment NAME: bdc spark env list",
        )


def build(
    kube: Kube, cluster: str, files: Folder, source: PackageList, name: str | None = None, *, stem: Path, on_line: Callable[[str], None]
) -> Environment:
    """Make an environment where it isn't there yet; `on_line` gets what pip says. Returns it.

    Raises UsageError for a name that can't be one and for an ordinary user, BdcError with pip's own last words when it fails.
    """
    _check_administrator(kube)
    defaults = defaults_of(kube, cluster)
    image = builder_image(kube, cluster)
    digest = source.digest(defaults[IMAGE])
    name = name or name_of(stem, digest)
    check_name(name)
    with suppress(NotFoundError):
        found = find(files, name)
        if found.digest == digest and files.exists(f"{FOLDER}/{digest}.tar.gz"):
            return found
    secret = defaults.get("spark.kubernetes.container.image.pullSecrets")
    job = f"environment-{digest[:16]}"
    _start(kube, cluster, job, manifest(cluster, job, source, name, digest, image, secret))
    _follow(kube, cluster, job, on_line)
    return find(files, name)


def manifest(
    cluster: str, job: str, source: PackageList, name: str, digest: str, image: str, pull_secret: str | None = None
) -> dict[str, Any]:
    """The Job."""
    script = (resources("manifests") / "spark" / "environment.py").read_text(encoding="utf-8")
    values = {
        "REQUIREMENTS": source.requirements,
        "DIGEST": digest,
        "NAME": name,
        "FOLDER": FOLDER,
        "HADOOP_USER_NAME": "bdc",
        "HOME": "/tmp",  # noqa: S108
    }
    container = {
        "name": _CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["tini", "--", "python3", "-u", "-c", script.replace("$", "$$"), *(word.replace("$", "$$") for word in source.pip)],
        "env": [{"name": key, "value": value.replace("$", "$$")} for key, value in values.items()],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}},
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "hadoop", "mountPath": "/etc/hadoop", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": "pip", "mountPath": "/etc/xdg/pip", "readOnly": True},
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(UIDS["bdc"], fsGroup=UIDS["bdc"]),
        "containers": [container],
        "volumes": [
            {"name": "hadoop", "configMap": {"name": HADOOP_CONF}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "8Gi"}},
            # pip.conf, with the way to an index and its password, where somebody has made the Secret
            {"name": "pip", "secret": {"secretName": "pip", "optional": True, "defaultMode": 0o440}},
        ],
    }
    if pull_secret:
        spec["imagePullSecrets"] = [{"name": pull_secret}]
    marks = labels(cluster, "spark", COMPONENT)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job, "namespace": cluster, "labels": marks},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "activeDeadlineSeconds": _MOST_SECONDS,
            "template": {"metadata": {"labels": marks}, "spec": spec},
        },
    }


def _start(kube: Kube, namespace: str, name: str, job: dict[str, Any]) -> None:
    """Make the Job; one that goes on is as good, one that has ended makes room."""
    path = job_path(namespace, name)
    late = DeadlineError(
        f"the Job {name} of an earlier try is still being deleted after {_GONE_SECONDS:.0f} s",
        f"see what holds it: kubectl -n {namespace} describe job {name}; then run the command again",
    )
    with suppress(ApiNotFoundError):
        if _ended(kube.request("GET", path)) is None:
            return
        kube.request("DELETE", path, query={"propagationPolicy": "Foreground"})
        until(lambda: _gone(kube, path), lambda: late, seconds=_GONE_SECONDS, pause_seconds=_POLL_SECONDS)
    kube.request("POST", job_path(namespace), job)


def _gone(kube: Kube, path: str) -> bool:
    try:
        kube.request("GET", path)
    except ApiNotFoundError:
        return True
    return False


def _follow(kube: Kube, namespace: str, name: str, on_line: Callable[[str], None]) -> None:
    """Pass the Job's log on until it has ended; Kubernetes ends it after _MOST_SECONDS."""
    log: PodLog | None = None
    last = ""

    def complete() -> bool:
        nonlocal log, last
        ended = _ended(kube.request("GET", job_path(namespace, name)))
        for pod in list_all(kube, pods_path(namespace), label_selector({JOB: name})):
            log = log or PodLog(kube, namespace, pod["metadata"]["name"], _CONTAINER)
            if ended is None and not _exited(pod) and (found := diagnose_pod(kube, pod)):
                raise BdcError(str(found), found.hint)
        for line in _lines(log, final=ended is not None):
            last = line if line.strip() else last
            on_line(line)
        if ended not in (None, "Complete"):
            raise BdcError(f"the environment could not be made: {last or 'pip said nothing'}", _advice(last))
        return ended == "Complete"

    late = DeadlineError(
        f"the Job {name} has neither made the environment nor failed after {_MOST_SECONDS + _GONE_SECONDS:.0f} s",
        f"see what holds it: kubectl -n {namespace} describe job {name}; then run the command again",
    )
    until(complete, lambda: late, seconds=_MOST_SECONDS + _GONE_SECONDS, pause_seconds=_POLL_SECONDS)


def _exited(pod: dict[str, Any]) -> bool:
    return any("terminated" in one.get("state", {}) for one in pod.get("status", {}).get("containerStatuses") or [])


def _lines(log: PodLog | None, *, final: bool) -> list[str]:
    if log is None:
        return []
    try:
        return log.read(final=final)
    except ApiError as error:
        if error.code in (400, 404):  # the container isn't there yet
            return []
        raise


def _advice(last: str) -> str | None:
    if "No matching distribution" in last:
        return (
            "is the name right, and is there a wheel for this Python? What has none can't be built here: make a wheel, and an index for it"
        )
    return "does the cluster reach the package index? --index-url names another; a Secret `pip` with pip.conf holds for all"


def _ended(job: dict[str, Any]) -> str | None:
    for condition in job.get("status", {}).get("conditions") or []:
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition["type"])
    return None


def _read(files: Folder, path: str) -> Environment:
    found = json.loads(b"".join(files.read(path)))
    created = datetime.fromisoformat(found["created"])
    return Environment(found["name"], found["digest"], found["requirements"], found["packages"], found["bytes"], created)
