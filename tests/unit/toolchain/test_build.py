import os
import signal
import time

import pytest

from bdc.errors import BdcError
from bdc.toolchain import build, ensure, manifest

from .conftest import BUILDS, Site


def test_a_build_is_static_pinned_and_uses_the_clients_settings(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "https://proxy.example.org")
    monkeypatch.setenv("GOFLAGS", "-buildvcs=false")
    monkeypatch.setenv("GOARCH", "mips")
    site.executable("go", "")
    site.go(f"env > {site.path}/env; pwd > {site.path}/pwd; {BUILDS}")
    lines: list[str] = []
    program = ensure("tool", on_progress=lines.append)

    environment = dict(line.split("=", 1) for line in (site.path / "env").read_text().splitlines())
    expected = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOPROXY": "https://proxy.example.org"}
    assert expected.items() <= environment.items()
    assert "GOARCH" not in environment
    assert (site.path / "pwd").read_text().strip() == str(site.package / "go" / "tool")
    assert program.bin_dir.parent.name == f"1.2.3-{manifest.spec('tool').build_digest()[:8]}"
    assert lines[0].startswith("building tool 1.2.3 with Go 1.26.8, about 1 min")
    assert lines[-1].startswith("built tool 1.2.3 in ")


def test_flags(site: Site) -> None:
    site.executable("go", f'[ "$1" = version ] && echo go1.26.8 && exit; echo "$@" > {site.path}/flags; exit 1')
    with pytest.raises(BdcError):
        ensure("tool")
    flags = (site.path / "flags").read_text()
    assert "-mod=readonly -trimpath" in flags
    assert "-ldflags -s -w -X main.version=1.2.3" in flags


def test_a_multicall_binary_gets_its_links(site: Site) -> None:
    file = site.package / "programs.toml"
    file.write_text(file.read_text().replace("minutes", 'multicall = "all"\nminutes'))
    site.go('printf "#!/bin/sh\\nbasename \\$0\\n" > "$out/all"; chmod +x "$out/all"')
    program = ensure("tool")
    assert program.link("toolctl").resolve() == program.bin_dir / "all"
    assert program.path == program.bin_dir / "tool"


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("write /tmp/x: no space left on device", "disk is full"),
        ("verifying example.org/x@v1.0.0: checksum mismatch", "proxy"),
        ("dial tcp: lookup proxy.example.org: no such host", "GOPROXY"),
        ("compile: signal: killed", "memory"),
        ("main.go:3: undefined: x", "whole output"),
    ],
)
def test_a_failed_build_shows_the_last_lines_and_the_log(site: Site, output: str, remedy: str) -> None:
    site.go(f'for i in $(seq 50); do echo "go: downloading example.org/m$i"; done; echo "{output}"; exit 1')
    with pytest.raises(BdcError, match=r"building tool 1\.2\.3 failed") as caught:
        ensure("tool")
    assert caught.value.message.splitlines()[1:] == [output]
    hint = caught.value.hint or ""
    log = site.cache / "logs" / "tool-1.2.3.log"
    assert remedy in hint
    assert str(log) in hint
    assert len(log.read_text().splitlines()) == 51
    assert site.leftovers() == []


def test_a_killed_compiler_is_a_matter_of_memory(site: Site) -> None:
    site.go("kill -9 $$")
    with pytest.raises(BdcError) as caught:
        ensure("tool")
    assert "memory" in (caught.value.hint or "")


def test_a_build_that_gives_too_little_does_not_count(site: Site) -> None:
    site.go('touch "$out/tool"')
    with pytest.raises(BdcError, match="gave no toolctl"):
        ensure("tool")
    assert site.leftovers() == []


def test_a_long_build_says_that_it_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_HEARTBEAT_SECONDS", 0.1)
    site.go(f"sleep 0.3; {BUILDS}")
    lines: list[str] = []
    ensure("tool", on_progress=lines.append)
    assert "still building tool 1.2.3: 0 min of about 1" in lines


def test_ctrl_c_ends_the_compiler_too(site: Site) -> None:
    started = site.path / "started"
    site.go(f"echo $$ > {started}; exec sleep 60")
    process = site.process()
    while not (started.exists() and started.read_text()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert site.leftovers() == []
