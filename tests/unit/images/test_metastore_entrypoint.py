"""The hive-metastore image's entrypoint, with a stand-in for Java: its class path, and what it starts from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bdc.config.paths import resources


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    """A metastore's pod: the image's files, configuration, Java."""
    for folder in ("java/bin", "home", "metastore", "hadoop"):
        (tmp_path / folder).mkdir(parents=True)
    java = tmp_path / "java" / "bin" / "java"
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)
    (tmp_path / "home" / "classpath").write_text("/a.jar:/b.jar\n")
    return tmp_path


def served(pod: Path) -> list[str]:
    env = {
        **os.environ,
        "JAVA_HOME": str(pod / "java"),
        "METASTORE_HOME": str(pod / "home"),
        "METASTORE_CONF_DIR": str(pod / "metastore"),
        "HADOOP_CONF_DIR": str(pod / "hadoop"),
        "BDC_JVM_OPTS": "-Xmx320m",
    }
    entrypoint = resources("images") / "hive-metastore" / "entrypoint"
    return subprocess.run(["sh", str(entrypoint), "serve"], env=env, check=True, capture_output=True, text=True).stdout.splitlines()


def classpath(options: list[str]) -> str:
    return options[options.index("-cp") + 1]


def test_the_class_path_is_that_of_the_cache_and_then_the_folders_with_settings(pod: Path) -> None:
    assert classpath(served(pod)) == "/a.jar:/b.jar"
    (pod / "metastore" / "metastore-site.xml").touch()
    (pod / "hadoop" / "core-site.xml").touch()
    assert classpath(served(pod)) == f"/a.jar:/b.jar:{pod}/metastore:{pod}/hadoop"


def test_the_metastore_starts_from_the_cache_that_is_there(pod: Path) -> None:
    assert not [option for option in served(pod) if "AOT" in option]
    (pod / "home" / "metastore.aot").touch()
    options = served(pod)
    assert f"-XX:AOTCache={pod}/home/metastore.aot" in options
    assert "-Xmx320m" in options
