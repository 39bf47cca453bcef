import contextlib
import errno
import os
import time
from pathlib import Path

import pytest

from bdc.errors import BdcError
from bdc.toolchain import cache, ensure

from .conftest import BUILDS, Site


def test_a_failed_block_leaves_nothing(site: Site) -> None:
    target = cache.entry("tool", "1.2.3", "a" * 64)
    with cache.lock("tool", print), contextlib.suppress(ZeroDivisionError), cache.staged(target) as folder:
        (folder / "half").write_text("half")
        raise ZeroDivisionError
    assert [file.name for file in target.parent.iterdir()] == [".lock"]


def test_leftovers_of_a_killed_process_are_removed_by_the_next(site: Site) -> None:
    leftover = site.cache / "programs" / "tool" / ".new-killed" / "bin"
    leftover.mkdir(parents=True)
    with cache.lock("tool", print):
        assert not leftover.parent.exists()


def test_a_process_waits_for_the_lock_and_says_so(site: Site) -> None:
    with cache.lock("tool", print):
        process = site.process()
        assert process.stdout
        assert process.stdout.readline() == "waiting for another bdc process that is getting tool\n"
        assert process.poll() is None
    output, _ = process.communicate(timeout=10)
    assert output.splitlines()[-1] == "build"


def test_two_processes_build_once(site: Site) -> None:
    site.go(f"echo built >> {site.cache}/count; sleep 0.3; {BUILDS}")
    site.cache.mkdir()
    processes = [site.process(), site.process()]
    sources = sorted(process.communicate(timeout=10)[0].splitlines()[-1] for process in processes)
    assert sources == ["build", "cache"]
    assert (site.cache / "count").read_text() == "built\n"


def test_kill_9_in_a_build_leaves_nothing_that_counts(site: Site) -> None:
    """The compiler outlives its killed bdc: the next one waits for it, then builds into a folder of its own."""
    started, seen = site.path / "started", site.path / "seen"
    site.go(f'touch {started}; echo half > "$out/tool"; until [ -e {seen} ]; do sleep 0.01; done; {BUILDS}')
    killed = site.process()
    while not started.exists():
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.communicate(timeout=10)
    assert site.leftovers()

    second = site.process()
    assert second.stdout is not None
    assert second.stdout.readline() == "waiting for another bdc process that is getting tool\n"
    seen.touch()
    assert second.communicate(timeout=30)[0].splitlines()[-1] == "build"
    assert site.leftovers() == []


def test_a_full_disk_and_a_forbidden_folder_are_explained(site: Site) -> None:
    for number, said in ((errno.ENOSPC, "disk is full"), (errno.EACCES, "can't be written")):
        with pytest.raises(BdcError, match=said) as caught, cache.explained(Path("/somewhere")):
            raise OSError(number, os.strerror(number))
        assert "BDC_CACHE" in (caught.value.hint or "")
    with pytest.raises(OSError, match="Input/output"), cache.explained(Path("/somewhere")):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


KEEPS = f'mkdir -p "$GOPATH/pkg/mod/m" "$GOCACHE"; touch "$GOPATH/pkg/mod/m/x"; chmod -R a-w "$GOPATH/pkg/mod"; {BUILDS}'
"""A compiler that keeps modules as Go does, read-only."""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nobody says where Go keeps things; gives the client's own folder, with what Go has kept there."""
    monkeypatch.delenv("GOPATH", raising=False)
    monkeypatch.delenv("GOCACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    kept = tmp_path / "home" / "go" / "pkg" / "mod" / "theirs"
    kept.parent.mkdir(parents=True)
    kept.touch()
    return kept


def test_what_go_kept_goes_when_the_last_program_is_built(site: Site, own: Path) -> None:
    site.go(KEEPS)
    ensure("tool", more=True)
    assert (site.cache / "go" / "pkg" / "mod" / "m" / "x").exists(), "for the next one"
    ensure("tool")
    assert sorted(path.name for path in site.cache.iterdir()) == ["logs", "programs"]
    assert own.exists(), "the client's own is never touched"


def test_a_build_that_failed_goes_on_with_what_it_had(site: Site, own: Path) -> None:
    site.go(f"{KEEPS}; exit 1")
    with pytest.raises(BdcError):
        ensure("tool")
    assert (site.cache / "go" / "pkg" / "mod" / "m" / "x").exists()


def test_what_another_builds_with_stays(site: Site, own: Path) -> None:
    site.go(KEEPS)
    with cache.in_use(print):
        ensure("tool")
        assert (site.cache / "go" / "build").exists()
    ensure("tool")
    assert not (site.cache / "go").exists()


def test_where_the_client_says_where_go_keeps_things_they_stay(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOPATH", str(tmp_path / "theirs"))
    monkeypatch.setenv("GOCACHE", str(tmp_path / "theirs" / "build"))
    site.go(KEEPS)
    ensure("tool")
    assert (tmp_path / "theirs" / "pkg" / "mod" / "m" / "x").exists()
