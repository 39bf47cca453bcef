"""Builds a program from its Go module in go/.

Binaries are static and carry no paths of this machine. go.sum pins every module, and -mod=readonly refuses to change it, so the
proxy that the modules come from (the client's GOPROXY) need not be trusted.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from bdc.errors import BdcError
from bdc.toolchain import cache
from bdc.toolchain.golang import ensure_go, go_environment, go_version
from bdc.toolchain.manifest import ProgramSpec

_HEARTBEAT_SECONDS = 60
_LINES_SHOWN = 12

# what the compiler's output says -> what to do about it; the first that fits
_REMEDIES = (
    ("no space left on device", "the disk is full: free about 13 GB, or set BDC_CACHE and TMPDIR to another disk"),
    ("checksum mismatch", "a module differs from its pinned checksum: have your module proxy (GOPROXY) checked"),
    ("SECURITY ERROR", "a module differs from its pinned checksum: have your module proxy (GOPROXY) checked"),
    ("signal: killed", "the compiler was killed, most likely for memory: have 4 GB free, or set GOFLAGS=-p=1"),
    ("dial tcp", "the module proxy can't be reached: set GOPROXY (and HTTPS_PROXY) to what your site uses"),
    ("module lookup disabled", "GOPROXY or GOFLAGS forbid downloads: set GOPROXY to your site's module proxy"),
    ("404 Not Found", "the module proxy lacks a module: set GOPROXY to one that has it"),
    ("x509:", "the module proxy's certificate isn't trusted: add your site's CA to the system's, or set SSL_CERT_FILE"),
)


def build(spec: ProgramSpec, bin_dir: Path, *, on_progress: cache.Progress, lock: int) -> None:
    """Build a program's executables into `bin_dir`; `lock` is inherited by the compiler (see cache.py). Raises BdcError."""
    go = ensure_go(on_progress=on_progress)
    on_progress(f"building {spec.label} with Go {go_version(go)}, about {spec.minutes} min")
    started = time.monotonic()
    log = cache.log_file(spec)
    bin_dir.mkdir()
    with cache.in_use(on_progress) as used:
        code = _run(spec, _command(spec, go, bin_dir), log=log, held=(lock, used), on_progress=on_progress)
    if code:
        raise _failure(spec, log, code)
    _link(spec, bin_dir)
    on_progress(f"built {spec.label} in {time.monotonic() - started:.0f} s")


def _command(spec: ProgramSpec, go: Path, bin_dir: Path) -> list[str]:
    assert spec.go is not None  # noqa: S101 -- the caller has checked
    flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", " ".join(["-s -w", *spec.go.ldflags])]
    if spec.go.tags:
        flags += ["-tags", ",".join(spec.go.tags)]
    return [str(go), "build", *flags, "-o", f"{bin_dir}/", *spec.go.packages]


def _run(spec: ProgramSpec, command: list[str], *, log: Path, held: tuple[int, ...], on_progress: cache.Progress) -> int:
    assert spec.go is not None  # noqa: S101
    started = time.monotonic()
    with cache.explained(log), log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=spec.go.folder,
            env=go_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=held,
        )
        try:
            while True:
                try:
                    return process.wait(_HEARTBEAT_SECONDS)
                except subprocess.TimeoutExpired:
                    on_progress(f"still building {spec.label}: {(time.monotonic() - started) / 60:.0f} min of about {spec.minutes}")
        finally:
            if process.poll() is None:  # interrupted
                process.terminate()
                process.wait()


def _failure(spec: ProgramSpec, log: Path, code: int) -> BdcError:
    output = log.read_text("utf-8", "replace")
    lines = [line for line in output.splitlines() if line and not line.startswith("go: downloading ")]
    if code < 0:
        lines.append(f"go: signal: killed ({-code})" if code == -9 else f"go: stopped by signal {-code}")
    shown = "\n".join(lines[-_LINES_SHOWN:])
    remedy = next((remedy for sign, remedy in _REMEDIES if any(sign in line for line in lines)), None)
    whole = f"the whole output is in {log}"
    return BdcError(f"building {spec.label} failed:\n{shown}", f"{remedy}; {whole}" if remedy else whole)


def _link(spec: ProgramSpec, bin_dir: Path) -> None:
    if spec.multicall:
        for executable in spec.executables:
            (bin_dir / executable).symlink_to(spec.multicall)
    missing = [executable for executable in spec.executables if not (bin_dir / executable).is_file()]
    if missing:
        raise BdcError(f"the build of {spec.label} gave no {', '.join(missing)}", "this is a defect of bdc: please report it")
