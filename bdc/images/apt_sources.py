"""Where this host gets Debian from, for building a Debian base image with the same mirror.

apt knows two formats (sources.list(5)): one line an entry in *.list, and deb822 stanzas in *.sources. Only Debian's own archive
is taken over: its suites (`bookworm`, `bookworm-updates`, `bookworm-security`), component `main`, signed by no key of a third party.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CODENAMES = "buster|bullseye|bookworm|trixie|forky|sid|oldoldstable|oldstable|stable|testing|unstable"
_SUITE = re.compile(rf"(?:{_CODENAMES})(?P<pocket>(?:-updates|-security|/updates)?)")
_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>[^#]+)")


@dataclass(frozen=True)
class AptSource:
    """One suite of a Debian mirror."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str | None = None


def parse_list(text: str) -> Iterator[AptSource]:
    """Entries of a one-line-style file."""
    for line in text.splitlines():
        if match := _LINE.match(line.strip()):
            options = dict(option.split("=", 1) for option in (match["options"] or "").split() if "=" in option)
            yield AptSource(match["uri"], match["suite"], tuple(match["components"].split()), options.get("signed-by"))


def parse_deb822(text: str) -> Iterator[AptSource]:
    """Entries of a deb822 file: one for each URI and suite of each stanza."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", lines):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false", "0"}:
            continue
        components = tuple(fields.get("components", "").split())
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield AptSource(uri, suite, components, fields.get("signed-by"))


def debian_sources(release: str, etc: Path = Path("/etc/apt")) -> list[str]:
    """One-line entries for Debian `release` on this host's mirrors; empty where the host has no Debian mirror."""
    found: list[AptSource] = []
    if (main := etc / "sources.list").is_file():
        found += parse_list(main.read_text(errors="replace"))
    for path in sorted((etc / "sources.list.d").glob("*")):
        if path.suffix == ".list":
            found += parse_list(path.read_text(errors="replace"))
        elif path.suffix == ".sources":
            found += parse_deb822(path.read_text(errors="replace"))
    entries: dict[str, None] = {}
    for source in found:
        match = _SUITE.fullmatch(source.suite)
        ours = source.signed_by is None or "debian-archive" in source.signed_by
        if match and ours and "main" in source.components:
            pocket = match["pocket"].replace("/updates", "-security")
            entries[f"deb {source.uri} {release}{pocket} main"] = None
    return list(entries) if any(entry.split()[2] == release for entry in entries) else []
