"""Files to HDFS and back: streamed in constant memory, checked, and never half there under their final name.

A file is written as `.name._COPYING_` beside its target and renamed when it is complete and checked. Replacing a file removes the
old one just before the rename (HttpFS can't do both at once), so for that moment there is none: never a half one.

The check, by default, is HDFS's own checksum against one computed from the bytes as they pass (see `checksum`): it covers everything
from here to the DataNodes' disks and costs no second transfer. Encrypted files and algorithms that can't be compared are checked by
length. `verify=True` on a put reads the file back instead, and compares every byte.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import BinaryIO, Literal

import requests

from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.storage import paths
from bdc.storage.checksum import CrcType, FileDigest, ServerChecksum
from bdc.storage.errors import BrokenTransferError, NoChecksumError, PathExistsError
from bdc.storage.files import Files, Status

PIECE_BYTES = 1 << 20
_RETRIES = 4
_PAUSE_SECONDS = 0.3

Check = Literal["checksum", "length", "read back"]
Progress = Callable[[str, int, int | None], None]
"""Called with the path, the bytes done and the bytes in all (None when that isn't known)."""


@dataclass(frozen=True)
class Transfer:
    """A file that was copied, its length in bytes, and how the copy was checked."""

    source: str
    target: str
    length: int
    check: Check


class Streams(Files):
    """One file at a time: bytes in, bytes out. `Hdfs` adds folders and local files."""

    def write(
        self,
        source: BinaryIO,
        path: str,
        *,
        total: int | None = None,
        name: str = "-",
        overwrite: bool = False,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> Transfer:
        """Write a stream to its end into a file; raises PathExistsError, and BdcError when the copy isn't the same."""
        target = self.resolve(path)
        replace = self._free(target, overwrite=overwrite)
        self.directory(paths.parent(target))
        temporary = paths.temporary(target)
        digest, whole = self._new_digest(), hashlib.sha256()
        pieces = _pieces(source, name, total, progress, digest.update, *([whole.update] if verify else []))
        try:
            self._wire.write(temporary, data=pieces, overwrite=True, permission="644", blocksize=int(self._wire.defaults()["blockSize"]))
            check = self._check_written(temporary, target, digest, whole.digest() if verify else None)
            if replace:
                self._wire.delete(target)
            self._rename(temporary, target)
        except BaseException:
            with suppress(BdcError):
                self._wire.delete(temporary)
            raise
        return Transfer(name, target, digest.length, check)

    def pieces(self, status: Status) -> Iterator[bytes]:
        """A file's bytes; a connection that breaks is opened again where it broke, a few times."""
        done, failures = 0, 0
        while done < status.length:
            try:
                with closing(self._stream(status.path, done, status.length - done)) as stream:
                    for piece in stream:
                        done += len(piece)
                        failures = 0
                        yield piece
                broken = BrokenTransferError(f"{status.path}: only {done} of {status.length} bytes came", "try again")
            except BrokenTransferError as error:
                broken = error
            if done < status.length:
                failures += 1
                if failures == _RETRIES:
                    raise broken
                time.sleep(_PAUSE_SECONDS * failures)

    def download(
        self, status: Status, target: BinaryIO, *, name: str = "-", check: bool = True, progress: Progress | None = None
    ) -> Transfer:
        """Write a file's bytes to a stream; raises BdcError when they aren't what HDFS has."""
        server = self._server_checksum(status) if check else None
        digest = FileDigest(status.block_size, server.chunk_bytes or 512, server.crc_type) if server else None
        done = 0
        _report(progress, status.path, done, status.length)
        for piece in self.pieces(status):
            target.write(piece)
            if digest:
                digest.update(piece)
            done += len(piece)
            _report(progress, status.path, done, status.length)
        if digest and server and not digest.matches(server):
            raise BdcError(
                f"{status.path}: what came isn't what HDFS has (checksums differ)",
                "try again; if it was made by concatenating files, its checksum can't be compared: --ignore-crc",
            )
        return Transfer(status.path, name, done, "checksum" if server else "length")

    def _free(self, target: str, *, overwrite: bool) -> bool:
        """Whether a file is there to be replaced; raises when it must not be."""
        try:
            there = self.status(target)
        except NotFoundError:
            return False
        if there.is_dir:
            raise PathExistsError(f"{target}: is a directory")
        if not overwrite:
            raise PathExistsError(f"{target}: exists already", "choose another name, or use --overwrite")
        return True

    def _new_digest(self) -> FileDigest:
        defaults = self._wire.defaults()
        crc: CrcType = "CRC32" if int(defaults["checksumType"]) == 1 else "CRC32C"
        return FileDigest(int(defaults["blockSize"]), int(defaults["bytesPerChecksum"]), crc)

    def _check_written(self, temporary: str, target: str, digest: FileDigest, whole: bytes | None) -> Check:
        status = self.status(temporary)
        wrong = BdcError(f"{target}: HDFS has something else than was sent ({digest.length} bytes); it was removed", "try again")
        if status.length != digest.length:
            raise wrong
        if whole is not None:
            back = hashlib.sha256()
            for piece in self.pieces(status):
                back.update(piece)
            if back.digest() != whole:
                raise wrong
            return "read back"
        server = self._server_checksum(status)
        same = digest.matches(server) if server else None
        if same is False:
            raise wrong
        return "checksum" if same else "length"

    def _server_checksum(self, status: Status) -> ServerChecksum | None:
        """None where there is nothing to compare with."""
        if not status.length or status.encrypted:
            return None
        try:
            server = ServerChecksum.parse(self._wire.checksum(status.path))
        except NoChecksumError:
            return None
        return None if server and server.kind == "md5" and status.erasure_coded else server

    def _stream(self, path: str, offset: int, length: int | None) -> Generator[bytes]:
        with self._wire.read(path, offset=offset, length=length, chunk_size=PIECE_BYTES) as pieces:
            try:
                yield from pieces
            except requests.RequestException as error:
                raise BrokenTransferError(f"{path}: the connection broke while reading", "try again") from error


def _pieces(source: BinaryIO, name: str, total: int | None, progress: Progress | None, *takers: Callable[[bytes], None]) -> Iterable[bytes]:
    done = 0
    _report(progress, name, done, total)
    while piece := source.read(PIECE_BYTES):
        for take in takers:
            take(piece)
        done += len(piece)
        yield piece
        _report(progress, name, done, total)
    if total is not None and done != total:
        raise UsageError(f"{name}: its length changed from {total} to {done} bytes while it was copied")


def _report(progress: Progress | None, path: str, done: int, total: int | None) -> None:
    if progress:
        progress(path, done, total)
