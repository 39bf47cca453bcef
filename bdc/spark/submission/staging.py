"""The application's files on HDFS, under the digest of their content: what is there already is not sent again.

The port's `put` shows a file under its name only when it is complete and checked, so an interrupted upload is never taken for it.

Spark gets URIs, in which a name's blank is %20; a name that is no URI it takes for a file of the pod's own. Not every name comes through
(Spark 4.2.0): lists are cut at commas and decoded before they are looked up as patterns (DependencyUtils.resolveGlobPaths), and PySpark
looks for a zip under its name as it is encoded (pyspark/core/context.py). So what nobody finds by its name, Python files, zips and jars,
gets a plain one, and files and archives with a name that can't come through are refused.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import quote, urlsplit

from bdc.config.names import NAMESERVICE
from bdc.errors import BdcError, UsageError
from bdc.kube.user_context import UserContext
from bdc.spark.application import Application
from bdc.spark.settings import Uris

FOLDER = "/spark/staging"
"""Where the administrator's files are; an ordinary user's are in their home."""

_ARCHIVES = (".zip", ".jar", ".tar", ".tar.gz", ".tgz")
_SCHEMES = ("hdfs", "local")
_NOT_PLAIN = re.compile(r"[^\w.+=@~-]")
_LOST_IN_LISTS = re.compile(r"[\[\]{}*?,\\]")
_LEGAL_IN_URIS = "/:?#@!$&'()*+,;=~"
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
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
        for name in (app.file, *app.py_files, *app.jars):
            check_readable(name)
        for name in app.files:
            check_readable(name)
            _check_name(name)
        for name in app.archives:
            check_archive(name)
            _check_name(name)
        return Uris(
            main=self.uri(app.file, plain=app.is_jar),
            py_files=tuple(self.uri(name, plain=True) for name in app.py_files),
            files=tuple(map(self.uri, app.files)),
            jars=tuple(self.uri(name, plain=True) for name in app.jars),
            archives=tuple(map(self.uri, app.archives)),
        )

    def uri(self, name: str, *, plain: bool = False) -> str:
        """The URI of one file, sent to HDFS first when it is a local path, with `plain` under a name that Spark can't misread.

        Raises UsageError when it can't be read.
        """
        check_readable(name)
        if "://" in name:
            return quote(_BARE_PERCENT.sub("%25", name), safe=f"{_LEGAL_IN_URIS}%")
        local, alias = _local(name)
        shown = _NOT_PLAIN.sub("_", local.name) if plain else local.name.replace(":", "_")  # HDFS has no names with a colon
        target = f"{self._folder}/{digest(local)}/{shown}"
        self._send(local, target)
        return f"hdfs://{NAMESERVICE}{quote(target)}" + (f"#{alias}" if alias else "")

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


def own_folder(person: UserContext) -> str:
    """Where the files of an ordinary user's applications are."""
    return f"/user/{person.name}/.spark/staging"


def check_readable(name: str) -> None:
    """Raise UsageError unless `name` is a URI that a driver can use or a local file that can be read."""
    if "://" in name:
        scheme = urlsplit(name).scheme
        if scheme not in _SCHEMES:
            raise UsageError(f"{name}: {scheme}:// can't be used", _CHOICES)
        return
    local, _ = _local(name)
    try:
        if not local.exists():
            raise UsageError(f"there is no file {name}", _CHOICES)
        if not local.is_file():
            raise UsageError(f"{name} is a folder", "zip it: python -m zipfile -c package.zip package/")
        with local.open("rb"):
            pass
    except OSError as error:
        raise UsageError(f"{name} can't be read: {error.strerror}") from error


def check_archive(name: str) -> None:
    """Raise UsageError unless `name` is an archive that Spark unpacks (by its name), and, where it is a local file, really is one."""
    check_readable(name)
    local, _ = _local(name)
    path = name.partition("#")[0] if "://" in name else str(local)
    if not path.endswith(_ARCHIVES):
        raise UsageError(f"{path} is not called like an archive", f"Spark unpacks {', '.join(_ARCHIVES)}")
    if "://" not in name and not (zipfile.is_zipfile(local) or tarfile.is_tarfile(local)):
        raise UsageError(f"{path} is no archive, whatever its name says", "make one: tar -czf packages.tar.gz folder/")


def _local(name: str) -> tuple[Path, str]:
    """A local file and what it is to be called in the working directory, from PATH or PATH#NAME; a file with # in its name comes first."""
    whole = Path(name).expanduser()
    if "#" not in name or whole.is_file():
        return whole, ""
    path, _, alias = name.partition("#")
    return Path(path).expanduser(), alias


def _check_name(name: str) -> None:
    """Raise UsageError for a local file that an application couldn't find by its name."""
    if "://" in name:
        return
    local, alias = _local(name)
    if lost := _LOST_IN_LISTS.search(local.name):
        raise UsageError(f"{local.name}: Spark can't take a file with {lost[0]} in its name", "give it another name")
    if ":" in local.name:
        raise UsageError(f"{local.name}: HDFS can't take a file with : in its name", "give it another name")
    if _NOT_PLAIN.search(alias):
        raise UsageError(f"{name}: {alias!r} can't be a name in the working directory", "use letters, digits, dots and dashes after #")


def digest(local: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with local.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
