"""PostgreSQL's regular expressions for Trino's, whose library is Joni with Java's syntax: what means the same in both, written out.

https://www.postgresql.org/docs/17/functions-matching.html#FUNCTIONS-POSIX-REGEXP. Trino 476's ^ and $ also match at the ends of lines, its
. doesn't match one, \\d has all digits of Unicode; PostgreSQL matches the longest, Joni the first that fits: it is the same where no more
than one piece of a pattern has a length that varies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bdc.sql.pgwire.dialect.fragments import refuse
from bdc.sql.pgwire.errors import SqlError

_MOST = 255
"""PostgreSQL's DUPMAX."""
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_ASCII = 0x7F
_END = ""


@dataclass
class Pattern:
    """A pattern as Trino has it, with so many groups. `certain`: what it matches is the same in both; `empty`: it may match nothing;
    `anchored`: it is for the beginning alone.
    """

    sql: str
    groups: int = 0
    certain: bool = True
    empty: bool = True
    anchored: bool = False


class _Reader:
    def __init__(self, text: str, *, ignore_case: bool) -> None:
        self.text, self.at, self.ignore_case = text, 0, ignore_case
        self.groups = self.varying = 0
        self.certain = True

    def peek(self, count: int = 1) -> str:
        return self.text[self.at : self.at + count]

    def take(self) -> str:
        found = self.peek()
        self.at += 1
        return found

    def branches(self, depth: int) -> tuple[str, bool]:
        """Alternatives, until a parenthesis closes or the text ends; whether they may match nothing."""
        if depth > _DEEPEST:
            raise refuse("a regular expression with so many parentheses")
        found = [self.branch(depth)]
        while self.peek() == "|":
            self.take()
            self.certain = False
            found.append(self.branch(depth))
        return "|".join(text for text, _ in found), any(empty for _, empty in found)

    def branch(self, depth: int) -> tuple[str, bool]:
        texts, empty = list[str](), True
        while self.peek() not in (_END, "|", ")"):
            text, nothing = self.quantified(depth)
            texts.append(text)
            empty = empty and nothing
        if self.peek() == ")" and not depth:
            raise SqlError("invalid regular expression: parentheses () not balanced", "2201B")
        return "".join(texts), empty

    def quantified(self, depth: int) -> tuple[str, bool]:
        if (mark := self.peek()) in "^$":
            self.take()
            if self.peek() in ("*", "+", "?"):
                raise SqlError("invalid regular expression: quantifier operand invalid", "2201B")
            return (r"\A" if mark == "^" else r"\z"), True
        group = self.peek() == "("
        text, empty = self.atom(depth)
        if not (bounds := self.quantifier()):
            return text, empty
        least, most, written = bounds
        if least != most:
            self.varying += 1
        if group:
            self.certain = False
        if self.peek() in ("*", "+", "?"):
            raise SqlError("invalid regular expression: quantifier operand invalid", "2201B")
        return text + written, empty or least == 0

    def quantifier(self) -> tuple[int, int | None, str] | None:
        """The least and the most of it, None is any number, and how it is written."""
        mark = self.peek()
        if mark in ("*", "+", "?") and mark:
            self.take()
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
            written = mark
        elif mark == "{" and self.peek(2)[1:].isdecimal():
            inside, closed, _ = self.text[self.at + 1 :].partition("}")
            one, comma, other = inside.partition(",")
            if not closed or not one.isdecimal() or (other and not other.isdecimal()):
                raise SqlError("invalid regular expression: invalid repetition count(s)", "2201B")
            least, most = int(one), int(other) if other else None if comma else int(one)
            if max(least, most or 0) > _MOST or (most is not None and most < least):
                raise SqlError("invalid regular expression: invalid repetition count(s)", "2201B")
            self.at += len(inside) + 2
            written = f"{{{inside}}}"
        else:
            return None
        if self.peek() == "?":
            self.take()
            self.certain = self.certain and self.varying == 0
            written += "?"
        return least, most, written

    def atom(self, depth: int) -> tuple[str, bool]:
        mark = self.take()
        if mark == "(":
            return self.group(depth)
        if mark == "[":
            return self.bracket(), False
        if mark == ".":
            return r"[\s\S]", False
        if mark == "\\":
            return self.escape(), False
        if mark in "*+?":
            raise SqlError("invalid regular expression: quantifier operand invalid", "2201B")
        return self.literal(mark), False

    def group(self, depth: int) -> tuple[str, bool]:
        head = "("
        if self.peek() == "?":
            if self.peek(2) != "?:":
                raise refuse("a regular expression that looks ahead or behind, or has options in it")
            self.at += 2
            head = "(?:"
        else:
            self.groups += 1
        inside, empty = self.branches(depth + 1)
        if self.take() != ")":
            raise SqlError("invalid regular expression: parentheses () not balanced", "2201B")
        return f"{head}{inside})", empty

    def escape(self) -> str:
        mark = self.take()
        if mark in "dD" and mark:
            return "[0-9]" if mark == "d" else "[^0-9]"
        if mark in _CONTROLS:
            return _written(_CONTROLS[mark])
        if not mark or mark.isalnum():
            raise refuse(f"\\{mark} in a regular expression", "write characters out, such as [0-9A-Za-z_]")
        return self.literal(mark)

    def literal(self, mark: str) -> str:
        found = sorted(_cases(mark)) if self.ignore_case else [mark]
        return _written(found[0]) if len(found) == 1 else f"[{''.join(map(_written, found))}]"

    def bracket(self) -> str:
        negated = self.peek() == "^"
        self.at += negated
        pieces, first = list[str](), True
        while first or self.peek() != "]":
            if self.peek() == _END:
                raise SqlError("invalid regular expression: brackets [] not balanced", "2201B")
            pieces.append(self.member())
            first = False
        self.take()
        return f"[{'^' if negated else ''}{''.join(pieces)}]"

    def member(self) -> str:
        """A character, a range or a class in brackets."""
        if self.peek(2) in ("[.", "[="):
            raise refuse("collating elements in a regular expression")
        if self.peek(2) == "[:":
            name, closed, _ = self.text[self.at + 2 :].partition(":]")
            if not closed or name not in ("digit", "xdigit"):
                raise refuse(f"the class [:{name}:] in a regular expression", "write characters out, such as A-Za-z")
            self.at += len(name) + 4
            return "0-9" if name == "digit" else "0-9A-Fa-f"
        low = self.character()
        if low is None:
            return "0-9"
        if self.peek() == "-" and self.peek(2)[1:] not in ("]", _END):
            self.take()
            high = self.character()
            if high is None or ord(high) < ord(low):
                raise SqlError("invalid regular expression: invalid character range", "2201B")
            return self.span(low, high)
        return "".join(map(_written, sorted(_cases(low)))) if self.ignore_case else _written(low)

    def character(self) -> str | None:
        """A character in brackets; None is \\d."""
        mark = self.take()
        if mark == "[":
            raise refuse("[ in brackets of a regular expression", "write it as \\[")
        if mark != "\\":
            return mark
        mark = self.take()
        if mark == "d":
            return None
        if mark in _CONTROLS:
            return _CONTROLS[mark]
        if not mark or mark.isalnum():
            raise refuse(f"\\{mark} in brackets of a regular expression", "write characters out")
        return mark

    def span(self, low: str, high: str) -> str:
        found = f"{_written(low)}-{_written(high)}"
        if not self.ignore_case:
            return found
        if ord(high) > _ASCII:
            raise refuse("a range beyond ASCII in a regular expression that ignores case")
        inside = map(chr, range(ord(low), ord(high) + 1))
        more = {other for one in inside for other in _cases(one) if not low <= other <= high}
        return found + "".join(map(_written, sorted(more)))


_DEEPEST = 50


def _cases(mark: str) -> Iterator[str]:
    """A character in capitals and in small letters, as PostgreSQL's allcases() has them: those that are one character."""
    return iter({mark, *(other for other in (mark.lower(), mark.upper()) if len(other) == 1)})


def _written(mark: str) -> str:
    return mark if mark.isalnum() or ord(mark) > _ASCII else f"\\x{ord(mark):02x}"


def pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """A pattern of PostgreSQL's (an ARE). Raises SqlError for one that is wrong, or that Trino has no equal for."""
    if text.startswith("***"):
        raise refuse("a regular expression with a director ***")
    reader = _Reader(text, ignore_case=ignore_case)
    written, empty = reader.branches(0)
    certain = reader.certain and reader.varying <= 1
    return Pattern(written, reader.groups, certain, empty, text.startswith("^") and certain)


def replacement(text: str, shift: int) -> str:
    """What regexp_replace puts in: \\1 to \\9 and \\& as Java writes them, groups counted from `shift` on."""
    found, at = "", 0
    while at < len(text):
        mark, after = text[at], text[at + 1 : at + 2]
        if mark == "\\" and after and after in "123456789&":
            found += f"${shift if after == '&' else int(after) + shift}"
            at += 2
            continue
        if mark == "\\" and after == "\\":
            at += 1
        found += f"\\{mark}" if mark in "\\$" or mark.isdecimal() else mark  # a digit would be one of a group's number
        at += 1
    return found
