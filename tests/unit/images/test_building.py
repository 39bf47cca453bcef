"""Building, with a stand-in for buildah on PATH that keeps its images as files."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from pathlib import Path

import pytest

from bdc.config.paths import cache_dir
from bdc.errors import BdcError
from bdc.images import build, missing, references
from bdc.images.builder import Buildah, find_builder, with_mounts
from bdc.images.building import build_lock
from bdc.images.host import Mount
from bdc.images.step import failure

BUILDAH = """#!{python}
import io, os, pathlib, sys
sys.path.insert(0, {root!r})
arguments = sys.argv[1:]
store = pathlib.Path(arguments[arguments.index("--root") + 1])
store.mkdir(parents=True, exist_ok=True)
command, rest = arguments[4], arguments[5:]
with open(os.environ["CALLS"], "a") as calls:
    calls.write(command + " " + rest[-1] + "\\n")
def image(name): return store / name.replace("/", "_")
if command == "inspect":
    sys.exit(0 if image(rest[-1]).exists() else 1)
if command == "build":
    text = pathlib.Path(rest[rest.index("--file") + 1]).read_text()
    print("STEP 1/2: FROM something")
    print("STEP 2/2: RUN make")
    if "RUN fail" in text:
        print("make: *** no rule")
        sys.exit(2)
    if "RUN fill" in text:
        sys.exit("write /x: no space left on device")
    image(rest[rest.index("--tag") + 1]).write_text(text)
if command == "push":
    from bdc.images.oci_layout import Layout, LAYER_TYPE
    layout = Layout(pathlib.Path(rest[-1].split(":")[1]))
    layer = layout.add_blob(io.BytesIO(rest[-2].encode()), LAYER_TYPE)
    layout.add_image(rest[-2], {{"rootfs": {{"type": "layers", "diff_ids": [layer["digest"]]}}}}, [layer])
if command == "rmi" and rest[-1] != "--prune":
    image(rest[-1]).unlink()
if command == "pull":
    import tarfile, json
    with tarfile.open(rest[-1].removeprefix("oci-archive:")) as tar:
        [entry] = json.load(tar.extractfile("index.json"))["manifests"]
    image(entry["annotations"]["org.opencontainers.image.ref.name"]).write_text("restored")
"""


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with only the stand-in on PATH, and two images, one on the other; the base is in its store already."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "buildah").write_text(BUILDAH.format(python=sys.executable, root=str(Path(__file__).parents[3])))
    (programs / "buildah").chmod(0o755)
    folder = tmp_path / "images"
    for name, dockerfile in {
        "base": "FROM docker.io/library/debian:trixie-slim\nLABEL bdc.role=intermediate\n",
        "storage": "FROM bdc.local/base\nRUN make\n",
        "catalog": "FROM bdc.local/storage\nRUN make\n",
    }.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "Dockerfile").write_text(dockerfile)
    monkeypatch.setattr("bdc.images.spec.resources", lambda _kind: folder)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("BDC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    store = cache_dir() / "images" / "store"
    store.mkdir(parents=True)
    (store / "docker.io_library_debian:trixie-slim").write_text("")
    return folder


def calls(command: str) -> list[str]:
    lines = Path(os.environ["CALLS"]).read_text().splitlines()
    return [line.split(" ", 1)[1] for line in lines if line.split()[0] == command]


def test_everything_missing_is_built_once_in_order(host: Path) -> None:
    lines: list[str] = []
    built = build(on_progress=lines.append)
    assert [image.name for image in built] == ["storage", "catalog"]
    assert calls("build") == [str(host / name) for name in ("base", "storage", "catalog")]
    assert lines[0] == "[1/3] building base"
    assert missing() == []
    build()
    assert len(calls("build")) == 3


def test_a_change_builds_only_what_stands_on_it(host: Path) -> None:
    build()
    (host / "catalog" / "entrypoint").write_text("new")
    assert missing() == ["catalog"]
    build()
    assert len(calls("build")) == 4


def test_a_parent_that_only_the_layout_has_comes_back_from_there(host: Path) -> None:
    build(["storage"])
    Buildah().remove(references()["storage"])
    build(["catalog"])
    assert len(calls("pull")) == 1
    assert calls("build").count(str(host / "storage")) == 1


def test_what_a_killed_build_left_is_removed_first() -> None:
    left = cache_dir() / "images" / ".work-killed"
    left.mkdir()
    build()
    assert not left.exists()
    assert calls("rm") == ["--all"]


def test_old_tags_leave_the_store(host: Path) -> None:
    from bdc.images import layout

    for number in range(4):
        (host / "catalog" / "entrypoint").write_text(str(number))
        build()
    assert len([reference for reference in layout().descriptors() if "/catalog:" in reference]) == 2


def test_a_failed_step_is_named_with_its_last_lines_and_the_log(host: Path) -> None:
    (host / "catalog" / "Dockerfile").write_text("FROM bdc.local/storage\nRUN fail\n")
    with pytest.raises(BdcError, match=r"building bdc\.local/catalog:.* failed at the step 'RUN make'") as caught:
        build()
    assert "make: *** no rule" in caught.value.message
    assert caught.value.hint is not None
    assert "RUN make" in Path(caught.value.hint.removeprefix("full log: ")).read_text()
    assert missing() == ["catalog"]


def test_a_full_disk_is_told_as_such(host: Path) -> None:
    (host / "storage" / "Dockerfile").write_text("FROM bdc.local/base\nRUN fill\n")
    with pytest.raises(BdcError, match="the disk is full"):
        build()


def test_a_buildkit_step_is_named_too(tmp_path: Path) -> None:
    error = failure("x", "#5 [2/4] RUN apt-get update\n#5 0.1 E: not found\n", tmp_path / "log")
    assert "at the step 'RUN apt-get update'" in error.message


def test_a_second_build_waits_and_says_so() -> None:
    lines: list[str] = []
    with (cache_dir() / "images" / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        release = threading.Timer(0.2, lambda: fcntl.flock(other, fcntl.LOCK_UN))
        release.start()
        with build_lock(lines.append):
            pass
        release.join()
    assert lines == ["waiting for another image build on this host"]


def test_without_a_tool_and_without_root_it_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert find_builder() is None
    with pytest.raises(BdcError, match="no tool to build images") as caught:
        build()
    assert caught.value.hint is not None
    assert "start Docker" in caught.value.hint


def test_mounts_are_written_into_run_lines_for_buildkit(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "ca.crt").write_text("")
    text, secrets = with_mounts(
        "FROM x\nRUN a \\\n && b\nUSER 1\n", [Mount(tmp_path / "site", "/run/s"), Mount(tmp_path, "/cache", writable=True)]
    )
    assert (
        "RUN --mount=type=secret,id=run-s-ca-crt,target=/run/s/ca.crt,mode=0444 --mount=type=cache,sharing=locked,target=/cache a \\"
        in text
    )
    assert secrets == {"run-s-ca-crt": tmp_path / "site" / "ca.crt"}
