"""Names in HDFS: normal form, and the patterns that `hdfs dfs` knows.

A pattern has `*`, `?`, `[abc]`, `[!a-z]`, `{one,two}`; a backslash takes the next character as it is. Matching is by component, and
`*` matches names with a leading dot too. Source: Hadoop's FileSystem.globStatus and GlobPattern.
"""

from __future__ import annotations

import re
from itertools import pairwise

from bdc.config.names import NAMESERVICE
from bdc.errors import UsageError

_MAGIC = re.compile(r"[*?\[{\\]")


def parse(text: str) -> str:
    """A path as users write it (/a, a, hdfs://bdc/a, hdfs:///a) without scheme; raises UsageError for another file system."""
    if not text:
        raise UsageError("an empty path was given", "the root is /")
    found = re.match(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>/.*|)$", text, re.DOTALL)
    if not found:
        return text
    if found["scheme"] != "hdfs" or found["authority"] not in ("", NAMESERVICE):
        raise UsageError(f"{text} is not in this cluster's HDFS", f"paths are /path or hdfs://{NAMESERVICE}/path")
    return found["path"] or "/"


def normal(path: str) -> str:
    """An absolute path without empty, `.` and `..` components and without a slash at the end."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def join(folder: str, name: str) -> str:
    """A name in a folder."""
    return f"{folder.rstrip('/')}/{name}"


def parent(path: str) -> str:
    """The folder that an absolute path is in; / for /."""
    return path.rsplit("/", 1)[0] or "/"


def name(path: str) -> str:
    """The last component."""
    return path.rsplit("/", 1)[-1]


def temporary(path: str) -> str:
    """The name that a file has while it is written: `.name._COPYING_` beside it (shortened where HDFS's 255 bytes would not do)."""
    last = name(path)
    while len(last.encode()) > 240:
        last = last[:-1]
    return join(parent(path), f".{last}._COPYING_")


def is_pattern(text: str) -> bool:
    """Whether a path has a character that patterns use."""
    return bool(_MAGIC.search(text))


def components(pattern: str) -> list[str]:
    """A pattern's components, split at the slashes that aren't inside braces; braces with slashes are expanded by `alternatives`."""
    return [part for part in pattern.split("/") if part]


def alternatives(pattern: str) -> list[str]:
    """The patterns that one with slashes inside braces stands for, as Hadoop's GlobExpander does it."""
    cuts: list[int] = []
    depth = start = at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char == "{":
            depth += 1
            if depth == 1:
                start, cuts = at, []
        elif char == "," and depth == 1:
            cuts.append(at)
        elif char == "}" and depth:
            depth -= 1
            if depth == 0 and "/" in pattern[start:at]:
                edges = [start, *cuts, at]
                middles = [pattern[a + 1 : b] for a, b in pairwise(edges)]
                return [full for middle in middles for full in alternatives(pattern[:start] + middle + pattern[at + 1 :])]
        at += 1
    return [pattern]


def unescape(component: str) -> str:
    """A component without patterns as a name."""
    return re.sub(r"\\(.)", r"\1", component, flags=re.DOTALL)


def is_magic(component: str) -> bool:
    """Whether a component matches more than one name."""
    return bool(re.search(r"[*?\[{]", re.sub(r"\\.", "", component, flags=re.DOTALL)))


def matcher(component: str) -> re.Pattern[str]:
    """The regular expression of one component; raises UsageError for unbalanced brackets or braces."""
    out: list[str] = []
    at, braces = 0, 0
    while at < len(component):
        char = component[at]
        if char == "\\" and at + 1 < len(component):
            at += 1
            out.append(re.escape(component[at]))
        elif char == "[":
            end = component.find("]", at + 2)
            if end < 0:
                raise UsageError(f"the pattern {component} has a [ without ]", "a backslash before it takes it as it is")
            body = component[at + 1 : end]
            negated = body[0] in "!^"
            out.append(f"[{'^' if negated else ''}{_class(body[negated:])}]")
            at = end
        elif char == "{":
            braces += 1
            out.append("(?:")
        elif char == "}" and braces:
            braces -= 1
            out.append(")")
        elif char == "," and braces:
            out.append("|")
        else:
            out.append({"*": ".*", "?": "."}.get(char) or re.escape(char))
        at += 1
    if braces:
        raise UsageError(f"the pattern {component} has a {{ without }}", "a backslash before it takes it as it is")
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error as error:
        raise UsageError(f"the pattern {component} can't be understood: {error}") from None


def _class(body: str) -> str:
    return re.sub(r"[\\\[\]^&~|]", r"\\\g<0>", body)
