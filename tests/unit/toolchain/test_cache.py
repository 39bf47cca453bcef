import contextlib
import errno
import os
import time
from pathlib import Path

import pytest

from bdc.errors import BdcError
from bdc.toolchain import cache

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
