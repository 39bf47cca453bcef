"""Who we are at a registry, from where `docker login`, `podman login`, `skopeo login` and `buildah login` keep it.

https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md, https://docs.docker.com/reference/cli/docker/login
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bdc.errors import BdcError

DOCKER_HUB = "docker.io"
_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_SECONDS = 30
_TOKEN_USER = "<token>"  # noqa: S105  what credential helpers call the user of an identity token


@dataclass(frozen=True)
class Login:
    """A user and password, or an identity token, for one registry."""

    user: str
    secret: str = field(repr=False)
    is_token: bool = False

    def basic(self) -> str:
        """Value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


def login(host: str) -> Login | None:
    """The login for a registry, if there is one. Raises BdcError where a file or a credential helper can't be used."""
    for path in _files():
        found = _in_file(path, host)
        if found:
            return found
    return None


def pull_secret(host: str, found: Login) -> str:
    """A login as the text of a Secret of type kubernetes.io/dockerconfigjson."""
    entry = {"identitytoken": found.secret} if found.is_token else {"auth": found.basic().removeprefix("Basic ")}
    return json.dumps({"auths": {_key(host): entry}})


def _files() -> Iterator[Path]:
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if run := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(run) / "containers" / "auth.json"
    root = Path(f"/run/containers/{os.getuid()}/auth.json")
    if os.access(root, os.R_OK):  # the folder above it may be root's alone
        yield root
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers" / "auth.json"
    yield Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def _in_file(path: Path, host: str) -> Login | None:
    try:
        document = json.loads(path.read_text())
        helper = (document.get("credHelpers") or {}).get(host) or document.get("credsStore")
        entries = document.get("auths") or {}
        entry = next((entries[key] for key in (_key(host), f"https://{host}", f"http://{host}") if entries.get(key)), None)
        if entry:
            return _entry(entry)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise BdcError(
            f"the registry logins in {path} can't be read: {error}", "correct the file, or log in again: docker login"
        ) from error
    return _asked(str(helper), host) if helper else None


def _entry(entry: dict[str, Any]) -> Login | None:
    user, _, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    if token := entry.get("identitytoken"):
        return Login(user, str(token), is_token=True)
    user, password = user or str(entry.get("username") or ""), password or str(entry.get("password") or "")
    return Login(user, password) if user else None


def _asked(helper: str, host: str) -> Login | None:
    """Ask a credential helper: the host on its stdin, JSON on its stdout."""
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run([program, "get"], input=_key(host), capture_output=True, text=True, timeout=_HELPER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BdcError(
            f"the credential helper {program} can't be run: {error}", f"install it, or log in again: docker login {host}"
        ) from error
    if done.returncode:  # it has none for this host
        return None
    try:
        answer = json.loads(done.stdout)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise BdcError(f"the credential helper {program} gave no user and secret", f"log in again: docker login {host}") from None
    return Login(user, secret, is_token=user == _TOKEN_USER)


def _key(host: str) -> str:
    return _HUB_KEY if host == DOCKER_HUB else host
