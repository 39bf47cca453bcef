"""The tools that build Dockerfiles: docker, nerdctl or buildah, whichever answers on this host.

buildah needs no daemon and is what a bare host gets. Ours has a store of its own (in the cache folder), so that whatever is left
there by a killed build is ours to remove. A build's mounts are options to buildah; BuildKit has no such option, so for docker and
nerdctl the same mounts are written into the RUN lines of the Dockerfile they are given.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bdc.config.paths import cache_dir
from bdc.errors import BdcError
from bdc.images.archive import add_saved
from bdc.images.host import Mount, proxy_settings
from bdc.images.oci_layout import Layout
from bdc.images.spec import REGISTRY
from bdc.images.step import run_step


class Builder(Protocol):
    """What bdc asks of a build tool."""

    program: str
    separate_store: bool
    """Whether the tool's store is bdc's own, so that bdc tidies it."""

    def has(self, reference: str) -> bool:
        """Whether the tool's store has this image."""

    def build(self, reference: str, context: Path, dockerfile: Path, mounts: Sequence[Mount], log: Path) -> None:
        """Builds `dockerfile` on the files of `context`."""

    def pull(self, reference: str, log: Path) -> None:
        """Fetches an image from its registry."""

    def export(self, reference: str, layout: Layout, log: Path) -> None:
        """Puts an image into `layout`."""

    def restore(self, layout: Layout, reference: str, log: Path) -> None:
        """Brings an image of `layout` back into the tool's store."""

    def remove(self, reference: str) -> None:
        """Drops an image from the tool's store."""

    def recover(self) -> None:
        """Removes what a killed build has left in the tool's store."""

    def tidy(self, keep: Iterable[str]) -> None:
        """Removes bdc's images but `keep` from the tool's store."""


_OPEN_FILES = 1 << 20
"""What a build has at most: some programs close every file that they may have open, one by one, and a host may allow a billion."""


class Buildah:
    """Debian's buildah: no daemon, builds in a chroot, needs root."""

    program = "buildah"
    separate_store = True

    def __init__(self) -> None:
        store = cache_dir() / "images" / "store"
        # The run root holds mounts and must be gone after a reboot; one for each store.
        run_root = Path("/run/bdc") / f"images-{hashlib.sha256(str(store).encode()).hexdigest()[:8]}"
        self._global = [self.program, "--root", str(store), "--runroot", str(run_root)]

    def has(self, reference: str) -> bool:
        """See `Builder`."""
        return _succeeds([*self._global, "inspect", "--type", "image", "--format", "{{.FromImageID}}", reference])

    def build(self, reference: str, context: Path, dockerfile: Path, mounts: Sequence[Mount], log: Path) -> None:
        """See `Builder`."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        open_files = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
        options = [
            "--isolation",
            "chroot",
            "--ulimit",  # 1024 by default, with which Trino doesn't start
            f"nofile={open_files}:{open_files}",
            "--pull-never",
            "--network",
            "host",
            "--format",
            "oci",
            "--tag",
            reference,
            "--file",
            str(dockerfile),
        ]
        for mount in mounts:
            options += ["--volume", f"{mount.source}:{mount.target}:{'rw' if mount.writable else 'ro'}"]
        run_step([*self._global, "build", *options, str(context)], reference, log, env=proxy_settings())

    def pull(self, reference: str, log: Path) -> None:
        """See `Builder`."""
        run_step([*self._global, "pull", "--quiet", reference], reference, log)

    def export(self, reference: str, layout: Layout, log: Path) -> None:
        """See `Builder`."""
        # zstd costs less CPU than gzip to write and to unpack, and every containerd that we support reads it.
        options = ["--quiet", "--format", "oci", "--compression-format", "zstd", "--compression-level", "3"]
        with layout.written_by_others():
            run_step([*self._global, "push", *options, reference, f"oci:{layout.folder}:{reference}"], reference, log)

    def restore(self, layout: Layout, reference: str, log: Path) -> None:
        """See `Builder`. By an archive: `oci:FOLDER:NAME` isn't taken where a folder's name begins with a dot."""
        with _as_archive(layout, reference) as archive:
            run_step([*self._global, "pull", "--quiet", f"oci-archive:{archive}"], reference, log)

    def remove(self, reference: str) -> None:
        """See `Builder`."""
        _succeeds([*self._global, "rmi", reference])

    def recover(self) -> None:
        """See `Builder`."""
        _succeeds([*self._global, "rm", "--all"])
        _succeeds([*self._global, "rmi", "--prune"])

    def tidy(self, keep: Iterable[str]) -> None:
        """See `Builder`."""
        names = [*self._global, "images", "--format", "{{.Name}}:{{.Tag}}"]
        listed = subprocess.run(names, capture_output=True, text=True, check=False).stdout.split()
        for reference in sorted(set(listed) - set(keep)):
            if reference.startswith(f"{REGISTRY}/"):
                self.remove(reference)


class BuildKit:
    """docker or nerdctl: a running engine with BuildKit."""

    separate_store = False

    def __init__(self, program: str) -> None:
        self.program = program

    def has(self, reference: str) -> bool:
        """See `Builder`."""
        return _succeeds([self.program, "image", "inspect", reference])

    def build(self, reference: str, context: Path, dockerfile: Path, mounts: Sequence[Mount], log: Path) -> None:
        """See `Builder`."""
        text, secrets = with_mounts(dockerfile.read_text(), mounts)
        dockerfile.write_text(text)
        options = ["--progress", "plain", "--network", "host", "--tag", reference, "--file", str(dockerfile)]
        for name, path in secrets.items():
            options += ["--secret", f"id={name},src={path}"]
        for name, value in proxy_settings().items():
            options += ["--build-arg", f"{name}={value}"]
        run_step([self.program, "build", *options, str(context)], reference, log, env={"DOCKER_BUILDKIT": "1"})

    def pull(self, reference: str, log: Path) -> None:
        """See `Builder`."""
        run_step([self.program, "pull", "--quiet", reference], reference, log)

    def export(self, reference: str, layout: Layout, log: Path) -> None:
        """See `Builder`."""
        layout.folder.mkdir(parents=True, exist_ok=True)
        saved = layout.folder / f".saved-{os.getpid()}.tar"
        try:
            run_step([self.program, "save", "--output", str(saved), reference], reference, log)
            add_saved(layout, saved, reference)
        finally:
            saved.unlink(missing_ok=True)

    def restore(self, layout: Layout, reference: str, log: Path) -> None:
        """See `Builder`: engines of version 25 and newer read the layout's format."""
        with _as_archive(layout, reference) as archive:
            run_step([self.program, "load", "--input", str(archive)], reference, log)

    def remove(self, reference: str) -> None:
        """See `Builder`."""
        _succeeds([self.program, "rmi", reference])

    def recover(self) -> None:
        """See `Builder`: an engine tidies its own builds."""

    def tidy(self, keep: Iterable[str]) -> None:
        """See `Builder`: what is in the engine's store is its user's."""


def with_mounts(dockerfile: str, mounts: Sequence[Mount]) -> tuple[str, dict[str, Path]]:
    """The Dockerfile with `mounts` in its RUN lines, and the files to pass as BuildKit secrets by id.

    Writable folders become cache mounts of the engine, files secrets; of a read-only folder every file is a secret.
    """
    options, secrets = [], {}
    for mount in mounts:
        if mount.writable:
            options.append(f"--mount=type=cache,sharing=locked,target={mount.target}")
            continue
        inside = sorted(mount.source.iterdir()) if mount.source.is_dir() else [mount.source]
        for path in inside:
            target = f"{mount.target}/{path.name}" if mount.source.is_dir() else mount.target
            name = re.sub(r"[^a-z0-9]+", "-", target.lower()).strip("-")
            secrets[name] = path
            options.append(f"--mount=type=secret,id={name},target={target},mode=0444")
    return re.sub(r"(?m)^RUN ", f"RUN {' '.join(options)} ", dockerfile), secrets


def find_builder() -> Builder | None:
    """The first tool that answers, or None."""
    for program in ("docker", "nerdctl"):
        if shutil.which(program) and _succeeds([program, "info"]):
            return BuildKit(program)
    return Buildah() if shutil.which("buildah") and os.geteuid() == 0 else None


def ensure_builder() -> Builder:
    """A build tool, installed from the host's Debian or Ubuntu packages (buildah, mmdebstrap) where none answers."""
    if found := find_builder():
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BdcError(
            "no tool to build images answers: docker and nerdctl have no running engine, and buildah needs root",
            "start Docker, or run bdc as root on Debian or Ubuntu, where it installs buildah itself",
        )
    log = cache_dir() / "images" / "logs" / "builder.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    noninteractive = {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=300"]
    run_step([*apt, "update"], "the build tool", log, env=noninteractive)
    install = [*apt, "install", "--no-install-recommends", "buildah", "mmdebstrap", "debian-archive-keyring"]
    try:
        run_step(install, "the build tool", log, env=noninteractive)
    except BdcError as error:
        if "dpkg was interrupted" not in error.message:
            raise
        run_step(["dpkg", "--configure", "-a"], "the build tool", log, env=noninteractive)
        run_step(install, "the build tool", log, env=noninteractive)
    return Buildah()


@contextmanager
def _as_archive(layout: Layout, reference: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".work-", dir=layout.folder.parent) as folder:
        archive = Path(folder) / "image.tar"
        with archive.open("wb") as out:
            layout.write_tar({reference: reference}, out)
        yield archive


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return (
            subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=120, check=False
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
