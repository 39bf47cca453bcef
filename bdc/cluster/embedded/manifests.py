"""Renders manifests/node: configuration of the node's programs and its add-ons."""

from __future__ import annotations

import os
from pathlib import Path

from bdc.config.paths import resources


def render(name: str, **values: object) -> str:
    """Text of the template `name`; an unknown variable in it is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(resources("manifests") / "node"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML, TOML and shell, no HTML
    )
    return environment.get_template(f"{name}.j2").render(**values)


def write_if_changed(path: Path, text: str, mode: int = 0o644) -> bool:
    """Write `text` in one step; whether the file was different before."""
    if path.is_file() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.chmod(mode)
    partial.replace(path)
    return True
