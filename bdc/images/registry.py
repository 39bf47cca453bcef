"""Puts built images into a registry, from which other clusters pull them, and looks whether they are there.

The layout's own blobs are sent, so it takes no build tool, no daemon and no root, and what is there already isn't sent again: an
interrupted push goes on with the blob that it was at.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.images.oci_layout import Layout, layout
from bdc.images.registry_login import DOCKER_HUB
from bdc.images.spec import chosen, references

if TYPE_CHECKING:
    from bdc.images.registry_client import Registry

_REFERENCE = re.compile(r"(?:[a-z0-9]+(?:[._-]+[a-z0-9]+)*/)*[a-z0-9]+(?:[._-]+[a-z0-9]+)*")
_HEARTBEAT_SECONDS = 5

Progress = Callable[[str], None]


class UnaskedError(BdcError):
    """The registry can't be asked from here: it does not answer, or wants a login that this machine doesn't have."""


def place(registry: str) -> tuple[str, str]:
    """Host and path of a registry as image references have it: `registry.example.org:5000/bdc`. Raises UsageError."""
    host, _, path = registry.rstrip("/").partition("/")
    if "." not in host and ":" not in host and host != "localhost":
        host, path = DOCKER_HUB, registry.rstrip("/")
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9a-f:]+\](:\d+)?", host) or (path and not _REFERENCE.fullmatch(path)):
        raise UsageError(f"{registry!r} is no registry", "write HOST, HOST:PORT or HOST/PATH, in lower case and without https://")
    return host, path


def push(names: Iterable[str] | None, registry: str, *, on_progress: Progress | None = None) -> None:
    """Pushes built images (all unless told) to `registry`. Raises UsageError, NotFoundError (unreachable, not built), BdcError."""
    from bdc.images.registry_client import Registry

    say = on_progress or (lambda _line: None)
    host, path = place(registry)
    here = references()
    known: dict[str, str] = {}
    with Registry(host) as remote:
        for spec in chosen(names):
            repository = f"{path}/{spec.name}".lstrip("/")
            try:
                _push_one(remote, repository, here[spec.name], known, say)
            except FileNotFoundError as error:
                raise NotFoundError(f"{error.filename} of image {spec.name} is gone", "run it again: it is built anew") from error


def absent(names: Iterable[str], registry: str) -> list[str]:
    """References of these images that `registry` doesn't have. Raises UnaskedError, UsageError."""
    from bdc.images.registry_client import Registry

    host, path = place(registry)
    there = references(registry)
    try:
        with Registry(host, connect_seconds=3) as remote:
            return [there[name] for name in names if not remote.has_manifest(f"{path}/{name}".lstrip("/"), there[name].rpartition(":")[2])]
    except BdcError as error:
        raise UnaskedError(error.message, error.hint) from error


def _push_one(remote: Registry, repository: str, reference: str, known: dict[str, str], say: Progress) -> None:
    """Send what is missing of an image. `known`: a repository of each blob that is at the registry for sure."""
    images, tag = layout(), reference.rpartition(":")[2]
    title = f"{remote.host}/{repository}:{tag}"
    if remote.has_manifest(repository, tag):
        say(f"{title} is there")
        known |= dict.fromkeys(_blobs(images, reference), repository)
        return
    blobs = _blobs(images, reference)
    missing = {digest: size for digest, size in blobs.items() if not remote.has_blob(repository, digest)}
    sending = _Sending(title, sum(missing.values()), say)
    for digest in missing:
        remote.put_blob(repository, digest, images.blob(digest), source=known.get(digest), on_sent=sending)
    descriptor = images.descriptor(reference)
    remote.put_manifest(repository, tag, images.blob(descriptor["digest"]).read_bytes(), descriptor["mediaType"])
    known |= dict.fromkeys(blobs, repository)
    say(f"pushed {title}")


def _blobs(images: Layout, reference: str) -> dict[str, int]:
    """Sizes in bytes of an image's configuration and layers by digest."""
    manifest = images.manifest(reference)
    return {each["digest"]: int(each["size"]) for each in (*manifest["layers"], manifest["config"])}


class _Sending:
    """Says every few seconds how far an image is."""

    def __init__(self, title: str, total: int, say: Progress) -> None:
        self._title, self._total, self._say = title, total, say
        self._sent, self._told = 0, time.monotonic()
        say(f"pushing {title}: {total / 1e6:.0f} MB to send")

    def __call__(self, count: int) -> None:
        self._sent += count
        if time.monotonic() - self._told > _HEARTBEAT_SECONDS:
            self._told = time.monotonic()
            self._say(f"pushing {self._title}: {self._sent / 1e6:.0f} of {self._total / 1e6:.0f} MB")
