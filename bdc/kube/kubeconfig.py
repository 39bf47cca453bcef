"""Reads kubeconfig files: which server, whom to trust, and how to show who we are.

The official client can read them too, but importing it takes half a second, which every start of the Pulumi plugin and every
command would pay. What is supported is what clusters use today: several files merged as kubectl does (the first to set a value
wins), certificates and keys inline or in files, tokens inline or in files, exec plugins (EKS, GKE, AKS), and the service account
inside a pod. https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bdc.errors import BdcError, NotFoundError
from bdc.kube.credentials import Credentials, ExecCredentials, FileToken, PlainCredentials
from bdc.kube.user_context import EXTENSION, UserContext

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Access:
    """How to reach one API server."""

    server: str
    credentials: Credentials
    ca_pem: str | None = None
    verify: bool = True
    tls_server_name: str | None = None
    proxy_url: str | None = None
    namespace: str = "default"
    files: tuple[Path, ...] = ()
    context: str | None = None
    person: UserContext | None = None
    """Who an ordinary user of a bdc cluster is there; None for everybody else."""


def load(kubeconfig: Path | None = None, context: str | None = None) -> Access:
    """Access from a file, else $KUBECONFIG, else ~/.kube/config, else the pod's service account.

    Raises NotFoundError when there is none, BdcError when one can't be used.
    """
    files = tuple(path for path in _candidates(kubeconfig) if path.is_file())
    if files:
        return _from_files(files, context)
    if kubeconfig:
        raise NotFoundError(f"there is no kubeconfig {kubeconfig}", "name one that exists with --kubeconfig")
    if "KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").is_file():
        return _in_cluster()
    raise NotFoundError(
        "no Kubernetes cluster is configured: there is no KUBECONFIG, no ~/.kube/config, and this is not a pod",
        "name a kubeconfig with --kubeconfig, or let bdc up make this host a cluster",
    )


def _candidates(kubeconfig: Path | None) -> list[Path]:
    if kubeconfig:
        return [kubeconfig.expanduser()]
    if value := os.environ.get("KUBECONFIG"):
        return [Path(part).expanduser() for part in value.split(os.pathsep) if part]
    return [Path.home() / ".kube" / "config"]


def _from_files(files: tuple[Path, ...], context: str | None) -> Access:
    merged = _Merged(files)
    name = context or merged.current_context
    if not name:
        raise BdcError(f"{files[0]} has no current-context", "choose one: kubectl config use-context NAME, or --context NAME")
    chosen, _ = merged.entry("context", name)
    cluster, cluster_dir = merged.entry("cluster", str(chosen.get("cluster", "")))
    user, user_dir = merged.entry("user", str(chosen["user"])) if chosen.get("user") else ({}, files[0].parent)
    server = str(cluster.get("server") or "").rstrip("/")
    if not server:
        raise BdcError(f"the cluster of context {name} in {files[0]} has no server")
    return Access(
        server=server,
        credentials=_credentials(user, user_dir, server),
        ca_pem=_pem(cluster, "certificate-authority", cluster_dir),
        verify=not cluster.get("insecure-skip-tls-verify"),
        tls_server_name=cluster.get("tls-server-name"),
        proxy_url=cluster.get("proxy-url"),
        namespace=str(chosen.get("namespace") or "default"),
        files=files,
        context=context,
        person=_person(chosen),
    )


class _Merged:
    """Several kubeconfig files as one; relative paths stay relative to the file that names them."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self.files = files
        self.current_context: str | None = None
        self._entries: dict[tuple[str, str], tuple[Mapping[str, Any], Path]] = {}
        for path in files:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            document = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # noqa: S506
        except (OSError, yaml.YAMLError) as error:
            raise BdcError(f"the kubeconfig {path} can't be read: {error}") from error
        if not isinstance(document, dict):
            raise BdcError(f"{path} is not a kubeconfig")
        self.current_context = self.current_context or document.get("current-context")
        for what in ("context", "cluster", "user"):
            for entry in document.get(f"{what}s") or []:
                self._entries.setdefault((what, str(entry["name"])), (entry.get(what) or {}, path.parent))

    def entry(self, what: str, name: str) -> tuple[Mapping[str, Any], Path]:
        if found := self._entries.get((what, name)):
            return found
        names = ", ".join(sorted(known for kind, known in self._entries if kind == what)) or "none"
        where = os.pathsep.join(map(str, self.files))
        raise NotFoundError(f"{where} has no {what} {name!r}", f"there are: {names}")


def _credentials(user: Mapping[str, Any], folder: Path, server: str) -> Credentials:
    if user.get("exec"):
        return ExecCredentials(user["exec"], folder, server)
    if user.get("auth-provider"):
        raise BdcError(
            f"the kubeconfig uses auth-provider {user['auth-provider'].get('name')!r}, which Kubernetes has dropped",
            "get a new kubeconfig from your provider; it will use an exec plugin",
        )
    if user.get("tokenFile") and not user.get("token"):
        return FileToken(folder / str(user["tokenFile"]))
    header = f"Bearer {user['token']}" if user.get("token") else None
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}"
        header = "Basic " + base64.b64encode(pair.encode()).decode()
    certificate, key = _pem(user, "client-certificate", folder), _pem(user, "client-key", folder)
    return PlainCredentials(header, (certificate, key) if certificate and key else None)


def _person(context: Mapping[str, Any]) -> UserContext | None:
    found = [one.get("extension") for one in context.get("extensions") or [] if one.get("name") == EXTENSION]
    return UserContext.parse(found[0]) if found else None


def _pem(entry: Mapping[str, Any], key: str, folder: Path) -> str | None:
    if entry.get(f"{key}-data"):
        return base64.b64decode(entry[f"{key}-data"]).decode()
    if entry.get(key):
        path = folder / str(entry[key])
        try:
            return path.read_text()
        except OSError as error:
            raise BdcError(f"{key} {path} of the kubeconfig can't be read: {error.strerror}") from error
    return None


def _in_cluster() -> Access:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return Access(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        credentials=FileToken(SERVICE_ACCOUNT / "token"),
        ca_pem=(SERVICE_ACCOUNT / "ca.crt").read_text(),
        namespace=(SERVICE_ACCOUNT / "namespace").read_text().strip(),
    )
