"""A package with one pinned program `tool`, a PATH with a fake Go, a cache of its own; all real files and processes."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bdc.toolchain import manifest

MANIFEST = """
[tool]
version = "1.2.3"
executables = ["tool", "toolctl"]
minutes = 1
on_path = {{ accepted = ">=1.2.3,<1.3", version_args = {{ toolctl = ["version"] }} }}
go = {{ module = "tool", packages = ["."], ldflags = ["-X main.version=1.2.3"] }}
{extra}
"""

# what `go build` does in most tests: an executable for each name; $out is the folder that -o names
BUILDS = 'for name in tool toolctl; do printf "#!/bin/sh\\n" > "$out/$name"; chmod +x "$out/$name"; done'

_DRIVER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell has it ignored
from pathlib import Path
from bdc.toolchain import ensure, manifest
manifest.MANIFEST, manifest.PACKAGE = Path(sys.argv[1], "programs.toml"), Path(sys.argv[1])
print(ensure("tool", on_progress=lambda line: print(line, flush=True)).source, flush=True)
"""


@dataclass
class Site:
    """The folders of one test."""

    package: Path
    path: Path
    cache: Path

    def manifest(self, extra: str = "") -> None:
        (self.package / "programs.toml").write_text(MANIFEST.format(extra=extra))
        manifest.programs.cache_clear()

    def executable(self, name: str, body: str, folder: Path | None = None) -> Path:
        file = (folder or self.path) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
        return file

    def go(self, build: str = BUILDS, version: str = "1.26.8") -> None:
        prelude = f'if [ "$1" = version ]; then echo go version go{version} linux/amd64; exit; fi\n'
        self.executable("go", prelude + 'while [ "$1" != -o ]; do shift; done; out="$2"\n' + build)

    def process(self) -> "subprocess.Popen[str]":
        """Another bdc process that ensures `tool`."""
        command = [sys.executable, "-c", _DRIVER, str(self.package)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def leftovers(self) -> list[Path]:
        """Everything in the program's cache that is neither a whole entry nor the lock."""
        entries = [entry for entry in (self.cache / "programs" / "tool").iterdir() if entry.name != ".lock"]
        return [entry for entry in entries if not all((entry / "bin" / name).is_file() for name in ("tool", "toolctl"))]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path / "package", tmp_path / "path", tmp_path / "cache")
    (site.package / "go" / "tool").mkdir(parents=True)
    (site.package / "go" / "tool" / "go.mod").write_text("module tool\n")
    site.path.mkdir()
    monkeypatch.setattr(manifest, "MANIFEST", site.package / "programs.toml")
    monkeypatch.setattr(manifest, "PACKAGE", site.package)
    monkeypatch.setenv("BDC_CACHE", str(site.cache))
    monkeypatch.setenv("PATH", f"{site.path}:/usr/bin:/bin")
    monkeypatch.delenv("BDC_MIRROR", raising=False)
    site.manifest()
    site.go()
    return site


@pytest.fixture(autouse=True)
def _fresh_manifest() -> None:
    manifest.programs.cache_clear()
