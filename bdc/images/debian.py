"""The Debian base image: from a registry where one answers, else made here by mmdebstrap from the host's Debian mirror."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bdc.config.paths import cache_dir
from bdc.errors import BdcError
from bdc.images.apt_sources import debian_sources
from bdc.images.builder import Builder
from bdc.images.step import run_step

_REGISTRY_ANSWER_SECONDS = 4
# What Debian's own slim images leave out.
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
    "/usr/share/groff/*",
    "/usr/share/lintian/*",
)


def ensure_base(reference: str, builder: Builder, log: Path) -> None:
    """Makes sure that the tool's store has the base image `reference`, such as `docker.io/library/debian:trixie-slim`."""
    if builder.has(reference):
        return
    if registry_answers(reference):
        try:
            builder.pull(reference, log)
        except BdcError:
            if not shutil.which("mmdebstrap"):
                raise
        else:
            return
    if "/debian:" not in reference or not shutil.which("mmdebstrap"):
        raise BdcError(
            f"image {reference} can't be fetched: its registry doesn't answer",
            "install mmdebstrap, or pull the image into the build tool's store by hand",
        )
    _make(reference, builder, log)


def registry_answers(reference: str) -> bool:
    """Whether the registry of `reference` speaks to this host; asked once with a short deadline."""
    import httpx

    host = reference.split("/", 1)[0]
    api = f"index.{host}" if host.endswith(".io") and host.count(".") == 1 else host
    try:
        return httpx.head(f"https://{api}/v2/", timeout=_REGISTRY_ANSWER_SECONDS).status_code in {200, 401}
    except (httpx.HTTPError, OSError):
        return False


def _make(reference: str, builder: Builder, log: Path) -> None:
    release = reference.rsplit(":", 1)[1].removesuffix("-slim")
    with tempfile.TemporaryDirectory(prefix=".work-", dir=cache_dir() / "images") as name:
        folder = Path(name)
        options = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
        options += ['--aptopt=APT::Install-Recommends "false"', "--dpkgopt=path-include=/usr/share/doc/*/copyright"]
        run_step(["mmdebstrap", "--variant=minbase", *options, release, str(folder / "base.tar"), *debian_sources(release)], reference, log)
        (folder / "Dockerfile").write_text('FROM scratch\nADD base.tar /\nCMD ["bash"]\n')
        builder.build(reference, folder, folder / "Dockerfile", (), log)
