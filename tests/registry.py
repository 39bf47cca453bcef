"""A real private registry for tests: Debian's docker-registry, with TLS from a CA of its own and a password."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bdc_stacks import identity

USER, PASSWORD = "builder", "builder's secret"
PACKAGES = {"docker-registry": "docker-registry", "htpasswd": "apache2-utils"}
Popen = Callable[[Sequence[str | Path]], "subprocess.Popen[Any]"]


class RegistryServer:
    """A registry at `address` whose files are in `folder`; it runs from `start` to `stop`, and what it has outlives that."""

    def __init__(self, folder: Path, address: str, port: int) -> None:
        self.folder, self.host = folder, f"{address}:{port}"
        self._address, self._port = address, port
        self._process: subprocess.Popen[Any] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        authority = identity.authority("registry")
        self.ca = authority["ca.crt"]
        served = identity.certificate(authority, [address])
        (folder / "tls.crt").write_text(served["tls.crt"])
        (folder / "tls.key").write_text(served["tls.key"])
        hashed = subprocess.run(["htpasswd", "-niB", USER], input=PASSWORD, capture_output=True, text=True, check=True).stdout
        (folder / "htpasswd").write_text(hashed)
        settings = {
            "version": 0.1,
            "log": {"level": "info", "accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}},
            "http": {"addr": self.host, "tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}},
        }
        (folder / "config.yml").write_text(json.dumps(settings))

    def start(self, popen: Popen) -> None:
        """Start it by `popen`, and wait until it listens; it says what it does to its log."""
        self._process = popen(["sh", "-c", f"exec docker-registry serve {self.folder}/config.yml >>{self.folder}/log 2>&1"])
        deadline = time.monotonic() + 20
        while "listening on" not in self.log():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"the registry does not start: {self.log()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()

    def log(self) -> str:
        return (self.folder / "log").read_text() if (self.folder / "log").exists() else ""

    def blobs_sent(self) -> int:
        """How many blobs clients have sent since it was made."""
        return self.log().count('"PATCH /v2/')

    def logins(self, password: str = PASSWORD) -> str:
        """A config.json as `docker login` writes it."""
        return json.dumps({"auths": {self.host: {"auth": base64.b64encode(f"{USER}:{password}".encode()).decode()}}})


def install() -> None:
    """Install the registry where it is missing."""
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if missing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], check=True, stdout=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
