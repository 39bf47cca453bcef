"""What is there already: on PATH, then in the cache. Never downloads, never builds.

From PATH a program is taken as a whole: one folder that has all of its executables, each at the same accepted version. A lone
`kubectl` doesn't make a Kubernetes node, and a kubelet of one version with a kubeadm of another is what nobody tests.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bdc.toolchain import cache, versions
from bdc.toolchain.manifest import OnPath, ProgramSpec, spec
from bdc.toolchain.program import Program

_VERSION_SECONDS = 20


def find(name: str) -> Program | None:
    """The program on PATH at an accepted version or in the cache; None if it is in neither."""
    wanted = spec(name)
    return on_path(wanted) or cached(wanted)


def on_path(wanted: ProgramSpec) -> Program | None:
    """The program in the first folder on PATH that has all of its executables at one accepted version."""
    if wanted.on_path is None:
        return None
    for folder in map(Path, os.get_exec_path()):
        if all(_startable(folder / executable) for executable in wanted.executables):
            version = _common_version(folder, wanted.executables, wanted.on_path)
            if version:
                return Program(wanted.name, version, folder / wanted.main, folder, "path")
    return None


def cached(wanted: ProgramSpec) -> Program | None:
    """The program as an earlier call downloaded or built it."""
    release = wanted.release_here()
    digests = [release.sha256] if release else []
    digests += [wanted.build_digest()] if wanted.go else []
    for digest in digests:
        folder = cache.entry(wanted.name, wanted.version, digest) / "bin"
        if all(_startable(folder / executable) for executable in wanted.executables):
            return Program(wanted.name, wanted.version, folder / wanted.main, folder, "cache")
    return None


def version_of(executable: Path, *arguments: str) -> str | None:
    """The version an executable prints; None if it can't be started, fails, or prints none."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [executable, *arguments], capture_output=True, text=True, errors="replace", timeout=_VERSION_SECONDS, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return versions.version_in(f"{done.stdout}\n{done.stderr}") if done.returncode == 0 else None


def _startable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _common_version(folder: Path, executables: tuple[str, ...], rule: OnPath) -> str | None:
    common = None
    for executable in executables:
        version = version_of(folder / executable, *rule.version_args.get(executable, ("--version",)))
        if not version or not versions.satisfies(version, rule.accepted) or version != (common or version):
            return None
        common = version
    return common
