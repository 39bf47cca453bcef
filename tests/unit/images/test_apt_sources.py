"""The host's Debian mirror, from both formats of apt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.images.apt_sources import AptSource, debian_sources, parse_deb822, parse_list


def test_one_line_entries() -> None:
    text = """
    # a comment
    deb http://mirror.test/debian bookworm main contrib # and why
    deb-src http://mirror.test/debian bookworm main
    deb [arch=amd64 signed-by=/usr/share/keyrings/other.gpg] https://other.test/apt bookworm main
    """
    assert list(parse_list(text)) == [
        AptSource("http://mirror.test/debian", "bookworm", ("main", "contrib")),
        AptSource("https://other.test/apt", "bookworm", ("main",), "/usr/share/keyrings/other.gpg"),
    ]


def test_deb822_stanzas() -> None:
    text = """Types: deb deb-src
# a comment in between
URIs: http://one.test/debian
  http://two.test/debian
Suites: trixie trixie-updates
Components: main

Types: deb-src
URIs: http://source.test/debian
Suites: trixie
Components: main

Types: deb
Enabled: no
URIs: http://off.test/debian
Suites: trixie
Components: main
"""
    found = list(parse_deb822(text))
    assert [(source.uri, source.suite) for source in found] == [
        ("http://one.test/debian", "trixie"),
        ("http://one.test/debian", "trixie-updates"),
        ("http://two.test/debian", "trixie"),
        ("http://two.test/debian", "trixie-updates"),
    ]


def test_the_mirror_is_used_for_another_release_and_third_parties_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "deb http://mirror.test/debian bookworm main\ndeb http://mirror.test/security bookworm-security main\n"
        "deb http://cloud.test/apt sdk-bookworm main\ndeb http://docker.test/debian bookworm stable\n"
    )
    (tmp_path / "sources.list.d" / "node.sources").write_text(
        "Types: deb\nURIs: http://node.test\nSuites: bookworm\nComponents: main\nSigned-By: /usr/share/keyrings/node.gpg\n"
    )
    assert debian_sources("trixie", tmp_path) == [
        "deb http://mirror.test/debian trixie main",
        "deb http://mirror.test/security trixie-security main",
    ]


@pytest.mark.parametrize(
    "text", ["", "deb http://archive.test/ubuntu noble main\n", "deb http://mirror.test/security bookworm-security main\n"]
)
def test_a_host_without_a_debian_mirror_has_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "sources.list").write_text(text)
    assert debian_sources("trixie", tmp_path) == []
