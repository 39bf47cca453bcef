"""Gets a program: PATH, cache, release or mirror, build. The first that works, in this order."""

from __future__ import annotations

from pathlib import Path

from bdc.errors import BdcError
from bdc.toolchain import cache
from bdc.toolchain.build import build
from bdc.toolchain.download import UnavailableError, download
from bdc.toolchain.find import cached, on_path
from bdc.toolchain.manifest import ProgramSpec, mirror, spec
from bdc.toolchain.program import Program, Source


def ensure(name: str, *, more: bool = False, on_progress: cache.Progress | None = None) -> Program:
    """The program `name` (see programs.toml), downloaded or built if it isn't there yet.

    `more` says that another one follows, which is built the faster for what Go has kept; else that goes.

    `on_progress` gets short lines for people. Several processes may ask for the same program: one works, the others wait.
    Raises BdcError with a remedy, NotFoundError for a name that isn't pinned.
    """
    wanted = spec(name)
    report = on_progress or _silent
    program = on_path(wanted) or cached(wanted)
    if program is None:
        with cache.lock(name, report) as lock:
            program = cached(wanted) or _made(wanted, report, lock)
    if not more:
        cache.forget_go()
    return program


def _silent(_: str) -> None:
    pass


def _made(wanted: ProgramSpec, report: cache.Progress, lock: int) -> Program:
    unavailable: UnavailableError | None = None
    if release := wanted.release_here():
        target = cache.entry(wanted.name, wanted.version, release.sha256)
        try:
            with cache.staged(target) as folder:
                download(wanted, release, folder / "bin", on_progress=report)
            return _at(wanted, target, "mirror" if mirror() else "release")
        except UnavailableError as error:
            unavailable = error
            report(error.message)
    if wanted.go:
        target = cache.entry(wanted.name, wanted.version, wanted.build_digest())
        with cache.staged(target) as folder:
            build(wanted, folder / "bin", on_progress=report, lock=lock)
        return _at(wanted, target, "build")
    raise unavailable or BdcError(
        f"there is no release of {wanted.label} for this machine's architecture", f"put {wanted.name} {wanted.version} on PATH"
    )


def _at(wanted: ProgramSpec, target: Path, source: Source) -> Program:
    return Program(wanted.name, wanted.version, target / "bin" / wanted.main, target / "bin", source)
