"""Ordinary users: who may use a cluster without being its administrator, with credentials of their own.

    role of the SQL master -> account in Kubernetes, rights in the pools -> home on HDFS -> passwords at HttpFS and Trino

A user's rights are those of the Role `user` in each pool that is open to them, which the stacks make. The cluster keeps only what a
password is known by, never the password: it is in the file that `bdc context export` writes, and nowhere else. Each step may be done
twice, so an interrupted export is simply done again. See docs/adr/0015-users.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from bdc.access.master import run_as_superuser
from bdc.config import workloads
from bdc.config.names import (
    INSTANCE,
    MANAGED_BY,
    NAMENODE_HTTP_PORT,
    POOL,
    USER,
    USER_ROLE,
    USERS,
    USERS_OF_PROXIES,
    USERS_OF_TRINO,
    pool_namespace,
    selector,
    user_account,
)
from bdc.config.paths import resources
from bdc.config.secret_data import encoded, texts
from bdc.errors import BdcError, DeadlineError, NotFoundError, UsageError
from bdc.kube import ApiConflictError, ApiNotFoundError, Kube
from bdc.kube.endpoints import addresses, certificate_authority, certified, connect_token, reach
from bdc.kube.exec import execute
from bdc.kube.namenode import active_namenode
from bdc.kube.refresh import refresh
from bdc.kube.selector import label_selector
from bdc.kube.user_context import EXTENSION, UserContext
from bdc.kube.wait import until

if TYPE_CHECKING:
    from bdc.config.model import Config

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,28}[a-z0-9])?")
_RESERVED = frozenset(
    {"bdc", "hdfs", "httpfs", "postgres", "replicator", "metastore", "trino", "root", "public", "none", "user", "spark", "gateway"}
)
_OURS = "ordinary user of bdc"
"""Comment of the roles that we make in the SQL master."""

_MAKE_ROLE = """DO $$ BEGIN
IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
  CREATE ROLE "{name}"; COMMENT ON ROLE "{name}" IS '{ours}';
ELSIF shobj_description('"{name}"'::regrole, 'pg_authid') IS DISTINCT FROM '{ours}' THEN
  RAISE EXCEPTION 'the SQL master has a role {name} that is no ordinary user: choose another name';
END IF; END $$;"""
_MOST_CONFLICTS = 10
_ANSWER_SECONDS, _POLL_SECONDS = 150.0, 1.0
_PRIVATE = "default:user::rwx,default:group::---,default:other::---"
_KNOWN_BY = ("httpfs", "trino-coordinator")
"""Workloads that read the passwords of ordinary users."""


@dataclass(frozen=True)
class User:
    """An ordinary user and the pools that are open to them."""

    name: str
    pools: tuple[str, ...]
    created: datetime


def check_name(name: str) -> None:
    """Raise UsageError unless this can be a user's name, in Kubernetes, PostgreSQL, HDFS and Trino alike."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can't be a user's name", "use at most 30 lower-case letters, digits and dashes, a letter first")
    if name in _RESERVED or name.startswith("spark-") or "-pool-" in name:  # roles of applications, HDFS users of pools
        raise UsageError(f"{name} is a name of the cluster's own", "choose another one")


def users(kube: Kube, cluster: str) -> list[User]:
    """All ordinary users by name."""
    found = _labelled(kube, f"/api/v1/namespaces/{cluster}/serviceaccounts", {INSTANCE: cluster, USER: None})
    open_to: dict[str, list[str]] = {}
    for pool in _pools(kube, cluster):
        for binding in _labelled(kube, _bindings(pool_namespace(cluster, pool)), {USER: None}):
            open_to.setdefault(binding["metadata"]["labels"][USER], []).append(pool)
    return sorted(
        (
            User(name, tuple(sorted(open_to.get(name, ()))), datetime.fromisoformat(one["metadata"]["creationTimestamp"]))
            for one in found
            for name in [one["metadata"]["labels"][USER]]
        ),
        key=lambda user: user.name,
    )


def grant(
    kube: Kube, config: Config, name: str, pools: Sequence[str], *, days: int, say: Callable[[str], None] = lambda _: None
) -> tuple[str, datetime]:
    """Make a user, or give one that is there new credentials; the text of the file for them, and when its token ends.

    The credentials of earlier files end, as do rights in pools that aren't among `pools` (without any: all pools of the cluster, if there
    are any).
    Raises UsageError for a name or pool that can't be, or when endpoints aren't exposed, UnhealthyError when a part doesn't answer.
    """
    from bdc_stacks import identity

    check_name(name)
    cluster = config.name
    open_to = _open(_pools(kube, cluster), pools)
    if not open_to:
        say(f"there are no Spark pools: {name} gets HDFS and SQL, and Spark by another export when there are some")
    where = {one.name: addresses(kube, config, one.name) for one in workloads.endpoints(config)}
    if not any(where.values()):
        raise UsageError(
            "the cluster's endpoints aren't exposed, so nobody but its administrator reaches them", "set network.expose; bdc up"
        )
    secret = _secret(kube, cluster)
    password = identity.password()
    say("role of the SQL master")
    _role(kube, config, name, identity.scram_verifier(password))  # first: a role of somebody else's is refused
    say("account and rights in Kubernetes")
    _account(kube, cluster, name)
    _bind(kube, cluster, name, open_to)
    say("home on HDFS")
    _home(kube, cluster, name)
    say("passwords at HttpFS and Trino")
    lines = {USERS_OF_TRINO: identity.trino_password_file(name, password), USERS_OF_PROXIES: identity.proxy_map(name, password)}
    _known(kube, cluster, secret, name, lines)
    token, ends = _token(kube, cluster, name, days)
    tokens = {}
    for pool in open_to:
        with suppress(NotFoundError):
            tokens[pool] = connect_token(kube, cluster, pool).get_secret_value()
    person = UserContext(cluster, name, password, certificate_authority(kube, cluster), where, certified(config), tuple(open_to), tokens)
    text = document(kube, person, token)
    say("waiting until HttpFS and Trino know the password")
    _await(kube, config, person)
    return text, ends


def revoke(kube: Kube, config: Config, name: str) -> None:
    """Revoke a user's access and credentials; files, tables and applications are kept. Raises NotFoundError."""
    cluster = config.name
    account = f"/api/v1/namespaces/{cluster}/serviceaccounts/{user_account(name)}"
    if not _NAME.fullmatch(name) or not _there(kube, account):
        raise NotFoundError(f"there is no user {name}", "bdc context users shows all")
    _bind(kube, cluster, name, ())
    _known(kube, cluster, _secret(kube, cluster), name, {})
    run_as_superuser(kube, config, "bdc", [f'ALTER ROLE "{name}" NOLOGIN PASSWORD NULL;'])
    kube.request("DELETE", account)  # last: while it is there, an interrupted revoke can be done again


def document(kube: Kube, person: UserContext, token: str) -> str:
    """A kubeconfig with which bdc, and kubectl, are this user. Its namespace is that of the first pool, if any is open to them."""
    import base64

    name = f"{person.name}@{person.cluster}"
    server: dict[str, Any] = {"server": kube.server}
    if kube.access.ca_pem:
        server["certificate-authority-data"] = base64.b64encode(kube.access.ca_pem.encode()).decode()
    if not kube.access.verify:
        server["insecure-skip-tls-verify"] = True
    if kube.access.tls_server_name:
        server["tls-server-name"] = kube.access.tls_server_name
    context = {
        "cluster": person.cluster,
        "user": name,
        "namespace": pool_namespace(person.cluster, person.pools[0]) if person.pools else person.cluster,
        "extensions": [{"name": EXTENSION, "extension": person.manifest()}],
    }
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": person.cluster, "cluster": server}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": context}],
    }
    return yaml.safe_dump(whole, sort_keys=False)


def local(server: str) -> bool:
    """Whether an API server's address means something else on another machine."""
    host = urlsplit(server).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _open(there: Sequence[str], wanted: Sequence[str]) -> list[str]:
    for pool in wanted:
        if pool not in there:
            raise UsageError(f"there is no pool {pool}", f"pools: {', '.join(there)}" if there else "add it to bdc.yaml: spark.pools.NAME")
    return list(dict.fromkeys(wanted)) or list(there)


def _pools(kube: Kube, cluster: str) -> list[str]:
    return sorted(one["metadata"]["labels"][POOL] for one in _labelled(kube, "/api/v1/namespaces", {INSTANCE: cluster, POOL: None}))


def _labelled(kube: Kube, path: str, labels: Mapping[str, str | None]) -> list[dict[str, Any]]:
    return list(kube.request("GET", path, query={"labelSelector": label_selector(labels)})["items"])


def _bindings(namespace: str) -> str:
    return f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"


def _marks(cluster: str, name: str) -> dict[str, str]:
    return {MANAGED_BY: "bdc", INSTANCE: cluster, USER: name}


def _account(kube: Kube, cluster: str, name: str) -> None:
    """A new account: tokens of one that was there before end with it."""
    path = f"/api/v1/namespaces/{cluster}/serviceaccounts"
    with suppress(ApiNotFoundError):
        kube.request("DELETE", f"{path}/{user_account(name)}")
    manifest = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": user_account(name), "namespace": cluster, "labels": _marks(cluster, name)},
        "automountServiceAccountToken": False,
    }
    kube.request("POST", path, manifest)


def _bind(kube: Kube, cluster: str, name: str, open_to: Iterable[str]) -> None:
    """Rights in these pools, and in no other."""
    wanted = set(open_to)
    for pool in _pools(kube, cluster):
        namespace = pool_namespace(cluster, pool)
        path = f"{_bindings(namespace)}/{user_account(name)}"
        if pool not in wanted:
            with suppress(ApiNotFoundError):
                kube.request("DELETE", path)
            continue
        kube.apply(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": user_account(name), "namespace": namespace, "labels": _marks(cluster, name)},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": USER_ROLE},
                "subjects": [{"kind": "ServiceAccount", "name": user_account(name), "namespace": cluster}],
            }
        )


def _token(kube: Kube, cluster: str, name: str, days: int) -> tuple[str, datetime]:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": days * 86400}}
    path = f"/api/v1/namespaces/{cluster}/serviceaccounts/{user_account(name)}/token"
    status = kube.request("POST", path, request)["status"]
    return str(status["token"]), datetime.fromisoformat(status["expirationTimestamp"])


def _home(kube: Kube, cluster: str, name: str) -> None:
    """The user's own folder, also open to the administrator; made by HDFS's superuser at the NameNode, as HttpFS lets nobody be that."""
    script = (resources("manifests") / "storage" / "folders.py").read_text(encoding="utf-8")
    folders = json.dumps({f"/user/{name}": (name, "750")})
    acls = json.dumps({f"/user/{name}": f"user:bdc:rwx,{_PRIVATE},default:user:bdc:rwx,default:user:{name}:rwx"})
    command = ["env", f"NAMENODE=localhost:{NAMENODE_HTTP_PORT}", f"FOLDERS={folders}", f"ACLS={acls}", "python3", "-c", script]
    execute(kube, cluster, active_namenode(kube, cluster), "namenode", command)


def _role(kube: Kube, config: Config, name: str, verifier: str) -> None:
    """A role that may log in and owns a schema of its own in the database bdc. One that we have not made stays as it is: an error."""
    make = _MAKE_ROLE.format(name=name, ours=_OURS)
    role = f"ALTER ROLE \"{name}\" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '{verifier}';"
    run_as_superuser(kube, config, "bdc", [make, role, f'CREATE SCHEMA IF NOT EXISTS "{name}" AUTHORIZATION "{name}";'])


def _secret(kube: Kube, cluster: str) -> dict[str, Any]:
    try:
        return kube.request("GET", f"/api/v1/namespaces/{cluster}/secrets/{USERS}")
    except ApiNotFoundError as error:
        raise NotFoundError(f"the cluster {cluster} has no Secret {USERS}", "an older bdc made it, or there is none: bdc up") from error


def _known(kube: Kube, cluster: str, secret: dict[str, Any], name: str, lines: Mapping[str, str]) -> None:
    """Make these the user's lines in the Secret (none: take them out), and have the pods look at it now."""
    path = f"/api/v1/namespaces/{cluster}/secrets/{USERS}"
    for _ in range(_MOST_CONFLICTS):
        old, new = texts(secret.get("data")), {}
        for key in (USERS_OF_TRINO, USERS_OF_PROXIES):
            others = [line for line in old.get(key, "").splitlines() if name not in (line.partition(":")[0], line.rpartition(" ")[2])]
            new[key] = "".join(f"{line}\n" for line in others) + lines.get(key, "")
        change = {"metadata": {"resourceVersion": secret["metadata"]["resourceVersion"]}, "data": encoded(new)}
        try:
            changed = kube.patch(path, change)
        except ApiConflictError:
            secret = _secret(kube, cluster)
            continue
        break
    else:
        raise BdcError(
            f"the Secret {USERS} was changed by somebody else each of the {_MOST_CONFLICTS} times that bdc was about to write it",
            f"kubectl -n {cluster} get secret {USERS} -o yaml --show-managed-fields says who; then run the command again",
        )
    for workload in _KNOWN_BY:
        refresh(kube, cluster, selector(cluster, workload), "bdc.dev/users", str(changed["metadata"]["resourceVersion"]))


def _await(kube: Kube, config: Config, person: UserContext) -> None:
    """Until the endpoints take the password. Raises DeadlineError."""
    for name, takes in (("httpfs", _httpfs_takes), ("trino", _trino_takes)):
        until(partial(takes, kube, config, person), partial(_not_known, name), seconds=_ANSWER_SECONDS, pause_seconds=_POLL_SECONDS)


def _not_known(name: str) -> DeadlineError:
    return DeadlineError(f"{name} doesn't know the new password after {_ANSWER_SECONDS:.0f} s", "bdc status; then export again")


def _httpfs_takes(kube: Kube, config: Config, person: UserContext) -> bool:
    from bdc.kube.tls import session

    with (
        suppress(BdcError, OSError),
        reach(kube, config, "httpfs") as reached,
        session(str(reached.ca_file), reached.server_name) as http,
    ):
        home = f"https://{reached.netloc}/webhdfs/v1/?op=GETHOMEDIRECTORY"
        return bool(http.get(home, auth=(person.name, person.password), timeout=10).status_code == 200)
    return False


def _trino_takes(kube: Kube, config: Config, person: UserContext) -> bool:
    from bdc.trino.client import refusal

    return not refusal(kube, config, person.name, person.password, 10)


def _there(kube: Kube, path: str) -> bool:
    try:
        kube.request("GET", path)
    except ApiNotFoundError:
        return False
    return True
