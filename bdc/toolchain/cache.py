"""The programs' cache: whole entries only, one writer at a time.

    <cache>/programs/<name>/<version>-<digest8>/bin/...     an entry
    <cache>/programs/<name>/.lock                           held while one is made
    <cache>/programs/<name>/.new-XXXXXXXX/                  one being made
    <cache>/logs/<name>-<version>.log                       the last build's output
    <cache>/go/                                             what Go keeps of its modules and packages, 12 GB, until all programs are built

An entry appears by a rename of a finished, flushed folder, so what is killed half-way never counts; its left-over is removed by the
next process that holds the lock. The lock is a flock, which the kernel drops when its last holder dies. A compiler inherits it: when
bdc is killed but the compiler lives on, the next bdc waits for that one instead of compiling against it. Compilers share a second lock,
of Go's folder, which is removed by whoever gets it alone; so a build that was killed goes on with what it had.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bdc.config.disk import full_disk, is_full
from bdc.config.paths import cache_dir
from bdc.errors import BdcError
from bdc.toolchain.manifest import ProgramSpec

Progress = Callable[[str], None]

_NEW, _OLD = ".new-", ".old-"


def entry(name: str, version: str, digest: str) -> Path:
    """Where an entry lies, whether it exists or not; `digest` is a SHA-256 in hex."""
    return cache_dir() / "programs" / name / f"{version}-{digest[:8]}"


def text_digest(file: Path) -> str:
    """SHA-256 of a file in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def log_file(spec: ProgramSpec) -> Path:
    """Where the output of a program's last build lies. Creates its folder."""
    folder = cache_dir() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{spec.name}-{spec.version}.log"


@contextlib.contextmanager
def lock(name: str, on_progress: Progress) -> Iterator[int]:
    """Hold the lock of one program, waiting for another process that has it; gives the lock's file descriptor."""
    folder = cache_dir() / "programs" / name
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress(f"waiting for another bdc process that is getting {name}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        for leftover in folder.glob(f"{_NEW}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield descriptor
    finally:
        os.close(descriptor)


def compiling() -> Path:
    """Where Go keeps modules and compiled packages while bdc builds programs."""
    return cache_dir() / "go"


@contextlib.contextmanager
def in_use(on_progress: Progress) -> Iterator[int]:
    """Keep Go's folder from being removed; gives the lock's file descriptor, for the compiler to inherit."""
    descriptor = _of_go()
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress("waiting for another bdc process that removes what Go has kept")
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


def forget_go() -> None:
    """Remove Go's folder, unless another process is building with it; that one removes it then."""
    if not compiling().exists() and not list(cache_dir().glob(f"{_OLD}*")):
        return
    descriptor = _of_go()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.suppress(FileNotFoundError):  # beside first, as half of it would be taken for whole
            compiling().rename(tempfile.mkdtemp(prefix=_OLD, dir=cache_dir()))
        for old in cache_dir().glob(f"{_OLD}*"):
            for folder, _, _ in os.walk(old):
                Path(folder).chmod(0o700)  # Go makes its modules read-only
            shutil.rmtree(old, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)


def _of_go() -> int:
    folder = cache_dir() / "programs"
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / ".go.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A new folder beside `target` that becomes `target` when the block ends well, and vanishes when it doesn't.

    To be used under the program's lock.
    """
    with explained(target):
        folder = Path(tempfile.mkdtemp(prefix=_NEW, dir=target.parent))
    try:
        yield folder
        with explained(target):
            folder.chmod(0o755)
            _flush(folder)
            folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn a full disk and a folder that can't be written into errors with a remedy."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise full_disk(f"writing {path}", [path], ", or set BDC_CACHE to a folder on another disk") from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise BdcError(f"{path} can't be written: {error.strerror}", "set BDC_CACHE to a folder that you may write") from error
        raise


def _flush(folder: Path) -> None:
    """Write every file through to the disk, so that a power cut after the rename can't leave empty ones."""
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
