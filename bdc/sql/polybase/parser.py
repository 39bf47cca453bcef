"""A script of PolyBase statements and plain ones, read.

The grammar (grammar.lark) has one statement. Where a statement ends nobody has to say: a semicolon, GO, the end, or a word that can't go
on with it. Plain statements end at a semicolon, GO, the end, or where one of PolyBase's begins on a line of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bdc.sql.polybase.errors import SqlSyntaxError
from bdc.sql.polybase.lexer import Lexed, Lines, Word, lexed
from bdc.sql.polybase.statements import Guarded, Placed, Plain, Pushdown, Statement
from bdc.sql.polybase.terminals import KINDS, MARKS
from bdc.sql.statements import split
from bdc.sql.suggestions import did_you_mean

if TYPE_CHECKING:
    from lark import Token

    from bdc.sql.polybase.ddl import Ddl
    from bdc.sql.polybase.grammar import Terminal

_SHOWN = {
    "NAME": "a name", "STRING": "a string in quotes", "NUMBER": "a number", "QUERY": "a query", "VARIABLE": "@name", "$END": "the end",
    **{name: f'"{mark}"' for mark, name in MARKS.items()},
}  # fmt: skip
# How the statements begin that are read here; all others are an engine's, which may begin so after a statement that nothing ends.
_OURS = (
    ("CREATE", "EXTERNAL"), ("ALTER", "EXTERNAL"), ("DROP", "EXTERNAL"), ("CREATE", "MASTER"), ("DROP", "MASTER"), ("CREATE", "DATABASE"),
    ("ALTER", "DATABASE"), ("DROP", "DATABASE"), ("CREATE", "STATISTICS"), ("DROP", "STATISTICS"), ("EXEC",),
    ("GRANT", "SELECT", "ON"), ("REVOKE", "SELECT", "ON"), ("DENY", "SELECT", "ON"),
)  # fmt: skip
_PLAIN = frozenset({
    "ALTER", "ANALYZE", "CALL", "COMMENT", "COMMIT", "CREATE", "DEALLOCATE", "DELETE", "DENY", "DESC", "DESCRIBE", "DROP", "EXECUTE",
    "EXPLAIN", "GRANT", "INSERT", "MERGE", "PREPARE", "REFRESH", "RESET", "REVOKE", "ROLLBACK", "SELECT", "SET", "SHOW", "START",
    "TABLE", "TRUNCATE", "UPDATE", "USE", "VALUES", "WITH",
})  # fmt: skip
_ROUTINE = (("CREATE", "FUNCTION"), ("CREATE", "OR", "REPLACE", "FUNCTION"), ("WITH", "FUNCTION"))


def parse(script: str) -> list[Placed]:
    """The statements of a script, in order. Raises SqlSyntaxError."""
    return list(_Script(script).statements())


class _Script:
    def __init__(self, text: str) -> None:
        self._lexed = lexed(text)
        self._text, self._words, self._at = text, self._lexed.words, 0
        self._lines = Lines(text)

    def statements(self) -> Iterator[Placed]:
        while word := self._peek():
            if word.kind in ("end", "go"):
                self._at += 1
                continue
            statement = self._statement()
            line, column = self._lines.place(word.start)
            yield Placed(self._text[word.start : self._words[self._at - 1].end], line, column, statement, self._lexed)

    def _peek(self, ahead: int = 0) -> Word | None:
        at = self._at + ahead
        return self._words[at] if at < len(self._words) else None

    def _is(self, *expected: str, at: int | None = None) -> bool:
        start = self._at if at is None else at
        found = self._words[start : start + len(expected)]
        return len(found) == len(expected) and all(
            word.kind in ("word", "mark") and word.value.upper() == one for word, one in zip(found, expected, strict=True)
        )

    def _statement(self) -> Statement:
        if self._is("IF"):
            return self._guarded()
        return self._plain_or_ddl()

    def _plain_or_ddl(self) -> Ddl | Plain:
        if self._ours():
            return self._ddl()
        word = self._words[self._at]
        before = self._words[self._at - 1].kind if self._at else "end"
        if before not in ("end", "go") and not (word.kind == "word" and word.value.upper() in _PLAIN):
            raise self._error(f"expected the statement's end or another one, found {self._shown(word)}", word, (";",))
        return self._plain()

    def _guarded(self) -> Guarded:
        exists = not self._is("IF", "NOT")
        self._at += 1 if exists else 2
        if not self._is("EXISTS", "("):
            raise self._error(f"expected EXISTS (query), found {self._shown(self._peek())}", self._peek(), ("EXISTS",))
        opened = self._words[self._at + 1]
        self._at += 2
        start, depth = self._at, 1
        while depth:
            word = self._peek()
            if word is None or word.kind in ("end", "go"):
                raise self._error("a parenthesis that has no end", opened, (")",))
            depth += {"(": 1, ")": -1}.get(word.value, 0) if word.kind == "mark" else 0
            self._at += 1
        inside = self._words[start : self._at - 1]
        query = self._text[inside[0].start : inside[-1].end] if inside else ""
        following = self._peek()
        if following is None or following.kind in ("end", "go"):
            raise self._error("expected a statement after IF EXISTS (...)", following, ("a statement",))
        if self._is("IF") or self._is("BEGIN"):
            raise self._error("IF takes one statement here, and no BEGIN or other IF", following)
        return Guarded(query, exists, self._plain_or_ddl())

    def _plain(self) -> Plain:
        start, first = self._words[self._at].start, self._at
        if any(self._is(*begin) for begin in _ROUTINE):
            return self._routine(start)
        depth = 0
        while (word := self._peek()) and word.kind not in ("end", "go"):
            depth += {"(": 1, ")": -1}.get(word.value, 0) if word.kind == "mark" else 0
            if self._at > first and depth == 0 and self._begins_line(word) and self._begins_ours():
                break
            self._at += 1
        return self._without_option(first, self._at)

    def _routine(self, start: int) -> Plain:
        """A routine's body has semicolons of its own."""
        first = self._at
        sql = split(self._text[start:]).all[0].text
        end = self._text.index(sql, start) + len(sql)
        while (word := self._peek()) and word.start < end:
            self._at += 1
        return Plain(sql, read=self._read(first, self._at))

    def _begins_line(self, word: Word) -> bool:
        line_start = self._text.rfind("\n", 0, word.start) + 1
        return not self._text[line_start : word.start].strip()

    def _begins_ours(self) -> bool:
        return self._ours() or self._is("IF", "EXISTS") or self._is("IF", "NOT", "EXISTS")

    def _ours(self) -> bool:
        """Whether the next statement is read here. Trino, too, has USE catalog.schema, and EXECUTE of what was prepared."""
        following, then = self._peek(1), self._peek(2)
        if self._is("USE"):
            return following is not None and (then is None or then.value != ".")
        if self._is("EXECUTE"):
            return following is not None and following.value.lower().startswith(("sp_", "sys"))
        return any(self._is(*begin) for begin in _OURS)

    def _without_option(self, first: int, end: int) -> Plain:
        """The text of a plain statement, and what its OPTION clause says, which must be of pushdown."""
        sql = self._text[self._words[first].start : self._words[end - 1].end]
        at = next((at for at in range(end - 1, first, -1) if self._is("OPTION", "(", at=at)), None)
        inside = [word.value.upper() for word in self._words[at + 2 : end - 1]] if at is not None else []
        if at is None or self._words[end - 1].value != ")" or ")" in inside:  # then it is a name
            return Plain(sql, read=self._read(first, end))
        hint = " ".join(inside)
        pushdowns: dict[str, Pushdown] = {"FORCE EXTERNALPUSHDOWN": "FORCE", "DISABLE EXTERNALPUSHDOWN": "DISABLE"}
        if hint not in pushdowns:
            known = tuple(pushdowns)
            raise self._error(f"OPTION ({hint}) isn't supported: {' or '.join(known)} is", self._words[at + 2], known)
        return Plain(self._text[self._words[first].start : self._words[at - 1].end], pushdowns[hint], self._read(first, at))

    def _read(self, first: int, end: int) -> Lexed:
        return Lexed(self._text, self._words[first:end])

    def _ddl(self) -> Ddl:
        from lark.exceptions import UnexpectedToken  # with the grammar it takes a tenth of a second, and plain statements need neither

        from bdc.sql.polybase import grammar
        from bdc.sql.polybase.ast_builder import Build, MisfitError

        try:
            tree = grammar.parse(self)
        except UnexpectedToken as error:
            raise self._unexpected(error) from None
        try:
            return Build(self._text).statement(tree)
        except MisfitError as error:
            raise SqlSyntaxError(error.text, *self._lines.place(error.start)) from None

    def _unexpected(self, error: Any) -> SqlSyntaxError:
        token: Token = error.token
        expected = tuple(sorted(_SHOWN.get(name, name) for name in set(error.accepts or error.expected)))
        ended = token.type == "$END"
        found = "the end of the statement" if ended else self._shown(self._words[self._at - 1])
        start = self._words[self._at - 1].end if ended else int(token.start_pos or 0)
        hint = None if ended else did_you_mean(found, (word for word in expected if word.isupper()))
        return SqlSyntaxError(f"expected {_either(expected)}, found {found}", *self._lines.place(start), expected, hint=hint)

    def _error(self, message: str, word: Word | None, expected: tuple[str, ...] = ()) -> SqlSyntaxError:
        hint = did_you_mean(self._shown(word), (one for one in expected if one.isupper()))
        return SqlSyntaxError(message, *self._lines.place(word.start if word else len(self._text.rstrip())), expected, hint=hint)

    def _shown(self, word: Word | None) -> str:
        """What an error says of a word: not what is in a string, which may be a secret."""
        if word is None or word.kind == "go":
            return "the end of the statement"
        return "a string" if word.kind == "string" else self._text[word.start : word.end]

    # What `grammar` needs.

    def next_for(self, acceptable: Callable[[str], bool]) -> Terminal | None:
        """The next terminal of a statement by the parser's state; None at its end."""
        word = self._peek()
        if word is None or word.kind in ("end", "go"):
            return None
        kind = self._terminal(word, acceptable)
        if acceptable("$END") and not acceptable(kind):
            return None
        self._at += 1
        return kind, word.value, word.start, word.end

    def query(self) -> Terminal | None:
        """The text of the query after AS."""
        first = self._peek()
        if first is None or first.kind in ("end", "go"):
            return None
        plain = self._plain()
        return "QUERY", plain.sql, first.start, first.end

    @staticmethod
    def _terminal(word: Word, acceptable: Callable[[str], bool]) -> str:
        if word.kind == "word":
            from bdc.sql.polybase.grammar import keywords

            keyword = word.value.upper()
            return keyword if keyword in keywords() and acceptable(keyword) else "NAME"
        if word.kind == "name":
            return "NAME"
        return KINDS.get(word.kind) or MARKS.get(word.value, "MARK")


def _either(expected: tuple[str, ...]) -> str:
    return expected[0] if len(expected) == 1 else f"{', '.join(expected[:-1])} or {expected[-1]}"
