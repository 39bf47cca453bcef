"""The hadoop image's entrypoint, with a stand-in for Java: when it formats a NameNode's storage, and when it doesn't."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from bdc.config.paths import resources

JAVA = """#!/bin/sh
# -format writes the storage that the configuration names, in two steps; anything else is the daemon.
case "$*" in
*-format*)
  conf=$(echo "$*" | sed 's/.*-cp jars:\\([^:]*\\):.*/\\1/')
  name=$(sed -n 's|.*file://\\(.*\\)</value>.*|\\1|p' "$conf/hdfs-site.xml" | tail -1)
  mkdir "$name/current" && echo half > "$name/current/fsimage"
  while [ -e "$HOLD" ]; do sleep 0.02; done
  case "$*" in *aot*) RUN="formatted from the cache" ;; esac
  echo "$RUN" > "$name/current/VERSION" ;;
*aot*) echo "cached $(cat "$NAME_DIR/current/VERSION")" ;;
*) echo "serving $(cat "$NAME_DIR/current/VERSION")" ;;
esac
"""


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    """A NameNode's pod: configuration, volume, Java."""
    (tmp_path / "java" / "bin").mkdir(parents=True)
    (tmp_path / "java" / "bin" / "java").write_text(JAVA)
    (tmp_path / "java" / "bin" / "java").chmod(0o755)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "hdfs-site.xml").write_text("<configuration/>")
    (tmp_path / "data").mkdir()
    (tmp_path / "home" / "etc").mkdir(parents=True)
    (tmp_path / "home" / "etc" / "log4j.properties").touch()
    (tmp_path / "home" / "classpath").write_text("jars\n")
    return tmp_path


def start(pod: Path, run: str) -> subprocess.Popen[str]:
    env = {
        **os.environ,
        "JAVA_HOME": str(pod / "java"),
        "HADOOP_HOME": str(pod / "home"),
        "HADOOP_CONF_DIR": str(pod / "conf"),
        "NAME_DIR": str(pod / "data" / "name"),
        "HOLD": str(pod / "hold"),
        "RUN": run,
        "TMPDIR": str(pod),
    }
    entrypoint = resources("images") / "hadoop" / "entrypoint"
    return subprocess.Popen(
        ["sh", str(entrypoint), "namenode"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def said(process: subprocess.Popen[str], code: int = 0) -> str:
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, out + err
    return out + err


def test_formats_once(pod: Path) -> None:
    assert said(start(pod, "first")) == "serving first\n"
    assert said(start(pod, "second")) == "serving first\n"


def test_a_kill_in_the_middle_of_the_format_is_forgotten_by_the_next_start(pod: Path) -> None:
    (pod / "hold").touch()
    process = start(pod, "killed")
    deadline = time.monotonic() + 20
    while not list((pod / "data").glob(".format-*/current/fsimage")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, 9)
    process.communicate()
    (pod / "hold").unlink()
    assert [path.name[:8] for path in (pod / "data").iterdir()] == [".format-"]
    assert said(start(pod, "next")) == "serving next\n"
    assert [path.name for path in (pod / "data").iterdir()] == ["name"]


def test_a_storage_without_its_version_is_never_formatted(pod: Path) -> None:
    said(start(pod, "first"))
    (pod / "data" / "name" / "current" / "VERSION").rename(pod / "VERSION")
    assert "not formatting it; restore it from a backup or remove it" in said(start(pod, "second"), code=1)
    (pod / "VERSION").rename(pod / "data" / "name" / "current" / "VERSION")
    assert said(start(pod, "second")) == "serving first\n"


def test_a_daemon_starts_and_formats_from_its_cache(pod: Path) -> None:
    (pod / "home" / "namenode.aot").touch()
    assert said(start(pod, "first")) == "cached formatted from the cache\n"
