"""All that the stacks' programs are made from, as data: while it is the same, they say the same.

Besides the configuration and the place (stack_inputs.py) that is the code: of the stacks, of what they use of bdc, of the engine and its
plugin, the engines' configuration, and the libraries that have a say in what an object looks like. It is known by its content, so that
machines with the same bdc agree.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import bdc_stacks
from bdc.config.paths import resources
from bdc.lifecycle.last_applied import settings

if TYPE_CHECKING:
    from bdc.config.model import Config
    from bdc_stacks.stack_context import StackContext

_PACKAGE = Path(__file__).parents[1]
_ROOMS = ("config", "engine", "kube", "plugin")
_FILES = ("toolchain/programs.toml",)
"""The pins of programs, with Pulumi's."""
_LIBRARIES = ("jinja2", "pulumi", "pulumi-kubernetes", "pyyaml")


def code() -> str:
    """What stands for the code as it is on disk now."""
    found = hashlib.sha256()
    mine = [_PACKAGE / name for name in (*_ROOMS, *_FILES)]
    for root in (*mine, *map(Path, bdc_stacks.__path__), resources("manifests")):
        for path in sorted(_files(root)):
            content = path.read_bytes()
            found.update(f"{root.name}\0{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            found.update(content)
    for library in _LIBRARIES:
        found.update(f"{library} {version(library)}\0".encode())
    return found.hexdigest()


def inputs(config: Config, site: StackContext, loaded: str | None) -> object:
    """What a program of this configuration and place is made from, as JSON can say it.

    `loaded` is the `code` at the start of this run. Where it has changed since, what runs here is a mixture: None.
    """
    now = code()
    if now != loaded:
        return None
    place = {one.name: getattr(site, one.name) for one in fields(site)}
    place |= {"network": site.network.model_dump(), "images": dict(site.images)}
    place["revisions"] = [[*item, value] for item, value in sorted(site.revisions.items())]
    return {"code": now, "configuration": settings(config), "place": place}


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
