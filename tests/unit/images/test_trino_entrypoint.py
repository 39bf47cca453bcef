"""The trino image's entrypoint, with a stand-in for Java: what it starts, and from what."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bdc.config.paths import resources


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    """A server's pod: the image's files, configuration, volume, Java."""
    for folder in ("java/bin", "home", "etc/catalog", "etc/catalogs", "data"):
        (tmp_path / folder).mkdir(parents=True)
    java = tmp_path / "java" / "bin" / "java"
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@"\n')
    java.chmod(0o755)
    (tmp_path / "home" / "classpath").write_text("/a.jar:/b.jar\n")
    (tmp_path / "etc" / "node.properties").write_text("node.environment=bdc\n# its pod\nnode.id=${ENV:POD_NAME}\n")
    (tmp_path / "etc" / "catalogs" / "tpch.properties").touch()
    (tmp_path / "etc" / "catalog" / "dropped.properties").touch()
    return tmp_path


def run(pod: Path, *arguments: str) -> list[str]:
    env = {
        **os.environ,
        "JAVA_HOME": str(pod / "java"),
        "TRINO_HOME": str(pod / "home"),
        "TRINO_CONF_DIR": str(pod / "etc"),
        "TRINO_DATA_DIR": str(pod / "data"),
    }
    entrypoint = resources("images") / "trino" / "entrypoint"
    return subprocess.run(["sh", str(entrypoint), *arguments], env=env, check=True, capture_output=True, text=True).stdout.splitlines()


def test_trino_runs_in_its_volume_with_the_settings_of_its_folder(pod: Path) -> None:
    folder, *options = run(pod)
    assert folder == str(pod / "data")
    assert (pod / "data" / "etc").resolve() == pod / "etc"
    assert options[options.index("-cp") + 1 :] == [
        "/a.jar:/b.jar",
        f"@{pod}/etc/jvm.config",
        f"-Dplugin.dir={pod}/home/plugin",
        f"-Dlog.levels-file={pod}/etc/log.properties",
        f"-Dconfig={pod}/etc/config.properties",
        "-Dnode.environment=bdc",
        "-Dnode.id=${ENV:POD_NAME}",
        "io.trino.server.TrinoServer",
    ]


def test_a_restarted_container_has_the_catalogs_of_its_settings_only(pod: Path) -> None:
    for _ in range(2):
        run(pod, "serve")
        assert [path.name for path in (pod / "etc" / "catalog").iterdir()] == ["tpch.properties"]


def test_trino_starts_from_the_cache_that_is_there(pod: Path) -> None:
    assert not [option for option in run(pod) if "AOT" in option]
    (pod / "home" / "trino.aot").touch()
    assert f"-XX:AOTCache={pod}/home/trino.aot" in run(pod)


def test_other_commands_are_run_as_they_are(pod: Path) -> None:
    assert run(pod, "echo", "this") == ["this"]
