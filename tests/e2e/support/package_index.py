"""A package index of one wheel, as files (https://packaging.python.org/en/latest/specifications/simple-repository-api/)."""

from __future__ import annotations

import zipfile
from pathlib import Path


def make(folder: Path, name: str, version: str, code: str) -> None:
    """An index in `folder` with a pure wheel whose module has this code."""
    project = folder / "simple" / name
    project.mkdir(parents=True)
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: bdc\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(project / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in members.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in (*members, f"{info}/RECORD")))
    (project / "index.html").write_text(f'<a href="{name}-{version}-py3-none-any.whl">{name}</a>\n')
