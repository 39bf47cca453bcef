"""Who we are to the API server: a header, a client certificate, or both; some of them expire and can be renewed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bdc.errors import BdcError


class Credentials(Protocol):
    """What a request needs to carry."""

    def header(self) -> str | None:
        """The Authorization header's value."""

    def certificate(self) -> tuple[str, str] | None:
        """Client certificate and key, PEM."""

    def renew(self) -> bool:
        """Get new ones after a 401; False when that can't help."""


@dataclass(frozen=True, repr=False)
class PlainCredentials:
    """A fixed token, password or client certificate."""

    value: str | None = None
    pair: tuple[str, str] | None = None

    def header(self) -> str | None:
        """The fixed header."""
        return self.value

    def certificate(self) -> tuple[str, str] | None:
        """The fixed certificate."""
        return self.pair

    def renew(self) -> bool:
        """Fixed ones stay as they are."""
        return False


@dataclass(frozen=True)
class FileToken:
    """A token in a file that somebody keeps fresh, such as a pod's service account token."""

    path: Path

    def header(self) -> str | None:
        """The token as it is in the file now."""
        try:
            return f"Bearer {self.path.read_text().strip()}"
        except OSError as error:
            raise BdcError(f"the token file {self.path} can't be read: {error.strerror}") from error

    def certificate(self) -> tuple[str, str] | None:
        """None: tokens only."""
        return None

    def renew(self) -> bool:
        """The file is read for every request anyway."""
        return False


class ExecCredentials:
    """Credentials from a program, as cloud providers do it.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """

    def __init__(self, spec: Mapping[str, Any], folder: Path, server: str) -> None:
        self._spec, self._folder, self._server = spec, folder, server
        self._status: Mapping[str, Any] | None = None

    def header(self) -> str | None:
        """The token that the program gave."""
        token = self._current().get("token")
        return f"Bearer {token}" if token else None

    def certificate(self) -> tuple[str, str] | None:
        """The certificate that the program gave."""
        status = self._current()
        if status.get("clientCertificateData") and status.get("clientKeyData"):
            return status["clientCertificateData"], status["clientKeyData"]
        return None

    def renew(self) -> bool:
        """Ask the program again at the next use."""
        self._status = None
        return True

    def _current(self) -> Mapping[str, Any]:
        if self._status is None:
            self._status = self._run()
        return self._status

    def _run(self) -> Mapping[str, Any]:
        command = str(self._spec["command"])
        if os.sep in command:
            command = str(self._folder / command)
        info = {"apiVersion": self._spec["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
        env = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(info)}
        env.update({entry["name"]: entry["value"] for entry in self._spec.get("env") or []})
        argv = [command, *map(str, self._spec.get("args") or [])]
        hint = self._spec.get("installHint")
        try:
            done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=True)
            return dict(json.loads(done.stdout)["status"])
        except subprocess.CalledProcessError as error:
            last = (error.stderr or "").strip().splitlines()[-1:] or [f"exit status {error.returncode}"]
            raise BdcError(f"{command} gave no credentials for {self._server}: {last[0]}", hint or "log in with it first") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BdcError(f"{command} gave no credentials for {self._server}: {error}", hint) from error
        except (ValueError, KeyError, TypeError) as error:
            raise BdcError(f"{command} printed no ExecCredential", hint) from error
