"""Changes values in the text of a bdc.yaml and leaves all else, comments too, as it is.

A value that is there is replaced where the parser says it stands; one that isn't is put after the last value of its section. The
result is parsed again: an edit that would do anything else than what was asked is refused.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from bdc.config.schema import is_section, sections
from bdc.config.tree import check_key, parse, scalar
from bdc.errors import BdcError, NotFoundError, UsageError

_PLAIN = re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._/:@+-]*")


def edited(text: str, changes: Mapping[str, str], name: str) -> str:
    """`text` with the dotted keys of `changes` set; `name` is how messages call the file. Raises UsageError."""
    wanted = {key: entry.text for key, entry in parse(text.encode(), name).items()}
    for key, value in changes.items():
        check_key(key, "config set")
        text = _set(text.removeprefix("\ufeff"), key, scalar(value))
        wanted[key] = scalar(value)
    return _checked(text, wanted, name)


def without(text: str, keys: Iterable[str], name: str) -> str:
    """`text` without these dotted keys, or all keys of a section; their line goes, with a comment on it.

    Raises NotFoundError for one that isn't set, UsageError.
    """
    wanted = {key: entry.text for key, entry in parse(text.encode(), name).items()}
    text = text.removeprefix("\ufeff")
    for key in keys:
        gone = [one for one in wanted if one == key or one.startswith(f"{key}.")]
        if not gone and not is_section(key):
            check_key(key, "config unset")
        if not gone:
            raise NotFoundError(f"{name} doesn't set {key}", "bdc config show --sources says where its value comes from")
        text = _removed(text, key)
        for one in gone:
            del wanted[one]
    return _checked(text, wanted, name)


def _checked(text: str, wanted: Mapping[str, str | None], name: str) -> str:
    try:
        found = {key: entry.text for key, entry in parse(text.encode(), name).items()}
    except UsageError:
        found = {}
    if found != wanted:
        raise UsageError(f"{name} is written in a way that can't be changed in place", "change it with an editor")
    return text


def write(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees the old or the new content and nothing between. Keeps its mode."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(mode)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BdcError(f"{path} can't be written: {error.strerror}", "name another file, or a folder that you may write to") from error


def _set(text: str, key: str, value: str | None) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    mapping, rest, key_line = _deepest(root, key.split("."))
    if mapping is not None and not rest:
        start, end = mapping.start_mark.index, mapping.end_mark.index
        glue = " " if start and text[start - 1] == ":" else ""
        return f"{text[:start]}{glue}{_written(value)}{text[end:]}"
    if isinstance(mapping, yaml.MappingNode) and mapping.flow_style:
        inside = _flow(rest, value)
        end = mapping.end_mark.index - 1
        return f"{text[:end]}{', ' if mapping.value else ''}{inside}{text[end:]}"
    return _inserted(text, mapping, key_line, rest, value)


def _removed(text: str, key: str) -> str:
    above, _, last = key.rpartition(".")
    section, _, _ = _deepest(yaml.compose(text, Loader=yaml.SafeLoader), above.split(".") if above else [])
    pairs = section.value if isinstance(section, yaml.MappingNode) else []
    at = next(at for at, pair in enumerate(pairs) if pair[0].value == last)
    if len(pairs) == 1 and above and above not in sections():
        raise UsageError(f"{key} is all that {above} says", f"remove it whole: bdc config unset {above}")
    name, value = pairs[at]
    if isinstance(section, yaml.MappingNode) and section.flow_style:
        start = pairs[at - 1][1].end_mark.index if at and at == len(pairs) - 1 else name.start_mark.index
        end = pairs[at + 1][0].start_mark.index if at < len(pairs) - 1 else value.end_mark.index
        return text[:start] + text[end:]
    lines = text.splitlines(keepends=True)
    del lines[name.start_mark.line : _last_line(value) + 1]
    return "".join(lines)


def _deepest(root: yaml.Node | None, path: list[str]) -> tuple[yaml.Node | None, list[str], int]:
    """The node of the longest beginning of `path` that is in the tree, what is left of `path`, and the line of the node's key."""
    node, rest, key_line = root, list(path), -1
    while rest and isinstance(node, yaml.MappingNode):
        found = next((pair for pair in node.value if pair[0].value == rest[0]), None)
        if found is None:
            break
        node, rest, key_line = found[1], rest[1:], found[0].start_mark.line
    return node, rest, key_line


def _inserted(text: str, section: yaml.Node | None, key_line: int, rest: list[str], value: str | None) -> str:
    """`text` with `rest` in the block `section`: in place of its commented-out line, else after the section's last value."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if isinstance(section, yaml.MappingNode):
        column, after = section.start_mark.column, _last_line(section) + 1
    elif key_line < 0:
        column, after = 0, len(lines)
    else:
        column, after = _indent(lines[key_line]) + 2, key_line + 1
    new = [f"{' ' * (column + 2 * depth)}{name}:" for depth, name in enumerate(rest)]
    new[-1] += f" {_written(value)}"
    commented = _commented(lines, key_line + 1, column, rest[0]) if len(rest) == 1 else None
    cut = slice(after, after) if commented is None else slice(commented, commented + 1)
    lines[cut] = [f"{line}\n" for line in new]
    return "".join(lines)


def _commented(lines: list[str], start: int, column: int, name: str) -> int | None:
    """The line of the section that begins at `start` where `name` is commented out the way `template` does it."""
    for number, line in enumerate(lines[start:], start):
        if line.startswith(f"{' ' * column}#{name}:"):
            return number
        if line.strip() and not line.lstrip().startswith("#") and _indent(line) < column:
            break
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _last_line(node: yaml.Node) -> int:
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return _last_line(node.value[-1][1])
    return int(node.end_mark.line)


def _flow(rest: list[str], value: str | None) -> str:
    name, *deeper = rest
    return f"{name}: {{{_flow(deeper, value)}}}" if deeper else f"{name}: {_written(value)}"


def _written(value: str | None) -> str:
    if value is None:
        return "null"
    node = yaml.compose(value, Loader=yaml.SafeLoader) if _PLAIN.fullmatch(value) else None
    plain = isinstance(node, yaml.ScalarNode) and node.value == value and not node.tag.endswith(":null")
    return value if plain else str(yaml.safe_dump(value, default_style='"', allow_unicode=True, width=2**20)).rstrip("\n")


def template(profile: str, name: str, values: Mapping[str, str]) -> str:
    """A new bdc.yaml: every field as a comment with its value under `profile`, only name and profile set."""
    from bdc.config.schema import fields

    lines = ["# The cluster, and all that can be said about it. What is commented out has the value shown.", ""]
    open_section = ""
    for field in fields().values():
        section, _, last = field.key.rpartition(".")
        depth = "  " * field.key.count(".")
        if section != open_section:
            lines += _headings(open_section, section)
            open_section = section
        lines.append(f"{depth}# {field.description}")
        set_here = {"name": name, "profile": profile}.get(field.key)
        lines.append(f"{last}: {set_here}" if set_here else f"{depth}#{last}: {_written(scalar(values[field.key]))}")
    return "\n".join(lines) + "\n"


def _headings(before: str, section: str) -> list[str]:
    """The lines that open `section`: those of its parents that are open already are left out."""
    lines: list[str] = []
    parts = section.split(".")
    for depth in range(1, len(parts) + 1):
        path = ".".join(parts[:depth])
        if before != path and not before.startswith(f"{path}."):
            lines += [""] if depth == 1 else []
            lines += [f"{'  ' * (depth - 1)}# {sections()[path]}", f"{'  ' * (depth - 1)}{parts[depth - 1]}:"]
    return lines
