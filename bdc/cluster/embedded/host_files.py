"""Collects programs of this host, with the libraries they need, as a layer of an image.

kube-proxy must use the iptables of the host's own kind (its nft and its legacy variant don't see each other's rules), and the
volume provisioner needs a shell, mkdir and rm. Both come from the host, so that no base image is needed.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bdc.cluster.embedded.archive import Layer
from bdc.cluster.embedded.command import run
from bdc.errors import BdcError

_LIBRARY = re.compile(r"^\s+(?:\S+ => )?(/\S+) \(0x")
_IPTABLES = tuple(f"{family}{suffix}" for family in ("iptables", "ip6tables") for suffix in ("", "-save", "-restore"))
_TOOLS = ("mkdir", "rm", "chmod", "chown", "ls", "cat")
_USR_MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}


def parse_libraries(output: str) -> list[Path]:
    """Paths in the output of ldd(1)."""
    return [Path(match[1]) for line in output.splitlines() if (match := _LIBRARY.match(line))]


def tools_layer() -> Layer:
    """A shell, a few file programs and iptables, as this host has them."""
    files: dict[str, Path] = {}
    links = {name: target for name, target in _USR_MERGED.items() if name != "lib64" or Path("/lib64").exists()}
    for name in ("sh", *_TOOLS, *_IPTABLES):
        found = _which(name)
        real = found.resolve()
        where = "usr/sbin" if "sbin" in found.parts else "usr/bin"
        files[f"{where}/{real.name}"] = real
        if real.name != name:
            links[f"{where}/{name}"] = real.name
    if nft := shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        files["usr/sbin/nft"] = Path(nft).resolve()
    for extension in _iptables_extensions(files):
        files[_in_usr(extension)] = extension
    for library in parse_libraries(_ldd(*sorted(set(files.values())))):
        files.setdefault(_in_usr(library), library.resolve())
    return Layer(files, links)


def _which(name: str) -> Path:
    found = shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if found is None:
        raise BdcError(f"this host has no program {name}", "install iptables and coreutils with the host's package manager")
    return Path(found)


def _ldd(*paths: Path) -> str:
    return run(["ldd", *paths], what="looking up the libraries of this host's programs", deadline_seconds=30)


def _iptables_extensions(files: dict[str, Path]) -> list[Path]:
    """iptables' plugins (matches and targets), found beside the library that loads them."""
    binary = next(path for name, path in files.items() if "tables" in name)
    library = next((path for path in parse_libraries(_ldd(binary)) if path.name.startswith("libxtables")), None)
    return sorted((library.resolve().parent / "xtables").glob("*.so")) if library else []


def _in_usr(path: Path) -> str:
    """The path's name on a host whose /lib is a link to /usr/lib."""
    folder = path.parent.resolve()
    parts = folder.parts[1:]
    return "/".join([*(parts if parts[0] == "usr" else ("usr", *parts)), path.name])
