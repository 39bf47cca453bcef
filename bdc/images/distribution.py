"""Asks a registry which images it has, by the OCI distribution protocol, with the login that docker and buildah keep.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md and, for tokens, https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from bdc.errors import BdcError
from bdc.images.spec import references

_ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.list.v2", "docker.distribution.manifest.v2",
    )
)  # fmt: skip
_TIMEOUT = httpx.Timeout(10, connect=3)
_LOCAL = re.compile(r"^(localhost|127\.[0-9.]+|\[::1\])(:|$)")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class UnaskedError(BdcError):
    """The registry can't be asked from here: it does not answer, or wants a login that this machine doesn't have."""


def absent(names: Iterable[str], registry: str) -> list[str]:
    """References of these images that the registry doesn't have. Raises UnaskedError."""
    wanted = [reference for name, reference in references(registry).items() if name in set(names)]
    host, _, _ = registry.partition("/")
    trust = ssl.create_default_context()  # the system's CAs, so that a site's own one counts; SSL_CERT_FILE overrides
    scheme = "http" if _LOCAL.match(host) else "https"  # as docker and containerd have it
    server = f"{scheme}://{'registry-1.docker.io' if host == 'docker.io' else host}"
    with httpx.Client(base_url=server, timeout=_TIMEOUT, verify=trust) as client, ThreadPoolExecutor(8) as pool:
        there = list(pool.map(lambda reference: _has(client, host, reference), wanted))
    return [reference for reference, found in zip(wanted, there, strict=True) if not found]


def _has(client: httpx.Client, host: str, reference: str) -> bool:
    repository, _, tag = reference.partition("/")[2].rpartition(":")
    login = _login(host)
    headers = {"Accept": _ACCEPT}
    try:
        answer = client.head(f"/v2/{repository}/manifests/{tag}", headers=headers)
        if answer.status_code == 401:
            headers["Authorization"] = _authorization(client, answer.headers.get("WWW-Authenticate", ""), login)
            answer = client.head(f"/v2/{repository}/manifests/{tag}", headers=headers)
    except httpx.TransportError as error:
        raise UnaskedError(f"registry {host} does not answer here: {error}") from error
    if answer.status_code in {200, 404}:
        return answer.status_code == 200
    raise UnaskedError(f"registry {host} does not let this machine look: HTTP {answer.status_code}")


def _authorization(client: httpx.Client, challenge: str, login: str | None) -> str:
    """What to answer to a 401: the login itself, or a token that the registry's token service gives for it."""
    if not challenge.lower().startswith("bearer "):
        return f"Basic {login}" if login else ""
    asked = dict(_PARAMETER.findall(challenge))
    if not (realm := asked.pop("realm", "")):
        return ""
    answer = client.get(realm, params=asked, headers={"Authorization": f"Basic {login}"} if login else {})
    if answer.status_code != 200:
        return ""
    found = answer.json()
    return f"Bearer {found.get('token') or found.get('access_token') or ''}"


def _login(host: str) -> str | None:
    """`user:password` in base64 from buildah's or docker's file; None without one."""
    own = [Path(value) for name in ("REGISTRY_AUTH_FILE",) if (value := os.environ.get(name))]
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}") / "containers" / "auth.json"
    root = Path("/run/containers") / str(os.geteuid()) / "auth.json"
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    key = "https://index.docker.io/v1/" if host == "docker.io" else host
    for file in (*own, runtime, root, docker):
        try:
            auths = json.loads(file.read_text()).get("auths") or {}
        except (OSError, ValueError):
            continue
        if found := (auths.get(key) or auths.get(host) or {}).get("auth"):
            return base64.b64encode(base64.b64decode(found)).decode()
    return None
