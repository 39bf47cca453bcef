"""The pieces of a pod that are the same everywhere: security context, resources, probes, volumes, environment.

Every pod satisfies the Pod Security Standard "restricted"; the namespace enforces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bdc.config.model import Resources, pod
from bdc.config.names import labels
from bdc.config.restricted import container_security, pod_security
from bdc_stacks.stack_context import StackContext, digest

Json = dict[str, Any]

TLS_PATH = "/etc/bdc/tls"
_START_SECONDS = 600

JOB = pod("100m", "32Mi", "128Mi")
"""What a Job has that others wait for: where engines start beside it, its request is its share, and a tenth of this held them up."""


def resources(of: Resources) -> Json:
    """Requests and the memory limit of a container; idle CPU may always be used."""
    return {"requests": {"cpu": of.cpu, "memory": of.memory}, "limits": {"memory": of.memory_limit}}


def env(values: Mapping[str, str] | None = None, secret: Mapping[str, tuple[str, str]] | None = None, **fields: str) -> list[Json]:
    """Environment: plain values, `secret` = {variable: (Secret, key)}, and keyword = path of a pod field."""
    listed: list[Json] = [{"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}} for key, path in fields.items()]
    listed += [{"name": key, "valueFrom": {"secretKeyRef": {"name": name, "key": item}}} for key, (name, item) in (secret or {}).items()]
    return listed + [{"name": key, "value": value} for key, value in (values or {}).items()]


def container(name: str, image: str, of: Resources, **more: Any) -> Json:
    """A container that may not gain rights."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": resources(of),
        "securityContext": container_security(),
        **more,
    }


def tcp(port: int, **more: int) -> Json:
    """A probe that connects."""
    return {"tcpSocket": {"port": port}, **more}


def http(path: str, port: int, *, scheme: str = "HTTP", **more: int) -> Json:
    """A probe that asks."""
    return {"httpGet": {"path": path, "port": port, "scheme": scheme}, **more}


def starting(probe: Json, period_seconds: int = 1) -> Json:
    """A startup probe, which gives a server as long as `bdc up` does: where everything starts at once on a busy machine it takes many times
    as long as usual, and one that is ended meanwhile begins from the front."""
    return {**probe, "periodSeconds": period_seconds, "failureThreshold": _START_SECONDS // period_seconds}


def beats(file: str, period_seconds: int, **more: int) -> Json:
    """A probe that asks whether a loop touched its file within a minute."""
    command = ["sh", "-c", f'test -n "$(find {file} -mmin -1)"']
    return {"exec": {"command": command}, "periodSeconds": period_seconds, "timeoutSeconds": 5, **more}


def config_map(name: str, config: str, path: str, *, optional: bool = False) -> tuple[Json, Json]:
    """Volume and mount of a ConfigMap."""
    return {"name": name, "configMap": {"name": config, "optional": optional}}, {"name": name, "mountPath": path, "readOnly": True}


def secret(name: str, of: str, path: str, *keys: str, optional: bool = False) -> tuple[Json, Json]:
    """Volume and mount of a Secret, or of some of its keys, readable by the pod's group only; `optional`: it may come later."""
    source: Json = {"secretName": of, "defaultMode": 0o440} | ({"optional": True} if optional else {})
    if keys:
        source["items"] = [{"key": key, "path": key} for key in keys]
    return {"name": name, "secret": source}, {"name": name, "mountPath": path, "readOnly": True}


def scratch(name: str, path: str, *, memory: bool = False, limit: str | None = None) -> tuple[Json, Json]:
    """Volume and mount of a folder that goes with the pod."""
    volume: Json = {}
    if memory:
        volume["medium"] = "Memory"
    if limit:
        volume["sizeLimit"] = limit
    return {"name": name, "emptyDir": volume}, {"name": name, "mountPath": path}


def template(
    site: StackContext,
    part: str,
    component: str,
    uid: int,
    containers: Iterable[Json],
    volumes: Iterable[Json],
    *,
    checksum: str = "",
    more_labels: Mapping[str, str] | None = None,
    **more: Any,
) -> Json:
    """A pod template; `checksum` stands for configuration whose change must roll the pods, as does a change of the Secrets that it uses."""
    spec: Json = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(uid, writes=True),
        "containers": list(containers),
        "volumes": list(volumes),
        **more,
    }
    if site.pull_secret:
        spec["imagePullSecrets"] = [{"name": site.pull_secret}]
    metadata: Json = {"labels": {**labels(site.cluster, part, component), **(more_labels or {})}}
    annotations = {"bdc.dev/configuration": checksum, "bdc.dev/credentials": _credentials(site, spec)}
    if given := {name: value for name, value in annotations.items() if value}:
        metadata["annotations"] = given
    return {"metadata": metadata, "spec": spec}


def _credentials(site: StackContext, spec: Json) -> str:
    """What stands for the values of the Secrets that a pod uses, in its environment or as files; empty where none has a revision."""
    used = set()
    for one in (*spec["containers"], *spec.get("initContainers", ())):
        sources = [variable.get("valueFrom", {}).get("secretKeyRef") for variable in one.get("env", ())]
        used |= {(source["name"], source["key"]) for source in sources if source}
    for source in [volume["secret"] for volume in spec["volumes"] if "secret" in volume]:
        keys = [item["key"] for item in source.get("items", ())] or [key for name, key in site.revisions if name == source["secretName"]]
        used |= {(source["secretName"], key) for key in keys}
    known = sorted((*key, site.revisions[key]) for key in used if key in site.revisions)
    return digest(known) if known else ""
