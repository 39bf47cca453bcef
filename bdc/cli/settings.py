"""The options that every command has."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from bdc.settings import Settings

__all__ = ["RegistryOption", "Settings", "administrator", "settings"]

RegistryOption = Annotated[str | None, typer.Option("--registry", metavar="HOST/PATH", help="Registry; images.registry by default.")]
"""The type of a command's parameter `registry: RegistryOption = None`; give it to `settings`."""


def settings(ctx: typer.Context, *, registry: str | None = None) -> Settings:
    """The global options of a running command; `registry` is its own option, which stands for images.registry."""
    found = ctx.find_root().obj
    chosen = found if isinstance(found, Settings) else Settings()
    return replace(chosen, overrides={**chosen.overrides, "images.registry": registry}) if registry else chosen


def administrator(ctx: typer.Context) -> Settings:
    """The same, for a command that an ordinary user of a cluster can't use. Raises UsageError for one."""
    chosen = settings(ctx)
    chosen.check_administrator()
    return chosen
