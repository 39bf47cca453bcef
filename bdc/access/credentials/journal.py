"""New values for a cluster's credentials, and the journal that gets them there however often a run is interrupted.

    journal -> roles of the SQL master -> Secrets -> pods (`up`) -> no journal

The journal is the Secret `rotation`: the new values, written whole before anything else changes. The roles change in one transaction,
and each Secret in one write. What stands in a Secret decides: pods whose Secrets have other values than they started with are
rolled by the platform stack, the data stack takes its values from the cluster, so that Pulumi's state agrees. Each step may be
done twice; `bdc up` does what an interrupted rotation left. See docs/adr/0010-rotation.md.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from bdc.access.master import run_as_superuser
from bdc.config.names import (
    CA,
    CREDENTIALS,
    FEDERATION_INTERNAL,
    GATEWAY_ROLE,
    INSTANCE,
    MASTER_CREDENTIALS,
    PART,
    ROTATION,
    role_secret,
    spark_role,
)
from bdc.config.secret_data import encoded, texts
from bdc.config.workloads import Credential
from bdc.errors import NotFoundError, UsageError
from bdc.kube import ApiConflictError, ApiNotFoundError, Kube
from bdc.kube.selector import label_selector

if TYPE_CHECKING:
    from bdc.config.model import Config

Kind = Credential
KINDS: tuple[Kind, ...] = get_args(Kind)
Item = tuple[str, str]
"""A Secret and one of its keys."""

_ITEMS: Mapping[Kind, tuple[Item, ...]] = {
    "password": ((CREDENTIALS, "password"),),
    "token": ((CREDENTIALS, "token"),),
    "internal": (
        *((MASTER_CREDENTIALS, f"{name}-password") for name in ("superuser", "replication", "metastore", "trino")),
        (FEDERATION_INTERNAL, "shared-secret"),
    ),
    "ca": ((CA, "ca.crt"), (CA, "ca.key")),
}
_ROLES: Mapping[Item, str] = {
    (CREDENTIALS, "password"): "bdc",
    (MASTER_CREDENTIALS, "superuser-password"): "postgres",
    (MASTER_CREDENTIALS, "replication-password"): "replicator",
    (MASTER_CREDENTIALS, "metastore-password"): "metastore",
    (MASTER_CREDENTIALS, "trino-password"): "trino",
}
_TLS = re.compile(r"tls-[0-9a-f]{8}")
_PASSWORD = re.compile(r"[!#%-&(-\[\]-_a-~]{12,128}")


@dataclass(frozen=True)
class Journal:
    """A rotation that was begun. `version` is the Secret's, to delete this one and no later one."""

    values: Mapping[Item, str] = field(repr=False)
    version: str

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is being rotated."""
        found: list[Kind] = [kind for kind, items in _ITEMS.items() if any(item in self.values for item in items)]
        if any(_TLS.fullmatch(name) for name, _ in self.values):
            found.append("certificates")
        return tuple(kind for kind in KINDS if kind in found)


def check_password(text: str) -> None:
    """Refuse a password that is short, or that an engine or a shell may read as something else. Raises UsageError."""
    if not _PASSWORD.fullmatch(text):
        raise UsageError(
            "the password can't be used",
            "12 to 128 characters: ASCII letters, digits and punctuation, but no blanks, quotes, $, ` and \\",
        )


def stage(kube: Kube, cluster: str, kinds: Iterable[Kind], *, tls: str, hosts: Iterable[str], password: str | None = None) -> Journal:
    """Write the journal; what a journal that is there already holds stays, but for a password that was given.

    `tls` names the Secret of the endpoints' certificate, `hosts` whom it is for. Call it with the lock held.
    """
    from bdc_stacks import identity

    begun, wanted = read(kube, cluster), set(kinds)
    values = dict(begun.values) if begun else {}
    more = [(name, "token") for name in _pool_tokens(kube, cluster)] if "token" in wanted else []
    more += [(name, "password") for name in _roles(kube, cluster)] if "internal" in wanted else []
    for item in (*more, *(item for kind in _ITEMS if kind in wanted for item in _ITEMS[kind] if kind != "ca")):
        values.setdefault(item, identity.shared_secret() if item[0] == FEDERATION_INTERNAL else identity.password())
    if password is not None:
        values[CREDENTIALS, "password"] = password
    if "ca" in wanted and (CA, "ca.key") not in values:
        values |= {(CA, key): value for key, value in identity.authority(cluster).items()}
    if wanted & {"ca", "certificates"}:
        authority = {key: values.get((CA, key)) or _live(kube, cluster, CA)[key] for key in ("ca.crt", "ca.key")}
        values |= {(tls, key): value for key, value in identity.certificate(authority, hosts).items()}
    data = encoded({f"{name}.{key}": value for (name, key), value in values.items()})
    where = f"/api/v1/namespaces/{cluster}/secrets"
    if begun:
        kube.patch(f"{where}/{ROTATION}", {"data": data})
    else:
        metadata = {"name": ROTATION, "labels": {"app.kubernetes.io/managed-by": "bdc", "app.kubernetes.io/instance": cluster}}
        kube.request("POST", where, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    written = read(kube, cluster)
    if written is None:
        raise NotFoundError(f"the Secret {ROTATION} in namespace {cluster} is gone", "rotate again")
    return written


def read(kube: Kube, cluster: str) -> Journal | None:
    """The rotation that was begun and is not finished."""
    try:
        secret = kube.request("GET", f"/api/v1/namespaces/{cluster}/secrets/{ROTATION}")
    except ApiNotFoundError:
        return None
    return Journal({_item(key): value for key, value in texts(secret.get("data")).items()}, str(secret["metadata"].get("resourceVersion")))


def settle(kube: Kube, config: Config, journal: Journal) -> None:
    """Give the master's roles, then the Secrets, the journal's values. Raises UnhealthyError while the master has no leader."""
    roles = {**_ROLES} | {(name, "password"): role for name, role in _roles(kube, config.name).items()}
    _change_roles(kube, config, {roles[item]: value for item, value in journal.values.items() if item in roles})
    for name in sorted({name for name, _ in journal.values}):
        data = encoded({key: value for (of, key), value in journal.values.items() if of == name})
        path = f"/api/v1/namespaces/{config.name}/secrets/{name}"
        try:
            kube.patch(path, {"data": data})
        except ApiNotFoundError:
            if not _TLS.fullmatch(name):  # a certificate for names that the cluster no longer has
                raise


def finish(kube: Kube, cluster: str, journal: Journal) -> None:
    """Drop the journal, unless somebody has begun another rotation since."""
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": journal.version}}
    with suppress(ApiNotFoundError, ApiConflictError):
        kube.request("DELETE", f"/api/v1/namespaces/{cluster}/secrets/{ROTATION}", options)


def unsettled(kube: Kube, cluster: str) -> dict[str, list[str]]:
    """Keys by Secret that a begun rotation has not changed yet."""
    journal = read(kube, cluster)
    found: dict[str, list[str]] = {}
    for (name, key), value in sorted(journal.values.items()) if journal else ():
        try:
            live = _live(kube, cluster, name)
        except ApiNotFoundError:
            continue
        if live.get(key) != value:
            found.setdefault(name, []).append(key)
    return found


def revisions(kube: Kube, cluster: str, tls: str, key: str) -> dict[Item, str]:
    """What stands for each value that pods use; `key` keeps it from telling anything about a password that is easy to guess."""
    found: dict[Item, str] = {}
    for name in (CREDENTIALS, MASTER_CREDENTIALS, FEDERATION_INTERNAL, role_secret(GATEWAY_ROLE), tls, *_pool_tokens(kube, cluster)):
        try:
            live = _live(kube, cluster, name)
        except ApiNotFoundError:
            continue
        found |= {(name, item): hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()[:16] for item, value in live.items()}
    return found


def _roles(kube: Kube, cluster: str) -> dict[str, str]:
    """The Secrets with the passwords of the roles that Spark's applications and the SQL gateway have in the SQL master, and the roles."""
    query = {"labelSelector": label_selector({INSTANCE: cluster, PART: "master"})}
    names = [one["metadata"]["name"] for one in kube.request("GET", f"/api/v1/namespaces/{cluster}/secrets", query=query)["items"]]
    prefix = role_secret("")
    return {
        name: name.removeprefix(prefix)
        for name in sorted(names)
        if name == role_secret(GATEWAY_ROLE) or name.startswith(role_secret(spark_role()))
    }


def _pool_tokens(kube: Kube, cluster: str) -> list[str]:
    """The Secrets with the tokens of pools' Spark Connect."""
    query = {"labelSelector": label_selector({INSTANCE: cluster, PART: "spark"})}
    found = kube.request("GET", f"/api/v1/namespaces/{cluster}/secrets", query=query)["items"]
    return sorted(one["metadata"]["name"] for one in found if "token" in (one.get("data") or {}))


def _change_roles(kube: Kube, config: Config, passwords: Mapping[str, str]) -> None:
    """New passwords for roles of the master, all or none; only SCRAM verifiers leave this process."""
    from bdc_stacks import identity

    if passwords:
        changes = [f"ALTER ROLE \"{role}\" PASSWORD '{identity.scram_verifier(text)}';" for role, text in sorted(passwords.items())]
        run_as_superuser(kube, config, "postgres", changes)


def _item(text: str) -> Item:
    name, _, key = text.partition(".")
    return name, key


def _live(kube: Kube, cluster: str, name: str) -> dict[str, str]:
    return texts(kube.request("GET", f"/api/v1/namespaces/{cluster}/secrets/{name}").get("data"))
