"""Rules of what uses regular expressions: ~ and its like, regexp_replace, substring."""

from __future__ import annotations

from sqlglot import exp

from bdc.sql.pgwire.dialect.expressions import Expressions, Rule
from bdc.sql.pgwire.dialect.fragments import Node, Typed, as_text, check, refuse
from bdc.sql.pgwire.dialect.patterns import Pattern, pattern, replacement
from bdc.sql.pgwire.dialect.types import BOOLEAN, NULL, TEXT
from bdc.sql.pgwire.errors import SqlError
from bdc.sql.quoting import literal


def _text(self: Expressions, node: Node) -> str:
    """What is searched. Raises SqlError."""
    found = self.of(node)
    if found.kind is not NULL and found.kind.family not in ("text", "literal"):
        if found.kind.text:
            raise refuse("a regular expression on character(n)")
        raise SqlError(f"operator does not exist: {found.kind} ~ text", "42883")
    return as_text(found)


def _pattern(self: Expressions, node: Node, flags: str = "") -> Pattern:
    word = self.word(node)
    if word is None:
        raise refuse("a regular expression that isn't written out")
    return pattern(word, ignore_case="i" in flags)


def _flags(self: Expressions, node: Node | None, known: str) -> str:
    found = self.word(node) if node is not None else ""
    if found is None or set(found) - set(known):
        raise refuse(f"flags of a regular expression other than {' and '.join(known)}")
    return found


def _matches(flags: str) -> Rule:
    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this", "expression", "flag")
        of = _pattern(self, node.expression, flags + _flags(self, node.args.get("flag"), "i"))
        return Typed(f"regexp_like({_text(self, node.this)}, {literal(of.sql)})", BOOLEAN)

    return rule


def _replace(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "replacement", "modifiers", "single_replace")
    flags = _flags(self, node.args.get("modifiers"), "gi")
    of, new = _pattern(self, node.expression, flags), self.word(node.args["replacement"])
    if new is None or not of.certain or of.empty:
        raise refuse("regexp_replace of what may match nothing, or in more than one way, or by what isn't written out")
    every = "g" in flags or of.anchored
    found = of.sql if every else rf"\A([\s\S]*?)({of.sql})"  # the first one only: what is before it stays
    put = replacement(new, 0) if every else "$1" + replacement(new, 2)
    return Typed(f"regexp_replace({_text(self, node.this)}, {literal(found)}, {literal(put)})", TEXT)


def substring(self: Expressions, node: Node) -> Typed:
    """What a pattern matches, or its first group."""
    check(node, "this", "start")
    of = _pattern(self, node.args["start"])
    if not of.certain:
        raise refuse("substring by a regular expression that may match in more than one way")
    return Typed(f"regexp_extract({_text(self, node.this)}, {literal(of.sql)}, {min(of.groups, 1)})", TEXT)


MATCHING: dict[type | str, Rule] = {
    exp.RegexpLike: _matches(""),
    exp.RegexpILike: _matches("i"),
    exp.RegexpReplace: _replace,
}
