import importlib.metadata
from pathlib import Path

import pytest

from bdc.errors import BdcError, NotFoundError
from bdc.toolchain import manifest, programs

from .conftest import Site


def test_the_programs_that_the_other_rooms_ask_for_are_pinned() -> None:
    names = [program.name for program in programs()]
    assert names == ["kubernetes", "containerd", "etcd", "coredns", "pause", "local-path-provisioner", "metrics-server", "pulumi"]


def test_every_program_can_be_built_from_a_module_that_pins_its_version() -> None:
    for program in programs():
        assert program.go
        text = (program.go.folder / "go.mod").read_text()
        assert program.name == "pause" or f"v{program.version}" in text
        assert program.name == "pause" or (program.go.folder / "go.sum").stat().st_size


def test_the_pulumi_cli_is_the_sdks_version() -> None:
    assert manifest.spec("pulumi").version == importlib.metadata.version("pulumi")


def test_an_unknown_name_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="docker") as caught:
        manifest.spec("docker")
    assert "kubernetes" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ('[[tool.release]]\narch = "amd64"\nurl = "https://example.org/tool.tar.gz"', "sha256"),
        ('[[tool.release]]\narch = "amd64"\nurl = "https://example.org/tool.tar.gz"\nsha256 = ""', "sha256"),
        ('[[tool.release]]\narch = "amd64"\nurl = "ftp://example.org/tool"\nsha256 = "' + "0" * 64 + '"', "url"),
        ('[[tool.release]]\narch = "s390"\nurl = "https://example.org/tool"\nsha256 = "' + "0" * 64 + '"', "arch"),
        ('[other]\nversion = "1.0.0"\nexecutables = ["a"]\nminutes = 1\ncolour = "red"', "colour"),
        ('[other]\nversion = "1.0.0"\nexecutables = ["a"]\nminutes = 1\non_path = { accepted = "~1" }', "not a version range"),
        ('other = "1.0.0"', "programs.toml"),
        ("[broken", "programs.toml"),
    ],
    ids=["no digest", "empty digest", "scheme", "architecture", "unknown key", "range", "no table", "no TOML"],
)
def test_a_mistake_is_refused_and_named(site: Site, extra: str, named: str) -> None:
    site.manifest(extra)
    with pytest.raises(BdcError, match=named):
        manifest.load(site.package / "programs.toml")


def test_the_build_digest_follows_what_determines_the_build(site: Site) -> None:
    digests = {manifest.spec("tool").build_digest()}
    (site.package / "go" / "tool" / "go.sum").write_text("example.org/x v1.0.0 h1:abc\n")
    digests.add(manifest.spec("tool").build_digest())
    (site.package / "go" / "tool" / "main.go").write_text("package main\n")
    digests.add(manifest.spec("tool").build_digest())
    file = site.package / "programs.toml"
    file.write_text(file.read_text().replace("main.version=1.2.3", "main.version=v1.2.3"))
    manifest.programs.cache_clear()
    digests.add(manifest.spec("tool").build_digest())
    assert len(digests) == 4

    Path(site.package, "go", "tool", "README").write_text("not part of a build")
    assert manifest.spec("tool").build_digest() in digests
