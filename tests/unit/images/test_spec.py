"""Tags by content, and the build order by FROM lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.errors import BdcError, NotFoundError
from bdc.images import images, references
from bdc.images.spec import chosen, pinned, tags


def write_image(folder: Path, name: str, dockerfile: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "Dockerfile").write_text(dockerfile)
    return folder / name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_image(tmp_path, "zbase", "FROM docker.io/library/debian:trixie-slim\nLABEL bdc.role=intermediate\n")
    write_image(
        tmp_path, "engine", "FROM bdc.local/zbase AS build\nRUN make\nFROM scratch\nCOPY --chmod=755 --from=bdc.local/other /x /x\n"
    )
    write_image(tmp_path, "other", "FROM bdc.local/zbase\n")
    write_image(tmp_path, "alone", "FROM docker.io/library/debian:trixie-slim\n")
    return tmp_path


def test_an_image_comes_after_what_it_is_built_on(folder: Path) -> None:
    names = [spec.name for spec in images(folder)]
    assert names.index("zbase") < names.index("other") < names.index("engine")
    assert len(names) == 4


def test_tags_are_stable_and_in_the_reference(folder: Path) -> None:
    first = references(folder=folder)
    assert first == references(folder=folder)
    assert first["engine"].startswith("bdc.local/engine:")
    assert references("registry.example/team", folder=folder)["engine"] == first["engine"].replace("bdc.local", "registry.example/team")


def test_a_change_gives_the_image_and_those_built_on_it_new_tags(folder: Path) -> None:
    before = references(folder=folder)
    (folder / "other" / "entrypoint").write_text("#!/bin/sh\n")
    after = references(folder=folder)
    assert {name for name in before if before[name] != after[name]} == {"other", "engine"}


def test_a_mode_and_a_rename_are_content_too(folder: Path) -> None:
    script = folder / "alone" / "entrypoint"
    script.write_text("x")
    seen = {references(folder=folder)["alone"]}
    script.chmod(0o755)
    seen.add(references(folder=folder)["alone"])
    script.rename(folder / "alone" / "start")
    seen.add(references(folder=folder)["alone"])
    assert len(seen) == 3


def test_compiled_python_is_no_content(folder: Path) -> None:
    before = references(folder=folder)
    (folder / "alone" / "__pycache__").mkdir()
    (folder / "alone" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert references(folder=folder) == before


def test_the_dockerfile_that_is_built_names_the_tags(folder: Path) -> None:
    tag_of = tags(images(folder))
    engine = next(spec for spec in images(folder) if spec.name == "engine")
    assert f"FROM bdc.local/zbase:{tag_of['zbase']} AS build" in pinned(engine, tag_of)
    assert f"--from=bdc.local/other:{tag_of['other']} /x /x" in pinned(engine, tag_of)


def test_only_images_that_pods_run_are_meant_unless_named(folder: Path) -> None:
    assert {spec.name for spec in chosen(None, folder)} == {"engine", "other", "alone"}
    assert [spec.name for spec in chosen(["zbase"], folder)] == ["zbase"]


def test_an_unknown_name_is_told_with_those_there_are(folder: Path) -> None:
    with pytest.raises(NotFoundError, match="no image sparc") as caught:
        chosen(["sparc"], folder)
    assert caught.value.hint is not None
    assert "engine" in caught.value.hint


def test_a_circle_and_a_missing_parent_are_errors(tmp_path: Path) -> None:
    write_image(tmp_path / "one", "a", "FROM bdc.local/b\n")
    write_image(tmp_path / "one", "b", "FROM bdc.local/a\n")
    with pytest.raises(BdcError, match="circle: a -> b -> a"):
        images(tmp_path / "one")
    write_image(tmp_path / "two", "a", "FROM bdc.local/gone\n")
    with pytest.raises(BdcError, match=r"image a is built on bdc\.local/gone"):
        images(tmp_path / "two")


def test_the_product_has_its_images_and_each_has_a_title_and_no_root() -> None:
    by_name = {spec.name: spec for spec in images()}
    assert {"hadoop", "hive-metastore", "spark", "trino", "postgres", "proxy"} <= set(by_name)
    for spec in by_name.values():
        assert "org.opencontainers.image.title=" in spec.dockerfile, spec.name
        if not spec.intermediate:
            user = [line.split()[1] for line in spec.dockerfile.splitlines() if line.startswith("USER ")][-1]
            assert user.split(":")[0].isdigit(), spec.name
            assert user != "0", spec.name
