"""HDFS as a library: list, make, move, remove, permissions, sizes. Reading and writing are in `transfer`.

There is no trash: HttpFS deletes at once, and so does `rm`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.kube.connection import SecretStr
from bdc.storage import paths
from bdc.storage.errors import PathExistsError
from bdc.storage.mode import Mode
from bdc.storage.wire import Wire


@dataclass(frozen=True)
class Status:
    """A file or directory. `length` and `block_size` in bytes; `permission` is the octal mode, with the sticky bit."""

    path: str
    type: str
    length: int
    owner: str
    group: str
    permission: int
    replication: int
    block_size: int
    modified: datetime
    accessed: datetime
    encrypted: bool = False
    erasure_coded: bool = False

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return self.type == "DIRECTORY"

    @property
    def name(self) -> str:
        """The last component of its path."""
        return paths.name(self.path)

    @classmethod
    def parse(cls, path: str, answer: Mapping[str, Any]) -> Self:
        """From WebHDFS' `FileStatus` object."""
        return cls(
            path=path,
            type=str(answer["type"]),
            length=int(answer["length"]),
            owner=str(answer["owner"]),
            group=str(answer["group"]),
            permission=int(str(answer["permission"]), 8),
            replication=int(answer.get("replication", 0)),
            block_size=int(answer.get("blockSize", 0)),
            modified=_time(answer.get("modificationTime", 0)),
            accessed=_time(answer.get("accessTime", 0)),
            encrypted=bool(answer.get("encBit")),
            erasure_coded=bool(answer.get("ecBit")),
        )


@dataclass(frozen=True)
class Usage:
    """What a path takes: bytes of content, bytes on disks with all copies, and how many files and directories.

    `quota` is how many names (files and directories) it may have, `space_quota` how many bytes on disks; None where it has no such bound.
    """

    path: str
    length: int
    space: int
    files: int
    directories: int
    quota: int | None = None
    space_quota: int | None = None


@dataclass(frozen=True)
class Capacity:
    """The whole file system's bytes on disks: what the DataNodes have for HDFS, what its blocks take with all copies, what is left."""

    size: int
    used: int
    available: int


class Files(ABC):
    """The file system through one HttpFS. Paths are absolute, or relative to /user/<user>. Not to be shared by threads."""

    def __init__(
        self,
        url: str,
        username: str,
        password: SecretStr,
        *,
        ca_file: str | None = None,
        server_name: str | None = None,
        timeout_seconds: float = 120,
    ) -> None:
        self._wire = Wire(url, username, password, ca_file=ca_file, server_name=server_name, timeout_seconds=timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def resolve(self, path: str) -> str:
        """The absolute, normal form of a path as users write it."""
        return self._wire.resolve(paths.parse(path))

    def status(self, path: str) -> Status:
        """One file or directory; raises NotFoundError."""
        full = self.resolve(path)
        return Status.parse(full, self._wire.status(full))

    def exists(self, path: str) -> bool:
        """Whether there is something at `path`."""
        try:
            self.status(path)
        except NotFoundError:
            return False
        return True

    def ls(self, path: str) -> list[Status]:
        """A directory's entries by name, or the one file; raises NotFoundError."""
        full = self.resolve(path)
        entries = self._wire._list_status(full).json()["FileStatuses"]["FileStatus"]  # noqa: SLF001 the raw endpoint of the package
        found = [Status.parse(paths.join(full, entry["pathSuffix"]) if entry["pathSuffix"] else full, entry) for entry in entries]
        return sorted(found, key=lambda status: status.path)

    def walk(self, path: str) -> Iterator[Status]:
        """`path` and everything below it, a directory before its entries."""
        top = self.status(path)
        yield top
        if top.is_dir:
            for entry in self.ls(top.path):
                if entry.is_dir:
                    yield from self.walk(entry.path)
                else:
                    yield entry

    def glob(self, pattern: str) -> list[Status]:
        """What a path or pattern matches, by name. A name that exists as it is written wins over the pattern.

        Raises NotFoundError when nothing matches.
        """
        try:
            return [self.status(pattern)]
        except (NotFoundError, UsageError):
            if not paths.is_pattern(pattern):
                raise
        found: dict[str, Status] = {}
        for one in paths.alternatives(paths.parse(pattern)):
            base = "/" if one.startswith("/") else self.resolve(".")
            found.update((status.path, status) for status in self._match(base, paths.components(one)))
        if not found:
            raise NotFoundError(f"{pattern}: nothing in HDFS matches", "a backslash before *, ?, [ or { takes it as it is")
        return [found[path] for path in sorted(found)]

    def mkdir(self, path: str, *, parents: bool = False) -> None:
        """Make a directory; with `parents` its parents too, and one that exists is fine."""
        full = self.resolve(path)
        try:
            there: Status | None = self.status(full)
        except NotFoundError:
            there = None
        if there and (not there.is_dir or not parents):
            raise PathExistsError(f"{full}: exists already", None if there.is_dir else "a file has this name")
        if not parents and not there:
            self.directory(paths.parent(full))
        self._wire.makedirs(full, permission="755")

    def directory(self, path: str) -> Status:
        """The status of a directory that must exist; raises NotFoundError, or UsageError for a file."""
        try:
            status = self.status(path)
        except NotFoundError as error:
            raise NotFoundError(error.message, f"make it: bdc hdfs mkdir -p {self.resolve(path)}") from None
        if not status.is_dir:
            raise UsageError(f"{status.path}: is a file, not a directory")
        return status

    def rm(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file, or with `recursive` a directory and all in it, at once and for good; / is refused."""
        status = self.status(path)
        if status.path == "/":
            raise UsageError("/ is not removed: it is the whole file system", "name the directories in it")
        if status.is_dir and not recursive:
            raise UsageError(f"{status.path}: is a directory", "remove it and all in it with -r")
        if not self._wire.delete(status.path, recursive=recursive):
            raise NotFoundError(f"{status.path}: no such file or directory in HDFS")

    def mv(self, source: str, target: str) -> str:
        """Rename, or move into an existing directory; the new path. Raises PathExistsError."""
        old = self.status(source).path
        new = self.resolve(target)
        if old == "/" or new == old or f"{new}/".startswith(f"{old}/"):
            raise UsageError(f"{old} can't be moved to {new}: it would be inside itself")
        try:
            there: Status | None = self.status(new)
        except NotFoundError:
            self.directory(paths.parent(new))
            there = None
        if there and there.is_dir:
            new = paths.join(new, paths.name(old))
            there = self.status(new) if self.exists(new) else None
        if there:
            raise PathExistsError(f"{new}: exists already", "remove it first, or choose another name")
        self._rename(old, new)
        return new

    def du(self, path: str) -> Usage:
        """What a file or directory takes, all in it included."""
        full = self.resolve(path)
        answer = self._wire.content(full)
        quotas = (quota if (quota := int(answer.get(key, -1))) >= 0 else None for key in ("quota", "spaceQuota"))
        return Usage(full, *(int(answer[key]) for key in ("length", "spaceConsumed", "fileCount", "directoryCount")), *quotas)

    def capacity(self) -> Capacity:
        """How full the file system is."""
        found = self._wire.capacity()
        return Capacity(int(found["capacity"]), int(found["used"]), int(found["remaining"]))

    def chmod(self, path: str, mode: str, *, recursive: bool = False) -> None:
        """Set permissions: octal (750, 1777) or symbolic (u+rw,go-w,a+X)."""
        change = Mode(mode)
        for status in self._targets(path, recursive=recursive):
            self._wire.set_permission(status.path, permission=f"{change.apply(status.permission, is_dir=status.is_dir):o}")

    def chown(self, path: str, owner: str | None = None, group: str | None = None, *, recursive: bool = False) -> None:
        """Set the owner, the group, or both; the owner can be set by HDFS's superuser only."""
        if not owner and not group:
            raise UsageError("neither an owner nor a group was given", "OWNER, OWNER:GROUP or :GROUP")
        for status in self._targets(path, recursive=recursive):
            self._wire.set_owner(status.path, owner=owner, group=group)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """A file's bytes from `offset`, in pieces of at most 1 MiB. A broken connection is an error here; `transfer` resumes."""
        status = self.status(path)
        if status.is_dir:
            raise UsageError(f"{status.path}: is a directory")
        with closing(self._stream(status.path, offset, length)) as pieces:
            yield from pieces

    def _targets(self, path: str, *, recursive: bool) -> Iterable[Status]:
        return list(self.walk(path)) if recursive else [self.status(path)]

    def _match(self, base: str, components: list[str]) -> Iterator[Status]:
        literal = base
        for at, component in enumerate(components):
            if not paths.is_magic(component):
                literal = paths.join(literal, paths.unescape(component))
                continue
            pattern = paths.matcher(component)
            for entry in self._entries(literal):
                if pattern.fullmatch(entry.name):
                    yield from self._match(entry.path, components[at + 1 :])
            return
        if self.exists(literal):
            yield self.status(literal)

    def _entries(self, folder: str) -> list[Status]:
        try:
            return [entry for entry in self.ls(folder) if entry.path != self.resolve(folder)]
        except NotFoundError:
            return []

    def _rename(self, old: str, new: str) -> None:
        if not self._wire._rename(old, destination=new).json()["boolean"]:  # noqa: SLF001 the raw endpoint of the package
            raise BdcError(f"HDFS did not rename {old} to {new}", "look whether the target exists, or its parent is missing")

    @abstractmethod
    def _stream(self, path: str, offset: int, length: int | None) -> Generator[bytes]: ...


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
