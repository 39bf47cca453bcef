import pytest

from bdc.errors import NotFoundError
from bdc.toolchain import ensure, find

from .conftest import Site


def test_a_whole_program_on_path_is_taken(site: Site) -> None:
    site.executable("tool", "echo tool v1.2.9")
    site.executable("toolctl", '[ "$1" = version ] && echo v1.2.9')
    program = find("tool")
    assert program
    assert (program.version, program.source, program.bin_dir) == ("1.2.9", "path", site.path)
    assert program.link("toolctl") == site.path / "toolctl"
    assert ensure("tool") == program


def test_a_lone_executable_is_not_the_program(site: Site) -> None:
    site.executable("tool", "echo tool v1.2.3")
    assert find("tool") is None


@pytest.mark.parametrize(
    ("tool", "toolctl"),
    [
        ("echo v1.1.0", "echo v1.1.0"),
        ("echo v1.3.0", "echo v1.3.0"),
        ("echo v1.2.3", "echo v1.2.4"),
        ("echo v1.2.3-rc.1", "echo v1.2.3-rc.1"),
        ("echo v1.2.3; exit 1", "echo v1.2.3"),
        ("echo hello", "echo hello"),
    ],
    ids=["too old", "too new", "mixed", "release candidate", "fails", "no version"],
)
def test_other_versions_on_path_are_passed_over(site: Site, tool: str, toolctl: str) -> None:
    site.executable("tool", tool)
    site.executable("toolctl", toolctl)
    assert find("tool") is None


def test_a_later_folder_on_path_is_taken_when_an_earlier_one_is_unfit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    later = site.path.parent / "later"
    monkeypatch.setenv("PATH", f"{site.path}:{later}:/usr/bin:/bin")
    site.executable("tool", "echo v0.9.0")
    for name in ("tool", "toolctl"):
        site.executable(name, "echo v1.2.3", later)
    program = find("tool")
    assert program
    assert program.bin_dir == later


def test_a_program_that_cannot_be_started_is_passed_over(site: Site) -> None:
    for name in ("tool", "toolctl"):
        site.executable(name, "").write_text("#!/no/such/interpreter\n")
    assert find("tool") is None


def test_what_was_built_is_found_and_its_executables_named(site: Site) -> None:
    assert find("tool") is None
    built = ensure("tool")
    found = find("tool")
    assert found
    assert (built.source, found.source, found.path) == ("build", "cache", built.path)
    with pytest.raises(NotFoundError, match="kubelet"):
        found.link("kubelet")


def test_an_entry_that_lacks_an_executable_does_not_count(site: Site) -> None:
    (ensure("tool").bin_dir / "toolctl").unlink()
    assert find("tool") is None
