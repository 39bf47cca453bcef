"""One probe a part, each of which asks the engine and not Kubernetes. A probe gives (well, what it saw in a few words).

Cluster-internal doors (NameNode's JMX, Patroni's REST API, the history server) are asked through the API server's pod proxy; Trino and
Spark Connect at their endpoints, as a user would; the metastore by a call of its Thrift interface.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from bdc.config.model import Config
from bdc.config.names import selector
from bdc.config.quantity import human
from bdc.kube import Kube
from bdc.kube.endpoints import credentials, reach
from bdc.kube.portforward import forward, ready_pod

Probe = Callable[[Kube, Config], tuple[bool, str]]
_SECONDS = 10.0
_ALIVE = 2  # fb_status.ALIVE of fb303: https://github.com/apache/thrift/blob/master/contrib/fb303/if/fb303.thrift


def storage(kube: Kube, config: Config) -> tuple[bool, str]:
    """The NameNode's own count of DataNodes and blocks."""
    system = _jmx(kube, config, "FSNamesystem")
    safe = _jmx(kube, config, "NameNodeInfo")["Safemode"]
    live, missing, under = system["NumLiveDataNodes"], system["MissingBlocks"], system["UnderReplicatedBlocks"]
    total, left = system["CapacityTotal"], system["CapacityRemaining"]
    seen = f"{live} of {config.storage.datanodes} DataNodes, {human(left)} of {human(total)} free, {missing} missing"
    seen += f", {under} under-replicated blocks"
    if safe:
        return False, f"in safe mode, {seen}"
    return live >= config.storage.datanodes and missing == 0, seen


def master(kube: Kube, config: Config) -> tuple[bool, str]:
    """Patroni's view of the PostgreSQL servers: a leader, and replicas that stream from it."""
    pod = ready_pod(kube, config.name, selector(config.name, "master"))
    members = json.loads(kube.proxy(config.name, pod, 8008, "/cluster"))["members"]
    leader = next((one["name"] for one in members if one["role"] == "leader" and one["state"] == "running"), None)
    if leader is None:
        return False, "no leader"
    replicas = [one for one in members if one["role"] != "leader"]
    lags = ", ".join(f"{one['name']} {one['state']}, lag {_lag(one)}" for one in replicas)
    well = len(members) >= config.master.replicas and all(one["state"] in {"streaming", "running"} for one in replicas)
    return well, f"{leader} leader" + (f" · {lags}" if lags else "")


def metastore(kube: Kube, config: Config) -> tuple[bool, str]:
    """A call of fb303's getStatus, which the metastore answers only when its server runs."""
    with (
        forward(kube, config.name, selector(config.name, "metastore"), 9083) as (host, port),
        socket.create_connection((host, port), _SECONDS) as connection,
    ):
        connection.settimeout(_SECONDS)
        connection.sendall(thrift_call("getStatus"))
        answer = thrift_i32(connection)
    return answer == _ALIVE, "answers" if answer == _ALIVE else f"its state is {answer}, not alive"


def federation(kube: Kube, config: Config) -> tuple[bool, str]:
    """A query, as a user sends it, and the workers that are there for it."""
    access = credentials(kube, config.name)
    with reach(kube, config, "trino") as reached:
        tls = ssl.create_default_context(cafile=str(reached.ca_file))
        user = httpx.BasicAuth(access.username, access.password.get_secret_value())
        with httpx.Client(base_url=f"https://{reached.netloc}", verify=tls, auth=user, timeout=_SECONDS, trust_env=False) as client:
            workers, catalogs = (
                _query(client, "SELECT count(*) FROM system.runtime.nodes WHERE state = 'active'"),
                _query(client, "SHOW CATALOGS"),
            )
    wanted = config.federation.workers + 1
    seen = f"{workers[0][0]} of {wanted} nodes, {len(catalogs)} catalogs"
    return workers[0][0] >= wanted, seen


def spark(kube: Kube, config: Config) -> tuple[bool, str]:
    """The history server's version, and the Connect server behind its door."""
    pod = ready_pod(kube, config.name, selector(config.name, "spark-history"))
    version = json.loads(kube.proxy(config.name, pod, 18080, "/api/v1/version"))["spark"]
    with reach(kube, config, "connect") as reached:
        tls = ssl.create_default_context(cafile=str(reached.ca_file))
        with httpx.Client(verify=tls, timeout=_SECONDS, trust_env=False) as client:
            connect = client.get(f"https://{reached.netloc}/bdc/ready").status_code
    if connect != httpx.codes.OK:
        return False, f"Spark {version}, Connect does not answer"
    return True, f"Spark {version}, history and Connect answer"


PROBES: Mapping[str, Probe] = {"storage": storage, "master": master, "metastore": metastore, "federation": federation, "spark": spark}


def thrift_call(method: str) -> bytes:
    """A call without arguments in Thrift's strict binary protocol.

    https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md
    """
    name = method.encode()
    return struct.pack(">I", 0x80010001) + struct.pack(">I", len(name)) + name + struct.pack(">I", 1) + b"\x00"


def thrift_i32(connection: socket.socket) -> int:
    """The i32 that a call returned. Raises ValueError for any other answer."""
    version, length = struct.unpack(">II", _exactly(connection, 8))
    if version != 0x80010002:
        msg = "the answer is no Thrift reply"
        raise ValueError(msg)
    _exactly(connection, length + 4)
    kind, field = struct.unpack(">bh", _exactly(connection, 3))
    if (kind, field) != (8, 0):
        msg = "the reply has no number"
        raise ValueError(msg)
    return int(struct.unpack(">i", _exactly(connection, 4))[0])


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        if not (more := connection.recv(count - len(data))):
            msg = "the connection ended"
            raise ValueError(msg)
        data += more
    return data


def _jmx(kube: Kube, config: Config, bean: str) -> dict[str, Any]:
    answer = kube.proxy(config.name, "namenode-0", 9870, "/jmx", query={"qry": f"Hadoop:service=NameNode,name={bean}"})
    return dict(json.loads(answer)["beans"][0])


def _lag(member: Mapping[str, Any]) -> str:
    lag = member.get("lag", "unknown")
    return f"{lag} B" if isinstance(lag, int) else str(lag)


def _query(client: httpx.Client, statement: str) -> list[list[Any]]:
    """All rows of a statement, by Trino's client protocol: https://trino.io/docs/current/develop/client-protocol.html."""
    answer = client.post("/v1/statement", content=statement).raise_for_status().json()
    rows: list[list[Any]] = []
    while True:
        if "error" in answer:
            raise ValueError(answer["error"]["message"])
        rows += answer.get("data") or []
        if "nextUri" not in answer:
            return rows
        answer = client.get(httpx.URL(answer["nextUri"]).raw_path.decode()).raise_for_status().json()
