"""Writes the stacks as plain Pulumi projects, for a Pulumi, a backend and a program of the user's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from bdc.cluster import Substrate
from bdc.config.names import IMAGES
from bdc.config.paths import resources
from bdc.errors import NotFoundError, UsageError
from bdc.kube import connect
from bdc.lifecycle.stack_inputs import stack_context
from bdc.lifecycle.target import Target

if TYPE_CHECKING:
    from bdc.config.model import Config

STACKS = {"data": "{}-data", "platform": "{}"}
"""Project -> its stack's name, in the order in which they come up."""


def write_projects(config: Config, substrate: Substrate, folder: Path, *, force: bool = False) -> list[Path]:
    """Write `folder`/bdc.yaml and a project for each stack, with the configuration of this cluster; the projects' folders.

    A stack's secrets salt, which Pulumi keeps in the same file, stays. Raises UsageError where something is there, unless `force`.
    """
    access = substrate.access()
    if access is None:
        raise NotFoundError(
            "there is no Kubernetes yet, so its address and storage class are not known",
            "name one with --kubeconfig, or let bdc up make this host one",
        )
    projects = {name: folder / name for name in STACKS}
    wanted = [folder / "bdc.yaml", *projects.values()]
    if not force and (there := [str(path) for path in wanted if path.exists()]):
        raise UsageError(f"{', '.join(there)}: there already", "--force writes them anew, or name another folder")
    context = stack_context(Target(config, substrate, access, connect(access.kubeconfig, access.context)))
    settings: dict[str, object] = {
        "bdc:file": "../bdc.yaml",
        "bdc:images": {name: context.images[name] for name in IMAGES},
        "bdc:addresses": list(context.addresses),
        "bdc:nodes": list(context.nodes),
    }
    if context.storage_class:
        settings["bdc:storageClass"] = context.storage_class
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bdc.yaml").write_text(yaml.safe_dump(config.model_dump(), sort_keys=False))
    for name, project in projects.items():
        shutil.copytree(resources("stacks") / name, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        _configure(project / f"Pulumi.{STACKS[name].format(config.name)}.yaml", settings)
    return list(projects.values())


def _configure(file: Path, settings: dict[str, object]) -> None:
    kept = yaml.safe_load(file.read_text()) if file.exists() else None
    stack = kept if isinstance(kept, dict) else {}
    others = {key: value for key, value in (stack.get("config") or {}).items() if not str(key).startswith("bdc:")}
    file.write_text(yaml.safe_dump({**stack, "config": {**others, **settings}}, sort_keys=False))
