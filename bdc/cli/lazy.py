"""Command groups that make a command only when it is called.

`bdc --help` and completion show names and one-line helps from a table; the module behind a name, with all that it imports, is
loaded for the one command that runs. A command whose module isn't there is neither shown nor found. Of a module with many commands, Typer
looks at the function of the one that runs.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_command_name, get_group
from typer.models import CommandInfo, TyperInfo

from bdc.cli.parameters import unparsed

HELP_OPTIONS = ("-h", "--help")


@dataclass(frozen=True)
class Entry:
    """A command: where it is, as "module:attribute" (a Typer app or a function), and its help in one line."""

    target: str
    help: str

    @property
    def module(self) -> str:
        """The module that the command is in."""
        return self.target.partition(":")[0]

    def load(self, name: str) -> Any:
        """The command itself, under `name`."""
        module, _, attribute = self.target.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            command = _deferred(found)
        else:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(name)(found)
            command = prepared(get_command(app))
        command.name = name
        return command


class LazyGroup(TyperGroup):
    """A group whose commands come from `table`."""

    table: dict[str, Entry] = {}  # noqa: RUF012  - set once by each subclass

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._stubs = {name: TyperCommand(name, help=entry.help) for name, entry in self.table.items() if find_spec(entry.module)}
        self._loaded: dict[str, Any] = {}
        self._listing = False
        self.commands.update(self._stubs)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  - the group's interface
        """The command, or only its name and help while they are being listed."""
        if self._listing or cmd_name not in self._stubs:
            return self._stubs.get(cmd_name)
        if cmd_name not in self._loaded:
            self._loaded[cmd_name] = self.table[cmd_name].load(cmd_name)
        return self._loaded[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Help without importing any command."""
        with self._names_only():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Completion of names without importing any command."""
        with self._names_only():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _names_only(self) -> Iterator[None]:
        self._listing = True
        try:
            yield
        finally:
            self._listing = False


def _deferred(app: typer.Typer) -> Any:
    """The app's group, with commands that are made when they are asked for."""
    group = prepared(_group(app))
    help_options = group.context_settings.get("help_option_names", HELP_OPTIONS)
    commands = {one.name or get_command_name(str(getattr(one.callback, "__name__", ""))): one for one in app.registered_commands}
    groups = {str(one.name): one for one in app.registered_groups}
    group.commands = _Made(app, commands | groups, help_options)
    return group


class _Made(UserDict[str, Any]):
    """The commands and groups of an app by name, each as Typer has it registered until it is asked for."""

    def __init__(self, app: typer.Typer, registered: dict[str, CommandInfo | TyperInfo], help_options: Sequence[str]) -> None:
        super().__init__(registered)
        self._app, self._help_options = app, help_options

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, (CommandInfo, TyperInfo)):
            found = self.data[name] = prepared(_group(self._app, found).commands[name], self._help_options)
        return found


def _group(app: typer.Typer, *registered: CommandInfo | TyperInfo) -> Any:
    """Typer's group of an app that has nothing but these of its commands and groups."""
    only = copy(app)
    only.registered_commands = [one for one in registered if isinstance(one, CommandInfo)]
    only.registered_groups = [one for one in registered if isinstance(one, TyperInfo)]
    return get_group(only)


def prepared(command: Any, help_options: Sequence[str] = HELP_OPTIONS) -> Any:
    """The command and all below it with what Typer would take long for: plain help, as rich's boxes cost 0.2 s and fit no narrow terminal
    or log, and parameters that parse only what has to be.
    """
    command.rich_markup_mode = None
    help_options = command.context_settings.get("help_option_names", help_options)
    if help_option := command.get_help_option(typer.Context(command, help_option_names=list(help_options))):
        command.add_help_option = False
        command.params.append(help_option)
    command.params = [unparsed(one) for one in command.params]
    for inner in getattr(command, "commands", {}).values():
        prepared(inner, help_options)
    return command
