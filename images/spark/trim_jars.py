"""Drops native libraries of other operating systems and processors from the jars of a folder: `trim_jars.py FOLDER`."""

import platform
import re
import sys
import zipfile
from pathlib import Path

OURS = {"x86_64": r"x86_64|x86-64|amd64|linux64|x64", "aarch64": r"aarch64|arm64"}[platform.machine()]
NATIVE = re.compile(r"\.(so|dll|dylib|jnilib|a|lib|sym|tbd)$|\.so[.-]|librocksdbjni-linux", re.IGNORECASE)
FOREIGN_SYSTEM = re.compile(
    r"\.(dll|dylib|jnilib|lib|tbd)$|darwin|win32|win64|windows|mac|osx|freebsd|aix|sunos|android|musl", re.IGNORECASE
)
NAMED = re.compile(rf"({OURS})", re.IGNORECASE)


def foreign(name: str) -> bool:
    """Whether an entry is a native library that this machine can't load; one that names no processor is kept."""
    if not NATIVE.search(name):
        return False
    others = re.search(r"aarch64|arm|x86|amd64|i386|ppc|s390|riscv|loong|linux32|linux64|sparc|mips", name, re.IGNORECASE)
    return bool(FOREIGN_SYSTEM.search(name)) or bool(others and not NAMED.search(name))


def trim(jar: Path) -> int:
    """Rewrites `jar` without foreign libraries; returns the bytes saved."""
    with zipfile.ZipFile(jar) as old:
        dropped = [item for item in old.infolist() if foreign(item.filename)]
        if sum(item.compress_size for item in dropped) < 100_000:
            return 0
        names = {item.filename for item in dropped}
        part = jar.with_suffix(".part")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as new:
            for item in old.infolist():
                if item.filename not in names:
                    new.writestr(item, old.read(item))
    saved = jar.stat().st_size - part.stat().st_size
    part.replace(jar)
    return saved


for path in sorted(Path(sys.argv[1]).glob("*.jar")):
    if size := trim(path):
        print(f"{path.name}: {size / 1e6:.1f} MB less")
