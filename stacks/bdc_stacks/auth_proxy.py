"""The authenticating proxy of an engine without TLS or passwords of its own: an HAProxy beside it in the pod, and the outside Service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi
import pulumi_kubernetes as k8s

from bdc.config import workloads
from bdc.config.model import pod as sized
from bdc.config.names import CREDENTIALS, USERS, USERS_OF_PROXIES, pool_token, selector
from bdc.config.render import render
from bdc.config.restricted import UIDS
from bdc.config.workloads import Endpoint
from bdc_stacks import pods
from bdc_stacks.stack_context import StackContext

UID = UIDS["proxy"]
_USERS_PATH = "/etc/bdc/users"
_MAP = f"{_USERS_PATH}/{USERS_OF_PROXIES}"
_SIZE = sized("10m", "24Mi", "96Mi")


def find(name: str) -> Endpoint:
    """The endpoint of that name."""
    return next(endpoint for endpoint in workloads.ENDPOINTS if endpoint.name == name)


def configuration(
    *,
    scheme: str,
    port: int,
    check: str | None = None,
    http2: bool = False,
    users: bool = False,
    timeout: str = "10m",
    pools: Mapping[str, str] | None = None,
) -> str:
    """haproxy.cfg; scheme is "basic" or "token", port the engine's on loopback, check a path that answers 2xx or 3xx when it is well.

    `pools`: where the servers of pools are, whose tokens the door knows, too.
    `users`: ordinary users come in, too, and the engine is told in WebHDFS's way (user.name) who it is.
    """
    others = [{"name": name, "server": server, "variable": _variable(name)} for name, server in (pools or {}).items()]
    return render(
        "proxy/haproxy.cfg.j2", scheme=scheme, port=port, check=check, http2=http2, users=users, map=_MAP, timeout=timeout, pools=others
    )


def _variable(pool: str) -> str:
    return f"BDC_TOKEN_{pool.upper().replace('-', '_')}"


def container(site: StackContext, scheme: str, *, users: bool = False, pools: Iterable[str] = ()) -> pods.Json:
    """The proxy's container; the pod has volumes `door` (ConfigMap with haproxy.cfg) and `tls`, and with `users` one of this name."""
    tokens = {"BDC_TOKEN": (CREDENTIALS, "token")} | {_variable(pool): (pool_token(pool), "token") for pool in pools}
    basic = {"BDC_USERNAME": (CREDENTIALS, "username"), "BDC_PASSWORD": (CREDENTIALS, "password")}
    return pods.container(
        "door",
        site.images["proxy"],
        _SIZE,
        env=pods.env(secret=basic if scheme == "basic" else tokens),
        ports=[{"name": "door", "containerPort": 8443}],
        volumeMounts=[
            {"name": "door", "mountPath": "/etc/haproxy", "readOnly": True},
            {"name": "tls", "mountPath": pods.TLS_PATH, "readOnly": True},
            *([{"name": "users", "mountPath": _USERS_PATH, "readOnly": True}] if users else []),
        ],
        readinessProbe=pods.http("/bdc/ready", 8443, scheme="HTTPS", periodSeconds=3, failureThreshold=3),
        livenessProbe=pods.http("/bdc/alive", 8443, scheme="HTTPS", periodSeconds=20),
    )


def volumes(site: StackContext, config: str, *, users: bool = False) -> list[pods.Json]:
    """Volumes of `container`: the ConfigMap named `config` must hold haproxy.cfg."""
    return [
        {"name": "door", "configMap": {"name": config, "items": [{"key": "haproxy.cfg", "path": "haproxy.cfg"}]}},
        pods.secret("tls", site.tls, pods.TLS_PATH)[0],
        *([pods.secret("users", USERS, _USERS_PATH, USERS_OF_PROXIES)[0]] if users else []),
    ]


def outside(site: StackContext, name: str, options: pulumi.ResourceOptions, extra_selector: dict[str, str] | None = None) -> None:
    """The Service `<name>-external`, where endpoints are exposed."""
    endpoint, kind = find(name), site.service_type()
    if kind is None:
        return
    k8s.core.v1.Service(
        f"{name}-external",
        metadata=site.metadata(f"{name}-external", endpoint.part, endpoint.workload, annotations={"pulumi.com/skipAwait": "true"}),
        spec={
            "type": kind,
            "selector": {**selector(site.cluster, endpoint.workload), **(extra_selector or {})},
            "ports": [site.endpoint_port(endpoint)],
        },
        opts=options,
    )
