"""programs.toml as typed values: what is pinned, where it comes from, how it is built.

The file is part of the package, so a mistake in it is ours; still it is validated as strictly as a user's file, because it decides
what code runs as root. An address without a SHA-256 doesn't load.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bdc.errors import BdcError, NotFoundError
from bdc.toolchain import versions

PACKAGE = Path(__file__).parent
MANIFEST = PACKAGE / "programs.toml"

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def _range(value: str) -> str:
    versions.clauses(value)
    return value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OnPath(_Table):
    """Which versions on PATH are taken, and how each executable says its version."""

    accepted: Annotated[str, AfterValidator(_range)]
    version_args: dict[str, tuple[str, ...]] = {}


class GoBuild(_Table):
    """A build from a module in go/."""

    module: str
    packages: tuple[str, ...] = Field(min_length=1)
    tags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The module's folder in this package, with its go.mod and go.sum."""
        return PACKAGE / "go" / self.module


class Release(_Table):
    """An official release: one archive or one bare executable for one architecture."""

    arch: str = Field(pattern="^(amd64|arm64)$")
    url: str = Field(pattern="^https?://[^ ]+/[^ /]+$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @property
    def file_name(self) -> str:
        """The last segment of the address: the file's name in a mirror."""
        return self.url.rsplit("/", 1)[1]


class ProgramSpec(_Table):
    """One pinned program."""

    name: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    executables: tuple[str, ...] = Field(min_length=1)
    multicall: str | None = None
    minutes: int = Field(ge=1)
    on_path: OnPath | None = None
    go: GoBuild | None = None
    release: tuple[Release, ...] = ()

    @property
    def label(self) -> str:
        """Name and version, as people read it."""
        return f"{self.name} {self.version}"

    @property
    def main(self) -> str:
        """The main executable."""
        return self.executables[0]

    def release_here(self) -> Release | None:
        """The release for this machine's architecture."""
        return next((release for release in self.release if release.arch == machine()), None)

    def build_digest(self) -> str:
        """SHA-256 of everything that determines what a build gives, apart from the Go version."""
        if self.go is None:
            raise ValueError(f"{self.name} has no Go module")
        digest = hashlib.sha256()
        settings = (*self.go.packages, *self.go.tags, *self.go.ldflags, *self.executables, self.multicall or "", machine())
        digest.update("\0".join(settings).encode())
        for file in sorted(self.go.folder.iterdir()):
            if file.name in {"go.mod", "go.sum"} or file.suffix == ".go":
                digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
        return digest.hexdigest()


def machine() -> str:
    """This machine's architecture as Go and release files call it, e.g. amd64."""
    name = platform.machine()
    return _ARCHITECTURES.get(name, name)


def load(file: Path) -> tuple[ProgramSpec, ...]:
    """Read and validate a manifest. Raises BdcError that names the file and what is wrong in it."""
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
        return tuple(ProgramSpec.model_validate({"name": name, **table}) for name, table in tables.items())
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise BdcError(f"{file} is not a valid list of programs: {error}", "reinstall bdc, or restore the file") from error


@functools.cache
def programs() -> tuple[ProgramSpec, ...]:
    """All pinned programs, in the order of programs.toml."""
    return load(MANIFEST)


def spec(name: str) -> ProgramSpec:
    """One pinned program. Raises NotFoundError for a name that isn't in the manifest."""
    for program in programs():
        if program.name == name:
            return program
    raise NotFoundError(f"there is no pinned program {name!r}", "known: " + ", ".join(program.name for program in programs()))


def mirror() -> str | None:
    """`BDC_MIRROR`: an http(s) address or a folder that has the release files under their own names; None if not set."""
    return os.environ.get("BDC_MIRROR") or None
