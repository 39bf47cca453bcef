"""The application's files on HDFS, under the digest of their content: what is there already is not sent again.

The port's `put` shows a file under its name only when it is complete and checked, so an interrupted upload is never taken for it.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

from bdc.config.names import NAMESERVICE
from bdc.errors import BdcError, UsageError
from bdc.kube.person import Person
from bdc.spark.application import Application
from bdc.spark.settings import Uris

FOLDER = "/spark/staging"
"""Where the administrator's files are; an ordinary user's are in their home."""

_ARCHIVES = (".zip", ".jar", ".tar", ".tar.gz", ".tgz")
_SCHEMES = ("hdfs", "local")
_CHOICES = "name a local file, an hdfs:// URI or a local:// path in the Spark image"


class Files(Protocol):
    """What staging needs of HDFS. Paths are absolute."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        ...

    def mkdir(self, path: str, *, parents: bool) -> object:
        """Make a folder, with those above it; one that is there is well."""
        ...

    def put(self, local: Path, target: str) -> object:
        """Send one file under exactly this name. The name appears when the file is complete."""
        ...


class Staging:
    """Turns what the user names into URIs that a driver reads. HDFS is opened when the first local file comes up."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Files]], folder: str = FOLDER) -> None:
        self._connect, self._folder = connect, folder
        self._stack = ExitStack()
        self._files: Files | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def uris(self, app: Application) -> Uris:
        """URIs of all files of an application; all are checked before the first is sent. Raises UsageError."""
        for name in (app.file, *app.py_files, *app.files, *app.jars):
            check_readable(name)
        for name in app.archives:
            check_archive(name)
        return Uris(
            main=self.uri(app.file),
            py_files=tuple(map(self.uri, app.py_files)),
            files=tuple(map(self.uri, app.files)),
            jars=tuple(map(self.uri, app.jars)),
            archives=tuple(map(self.uri, app.archives)),
        )

    def uri(self, name: str) -> str:
        """The URI of one file, sent to HDFS first when it is a local path. Raises UsageError when it can't be read."""
        check_readable(name)
        if "://" in name:
            return name
        name, _, alias = name.partition("#")
        local = Path(name).expanduser()
        target = f"{self._folder}/{digest(local)}/{local.name}"
        self._send(local, target)
        return f"hdfs://{NAMESERVICE}{target}" + (f"#{alias}" if alias else "")

    def _send(self, local: Path, target: str) -> None:
        if self._files is None:
            self._files = self._stack.enter_context(self._connect())
        if self._files.exists(target):
            return
        try:
            self._files.mkdir(target.rpartition("/")[0], parents=True)
            self._files.put(local, target)
        except BdcError:
            if not self._files.exists(target):  # else another submit of the same file was faster
                raise


def own_folder(person: Person) -> str:
    """Where the files of an ordinary user's applications are."""
    return f"/user/{person.name}/.spark/staging"


def check_readable(name: str) -> None:
    """Raise UsageError unless `name` is a URI that a driver can use or a local file that can be read."""
    if "://" in name:
        scheme = urlsplit(name).scheme
        if scheme not in _SCHEMES:
            raise UsageError(f"{name}: {scheme}:// can't be used", _CHOICES)
        return
    local = Path(name.partition("#")[0]).expanduser()
    if not local.exists():
        raise UsageError(f"there is no file {name}", _CHOICES)
    if not local.is_file():
        raise UsageError(f"{name} is a folder", "zip it: python -m zipfile -c package.zip package/")
    try:
        with local.open("rb"):
            pass
    except OSError as error:
        raise UsageError(f"{name} can't be read: {error.strerror}") from error


def check_archive(name: str) -> None:
    """Raise UsageError unless `name` is an archive that Spark unpacks (by its name), and, where it is a local file, really is one."""
    check_readable(name)
    path = name.partition("#")[0]
    if not path.endswith(_ARCHIVES):
        raise UsageError(f"{path} is not called like an archive", f"Spark unpacks {', '.join(_ARCHIVES)}")
    if "://" not in path and not (zipfile.is_zipfile(local := Path(path).expanduser()) or tarfile.is_tarfile(local)):
        raise UsageError(f"{path} is no archive, whatever its name says", "make one: tar -czf packages.tar.gz folder/")


def digest(local: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with local.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
