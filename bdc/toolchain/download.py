"""Downloads a release, checked against its pinned SHA-256, and unpacks its executables.

A wrong digest ends the command: it is either a damaged mirror or an attack, and going on to the next source would hide both.
A source that can't be reached, or lacks the file, raises `UnavailableError`, after which the caller may build instead.
"""

from __future__ import annotations

import hashlib
import shutil
import ssl
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

from bdc.errors import BdcError
from bdc.toolchain import cache
from bdc.toolchain.manifest import ProgramSpec, Release, mirror

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5
_TIMEOUT_SECONDS, _CONNECT_SECONDS = 30, 5
_CHUNK = 1 << 20
_ARCHIVES = (".tar.gz", ".tgz")


class UnavailableError(BdcError):
    """No source has the release: not reachable, not there, or the connection broke every time."""


def download(spec: ProgramSpec, release: Release, bin_dir: Path, *, on_progress: cache.Progress) -> None:
    """Fetch a release from BDC_MIRROR, or from its project's site, into `bin_dir`. Raises UnavailableError or BdcError."""
    source = _source(release)
    on_progress(f"fetching {spec.label} from {source}")
    archive = bin_dir.parent / release.file_name
    with cache.explained(archive):
        digest = _copied(Path(source), archive) if source.startswith("/") else _fetched(source, archive)
        if digest != release.sha256:
            raise BdcError(
                f"{source} is not what bdc expects: its SHA-256 is {digest}, pinned is {release.sha256}",
                "nothing of it was used; have that source checked, or set BDC_MIRROR to one that you trust",
            )
        bin_dir.mkdir()
        _unpack(spec, archive, bin_dir)
        archive.unlink()


def _source(release: Release) -> str:
    place = mirror()
    if not place:
        return release.url
    if place.startswith(("http://", "https://")):
        return f"{place.rstrip('/')}/{release.file_name}"
    return str(Path(place).expanduser().absolute() / release.file_name)


def _copied(source: Path, target: Path) -> str:
    if not source.is_file():
        raise UnavailableError(f"{source} does not exist", "put the release file there, or unset BDC_MIRROR")
    with source.open("rb") as file:
        return _written(iter(lambda: file.read(_CHUNK), b""), target)


def _fetched(url: str, target: Path) -> str:
    import httpx

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _fetched_once(url, target)
        except httpx.HTTPStatusError as error:
            problem = f"{url}: HTTP {error.response.status_code}"
            if error.response.status_code < 500:
                break
        except httpx.ConnectError as error:
            problem = f"{url} can't be reached: {error}"
            break
        except httpx.TransportError as error:
            problem = f"{url}: the connection broke: {error or type(error).__name__}"
        if attempt < _ATTEMPTS:
            time.sleep(_PAUSE_SECONDS * attempt)
    raise UnavailableError(problem, "set BDC_MIRROR to an address or a folder that has the file, or HTTPS_PROXY to your site's proxy")


def _fetched_once(url: str, target: Path) -> str:
    import httpx

    trust = ssl.create_default_context()  # the system's CAs, so that a site's own one counts; SSL_CERT_FILE overrides
    with (
        httpx.Client(timeout=httpx.Timeout(_TIMEOUT_SECONDS, connect=_CONNECT_SECONDS), follow_redirects=True, verify=trust) as client,
        client.stream("GET", url) as response,
    ):
        response.raise_for_status()
        return _written(response.iter_bytes(_CHUNK), target)


def _written(chunks: Iterator[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _unpack(spec: ProgramSpec, archive: Path, bin_dir: Path) -> None:
    """Take the executables out of an archive, wherever they lie in it; a file that is no archive is the main executable."""
    if archive.name.endswith(_ARCHIVES):
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                name = Path(member.name).name
                if member.isfile() and name in spec.executables and (content := members.extractfile(member)):
                    with content, (bin_dir / name).open("wb") as file:
                        shutil.copyfileobj(content, file)
    else:
        shutil.copyfile(archive, bin_dir / spec.main)
    missing = [executable for executable in spec.executables if not (bin_dir / executable).is_file()]
    if missing:
        raise BdcError(f"{archive.name} of {spec.label} has no {', '.join(missing)}", "this is a defect of bdc: please report it")
    for executable in spec.executables:
        (bin_dir / executable).chmod(0o755)
