"""Reads a YAML file into dotted keys, each with its value's text and line.

Values stay text: the schema's types decide what `3` is, so that a file, a variable and `--set` mean the same. What a configuration
needs no part of is refused, with its line: aliases (a few bytes can stand for gigabytes), tags, lists, duplicate keys, deep nesting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bdc.config.schema import example, field, is_section, sections, suggestion
from bdc.errors import UsageError

MAX_BYTES = 2**20
MAX_DEPTH = 10
_SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")}


@dataclass(frozen=True)
class Entry:
    """A value as somebody wrote it; `source` is where, "bdc.yaml:14" or "--set"."""

    text: str | None
    source: str


class _Refused(yaml.MarkedYAMLError):
    """YAML that a configuration may not use."""


class _Loader(yaml.SafeLoader):
    """Composes nodes (it never constructs anything) and refuses aliases and deep nesting."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(problem="aliases (*name) are not allowed here", problem_mark=mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused(problem=f"nested more than {MAX_DEPTH} deep", problem_mark=mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read(path: Path) -> dict[str, Entry]:
    """The entries of a file. Raises UsageError when it can't be read or isn't a configuration."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror}", "name a file that exists with -f, or write one: bdc config init"
        ) from error
    return parse(data, str(path))


def parse(data: bytes, name: str) -> dict[str, Entry]:
    """The entries of a file's content; `name` is how messages call the file. Raises UsageError."""
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} is larger than 1 MiB", "that is no bdc.yaml: a full one has some 100 lines")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from error
    root = _compose(text, name)
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag.endswith(":null")):
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise UsageError(
            f"{name}:{_line(root)}: not a mapping of keys to values", "write lines like `storage:` and, indented, `datanodes: 3`"
        )
    return dict(_entries(root, "", name))


def scalar(text: str) -> str | None:
    """The text of a value given by option or variable: null (or nothing) is None, as in YAML."""
    return None if text in {"", "~", "null", "Null", "NULL"} else text


def shown(text: str) -> str:
    """Foreign text made fit for a message: one line, not too long."""
    clean = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:80])
    return clean if len(text) <= 80 else f"{clean}..."


def check_key(key: str, source: str) -> None:
    """Raises UsageError when the schema has no such field."""
    if field(key):
        return
    if is_section(key):
        raise UsageError(f"{source}: {key} is a section, not a value", f"set a field in it, such as {example(key)}")
    meant = suggestion(key)
    hint = f"did you mean {meant}?" if meant else "`bdc config schema` and docs/reference/configuration.md list the keys"
    raise UsageError(f"{source}: {shown(key)}: unknown key", hint)


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hint = "write the value out" if isinstance(error, _Refused) else "check the indentation and the quotes around that line"
        raise UsageError(f"{name}:{line}: {'' if isinstance(error, _Refused) else 'not valid YAML: '}{error.problem}", hint) from error
    except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:
        raise UsageError(f"{name} is not valid YAML: {shown(str(error))}", "save it as plain UTF-8 text") from error
    return node


def _entries(node: yaml.MappingNode, prefix: str, name: str) -> Iterator[tuple[str, Entry]]:
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        source = f"{name}:{_line(key_node)}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise UsageError(f"{source}: a key must be a word", "write `key: value`")
        key = prefix + key_node.value
        if key_node.value in seen:
            raise UsageError(f"{source}: {shown(key)}: given twice, first on line {seen[key_node.value]}", "keep one of them")
        seen[key_node.value] = _line(key_node)
        yield from _value(key, value_node, source, name)


def _value(key: str, node: Any, source: str, name: str) -> Iterator[tuple[str, Entry]]:
    empty = isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")
    if is_section(key) and (empty or isinstance(node, yaml.MappingNode)):
        inside = [] if empty else list(_entries(node, f"{key}.", name))
        if not inside and key not in sections():  # a section that is there by its name alone would be lost
            raise UsageError(f"{source}: {key} says nothing", f"set a field in it, such as {example(key)}")
        yield from inside
        return
    check_key(key, source)
    if not isinstance(node, yaml.ScalarNode):
        what, found = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping", field(key)
        raise UsageError(f"{source}: {key}: {what} where a value belongs", f"{key} takes {found.takes}" if found else None)
    if node.tag not in _SCALARS:
        raise UsageError(f"{source}: {key}: the tag {shown(node.tag)} is not allowed here", "write the plain value")
    yield key, Entry(None if empty else str(node.value), source)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
