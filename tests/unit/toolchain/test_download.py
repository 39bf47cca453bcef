"""Against a real HTTP server on loopback, and folders."""

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bdc.errors import BdcError
from bdc.toolchain import download, ensure, manifest

from .conftest import Site


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            file.addfile(member, io.BytesIO(name.encode()))
    return buffer.getvalue()


WHOLE = archive("tool-1.2.3/README", "tool-1.2.3/bin/tool", "tool-1.2.3/bin/toolctl")


class Releases(http.server.ThreadingHTTPServer):
    """A release site: `files` by path; `cut` responses break off in the middle."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {"/v1.2.3/tool.tar.gz": WHOLE}
        self.cut = 0
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Releases

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.cut:
            self.server.cut -= 1
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def releases(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    monkeypatch.setattr(download, "_PAUSE_SECONDS", 0.01)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Releases() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        pin(site, server)
        yield server
        server.shutdown()
        thread.join()


def pin(site: Site, server: Releases, content: bytes = WHOLE, name: str = "tool.tar.gz") -> None:
    digest = hashlib.sha256(content).hexdigest()
    url = f"{server.address}/v1.2.3/{name}"
    site.manifest(f'[[tool.release]]\narch = "{manifest.machine()}"\nurl = "{url}"\nsha256 = "{digest}"')


def test_a_release_with_the_right_digest_is_unpacked_and_cached(site: Site, releases: Releases) -> None:
    lines: list[str] = []
    program = ensure("tool", on_progress=lines.append)
    assert program.source == "release"
    assert lines == [f"fetching tool 1.2.3 from {releases.address}/v1.2.3/tool.tar.gz"]
    assert program.bin_dir.parent.name == f"1.2.3-{hashlib.sha256(WHOLE).hexdigest()[:8]}"
    assert program.link("toolctl").read_text() == "tool-1.2.3/bin/toolctl"
    assert program.link("toolctl").stat().st_mode & 0o777 == 0o755
    assert sorted(file.name for file in program.bin_dir.parent.rglob("*")) == ["bin", "tool", "toolctl"]
    assert ensure("tool").source == "cache"
    assert len(releases.asked) == 1


def test_a_bare_executable(site: Site, releases: Releases) -> None:
    releases.files["/v1.2.3/tool"] = b"#!/bin/sh\n"
    pin(site, releases, b"#!/bin/sh\n", "tool")
    file = site.package / "programs.toml"
    file.write_text(file.read_text().replace('["tool", "toolctl"]', '["tool"]'))
    assert ensure("tool").path.read_bytes() == b"#!/bin/sh\n"


def test_a_wrong_digest_ends_it_and_nothing_else_is_tried(site: Site, releases: Releases) -> None:
    releases.files["/v1.2.3/tool.tar.gz"] = archive("tool", "toolctl", "rootkit")
    with pytest.raises(BdcError, match="not what bdc expects") as caught:
        ensure("tool")
    assert hashlib.sha256(WHOLE).hexdigest() in caught.value.message
    assert "nothing of it was used" in (caught.value.hint or "")
    assert site.leftovers() == []
    assert not (site.cache / "logs").exists()  # no build


def test_where_the_file_is_missing_the_program_is_built(site: Site, releases: Releases) -> None:
    releases.files.clear()
    lines: list[str] = []
    assert ensure("tool", on_progress=lines.append).source == "build"
    assert any("HTTP 404" in line for line in lines)
    assert len(releases.asked) == 1


def test_missing_and_nothing_to_build_is_an_error_with_a_remedy(site: Site, releases: Releases) -> None:
    file = site.package / "programs.toml"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("go =")))
    releases.files.clear()
    with pytest.raises(BdcError, match="HTTP 404") as caught:
        ensure("tool")
    assert "BDC_MIRROR" in (caught.value.hint or "")
    assert site.leftovers() == []


def test_a_cut_connection_is_tried_again(site: Site, releases: Releases) -> None:
    releases.cut = 2
    assert ensure("tool").source == "release"
    assert len(releases.asked) == 3


def test_a_connection_that_is_always_cut_leads_to_a_build(site: Site, releases: Releases) -> None:
    releases.cut = 99
    lines: list[str] = []
    assert ensure("tool", on_progress=lines.append).source == "build"
    assert any("the connection broke" in line for line in lines)


def test_an_unreachable_site_leads_to_a_build_at_once(site: Site, releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDC_MIRROR", "http://127.0.0.1:9")
    lines: list[str] = []
    assert ensure("tool", on_progress=lines.append).source == "build"
    assert any("can't be reached" in line for line in lines)


def test_a_mirrors_address_replaces_the_projects(site: Site, releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    releases.files = {"/mirror/tool.tar.gz": WHOLE}
    monkeypatch.setenv("BDC_MIRROR", f"{releases.address}/mirror/")
    assert ensure("tool").source == "mirror"
    assert releases.asked == ["/mirror/tool.tar.gz"]


def test_a_mirror_folder(site: Site, releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("BDC_MIRROR", str(folder))
    lines: list[str] = []
    assert ensure("tool", on_progress=lines.append).source == "build"
    assert f"{folder}/tool.tar.gz does not exist" in lines

    for entry in (site.cache / "programs" / "tool").glob("1.*"):
        entry.rename(tmp_path / "away")
    (folder / "tool.tar.gz").write_bytes(WHOLE)
    assert ensure("tool").source == "mirror"
    assert releases.asked == []


def test_an_archive_that_lacks_an_executable_is_refused(site: Site, releases: Releases) -> None:
    content = archive("bin/tool")
    releases.files["/v1.2.3/tool.tar.gz"] = content
    pin(site, releases, content)
    with pytest.raises(BdcError, match="has no toolctl"):
        ensure("tool")
