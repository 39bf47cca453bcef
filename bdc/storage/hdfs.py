"""Local files and folders to HDFS and back: what `bdc hdfs put` and `get` do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.kube.connection import Credentials, EndpointConnection
from bdc.storage import paths
from bdc.storage.errors import PathExistsError
from bdc.storage.files import Status
from bdc.storage.transfer import Progress, Streams, Transfer

Done = Callable[[Transfer], None]


@dataclass(frozen=True)
class CopyOptions:
    """How files are copied. `preserve`: modification times and permissions too. `check`, `verify`: see `transfer`."""

    overwrite: bool = False
    preserve: bool = False
    check: bool = True
    verify: bool = False


class Hdfs(Streams):
    """The storage pool's file system as a library.

    >>> with reach(kube, config, "httpfs") as reached, Hdfs.at(reached, credentials(kube, "bdc")) as hdfs:
    ...     hdfs.put(Path("flights.csv"), "/data")
    """

    @classmethod
    def at(cls, reached: EndpointConnection, credentials: Credentials) -> Self:
        """The file system behind a reached HttpFS."""
        return cls(
            f"https://{reached.netloc}",
            credentials.username,
            credentials.password,
            ca_file=str(reached.ca_file),
            server_name=reached.server_name,
        )

    def put(
        self, local: Path, target: str, options: CopyOptions | None = None, progress: Progress | None = None, done: Done | None = None
    ) -> list[Transfer]:
        """Copy a local file, or a folder with all in it, to `target`, or into it when that is a directory.

        Symbolic links are followed. Raises NotFoundError, PathExistsError, UsageError for what can't be a file in HDFS.
        """
        options = options or CopyOptions()
        if not local.exists():
            raise NotFoundError(f"{local}: no such local file")
        full = self._into(target, Path(os.path.abspath(local)).name)  # noqa: PTH100 `resolve` would follow a link and take its target's name
        return _told(self._put(local, full, options, progress, frozenset()), done)

    def get(
        self, path: str, local: Path, options: CopyOptions | None = None, progress: Progress | None = None, done: Done | None = None
    ) -> list[Transfer]:
        """Copy a file, or a directory with all in it, to `local`, or into it when that is a folder."""
        status = self.status(path)
        target = local / _local_name(status.path) if local.is_dir() else local
        if not target.parent.is_dir():
            raise NotFoundError(f"{target.parent}: no such local folder", f"make it: mkdir -p {target.parent}")
        return _told(self._get(status, target, options or CopyOptions(), progress), done)

    def _put(self, local: Path, target: str, options: CopyOptions, progress: Progress | None, above: frozenset[str]) -> Iterator[Transfer]:
        _utf8(local)
        if local.is_dir():
            real = os.path.realpath(local)
            if real in above:
                raise UsageError(f"{local}: is a link to a folder that it is in")
            self.mkdir(target, parents=True)
            for entry in sorted(local.iterdir()):
                yield from self._put(entry, paths.join(target, entry.name), options, progress, above | {real})
        else:
            yield self._put_file(local, target, options, progress)
        if options.preserve:
            self._preserve(local, target)

    def _put_file(self, local: Path, target: str, options: CopyOptions, progress: Progress | None) -> Transfer:
        if not local.is_file() and not local.is_fifo():
            raise UsageError(f"{local}: is neither a file nor a folder", "a broken link? a device?")
        try:
            with local.open("rb") as source:
                size = os.fstat(source.fileno()).st_size if local.is_file() else None
                return self.write(
                    source, target, total=size, name=str(local), overwrite=options.overwrite, verify=options.verify, progress=progress
                )
        except OSError as error:
            raise BdcError(f"{local}: can't be read: {error.strerror or error}") from error

    def _get(self, status: Status, target: Path, options: CopyOptions, progress: Progress | None) -> Iterator[Transfer]:
        if status.is_dir:
            if target.exists() and not target.is_dir():
                raise PathExistsError(f"{target}: exists already and is a file")
            target.mkdir(exist_ok=True)
            for entry in self.ls(status.path):
                yield from self._get(entry, target / _local_name(entry.path), options, progress)
        else:
            yield self._get_file(status, target, options, progress)
        if options.preserve:
            os.utime(target, (status.accessed.timestamp(), status.modified.timestamp()))
            target.chmod(status.permission & 0o777)

    def _get_file(self, status: Status, target: Path, options: CopyOptions, progress: Progress | None) -> Transfer:
        if target.is_dir():
            raise PathExistsError(f"{target}: is a folder")
        if target.exists() and not options.overwrite:
            raise PathExistsError(f"{target}: exists already", "choose another name, or use --overwrite")
        with _atomic(target) as file:
            return self.download(status, file, name=str(target), check=options.check, progress=progress)

    def _into(self, target: str, name: str) -> str:
        full = self.resolve(target)
        try:
            there = self.status(full)
        except NotFoundError:
            if target.endswith("/"):
                self.directory(full)
            self.directory(paths.parent(full))
            return full
        return paths.join(full, name) if there.is_dir else full

    def _preserve(self, local: Path, target: str) -> None:
        stat = local.stat()
        self._wire.set_times(target, access_time=int(stat.st_atime * 1000), modification_time=int(stat.st_mtime * 1000))
        self._wire.set_permission(target, permission=f"{stat.st_mode & 0o777:o}")


def _told(transfers: Iterator[Transfer], done: Done | None) -> list[Transfer]:
    all_of_them = []
    for transfer in transfers:
        all_of_them.append(transfer)
        if done:
            done(transfer)
    return all_of_them


@contextmanager
def _atomic(target: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name when it is complete, and not at all otherwise."""
    temporary = target.with_name(paths.name(paths.temporary(f"/{target.name}")))
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(target)
    except OSError as error:
        raise BdcError(f"{target}: can't be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _local_name(path: str) -> str:
    name = paths.name(path)
    if not name or "\0" in name:
        raise UsageError(f"{path}: has no name that a local file can have", "name a directory in it")
    return name


def _utf8(local: Path) -> None:
    try:
        local.name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{local.name!r}: the name isn't UTF-8, and names in HDFS are", "rename it first") from None
