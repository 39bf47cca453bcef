"""From the grammar's tree to statements: every option once, the needed ones there, values of their kind."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast, get_args

from lark import Token, Tree

from bdc.sql.polybase.ddl import (
    Argument,
    Column,
    CreateFormat,
    CreateMasterKey,
    CreateStatistics,
    CreateTable,
    DataType,
    Ddl,
    Drop,
    DropKind,
    DropMasterKey,
    Execute,
    FormatType,
    ObjectName,
    SetCredential,
    SetReaders,
    SetSource,
    Use,
)
from bdc.sql.polybase.types import trino_type

_DROPS: Mapping[str, DropKind] = {
    "drop_credential": "DATABASE SCOPED CREDENTIAL",
    "drop_source": "EXTERNAL DATA SOURCE",
    "drop_format": "EXTERNAL FILE FORMAT",
    "drop_table": "EXTERNAL TABLE",
    "drop_statistics": "STATISTICS",
}
_NAME_PARTS = 3


class MisfitError(Exception):
    """A statement that is well formed and can't be meant; `start` is the offset in the script."""

    def __init__(self, text: str, start: int) -> None:
        super().__init__(text)
        self.text, self.start = text, start


class Build:
    """Makes statements of trees; `text` is the script."""

    def __init__(self, text: str) -> None:
        self._text = text

    def statement(self, tree: Tree[Token]) -> Ddl:
        """What a tree says. Raises MisfitError."""
        inner = cast("Tree[Token]", tree.children[0])
        kind = str(inner.data)
        if kind in _DROPS:
            return self._drop(_DROPS[kind], inner)
        if kind in ("create_credential", "alter_credential"):
            return self._credential(inner)
        if kind in ("create_source", "alter_source"):
            return self._source(inner)
        return cast("Ddl", getattr(self, f"_{kind}")(inner))

    def _create_master_key(self, tree: Tree[Token]) -> CreateMasterKey:
        return CreateMasterKey(str(tree.children[0]) if tree.children else None)

    def _drop_master_key(self, _: Tree[Token]) -> DropMasterKey:
        return DropMasterKey()

    def _credential(self, tree: Tree[Token]) -> SetCredential:
        name, *said = tree.children
        options = self._options(said)
        _needed(options, "IDENTITY", name)
        return SetCredential(_verb(tree), str(name), _string(options["IDENTITY"]), _maybe(options, "SECRET"))

    def _drop(self, kind: DropKind, tree: Tree[Token]) -> Drop:
        *if_exists, named = tree.children
        name = _object(named) if isinstance(named, Tree) else ObjectName((str(named),))
        if kind == "STATISTICS" and len(name.parts) == 1:
            raise MisfitError("DROP STATISTICS names the table, too: [schema.]table.statistics", _start(named))
        return Drop(kind, name, bool(if_exists))

    def _source(self, tree: Tree[Token]) -> SetSource:
        name, *said = tree.children
        verb, options = _verb(tree), self._options(said)
        if verb == "CREATE":
            _needed(options, "LOCATION", name)
        pushdown = options.get("PUSHDOWN")
        return SetSource(
            verb,
            str(name),
            _maybe(options, "LOCATION"),
            _maybe(options, "CONNECTION_OPTIONS"),
            _maybe(options, "CREDENTIAL"),
            None if pushdown is None else str(cast("Tree[Token]", pushdown).children[0]).upper() == "ON",
            _one_of(options, "TYPE", ("HADOOP", "BLOB_STORAGE")),
            _maybe(options, "RESOURCE_MANAGER_LOCATION"),
        )

    def _create_format(self, tree: Tree[Token]) -> CreateFormat:
        name, *said = tree.children
        options = self._options(said)
        _needed(options, "FORMAT_TYPE", name)
        inside = self._options(options["FORMAT_OPTIONS"]) if "FORMAT_OPTIONS" in options else {}
        use_default = _one_of(inside, "USE_TYPE_DEFAULT", ("TRUE", "FALSE"))
        format_type = cast("FormatType", _one_of(options, "FORMAT_TYPE", get_args(FormatType)))
        if inside and format_type != "DELIMITEDTEXT":
            raise MisfitError(f"FORMAT_OPTIONS are DELIMITEDTEXT's, and this is {format_type}", _start(said[0]))
        return CreateFormat(
            str(name),
            format_type,
            _maybe(inside, "FIELD_TERMINATOR"),
            _maybe(inside, "STRING_DELIMITER"),
            _whole(inside, "FIRST_ROW", 1),
            _maybe(inside, "DATE_FORMAT"),
            None if use_default is None else use_default == "TRUE",
            _maybe(inside, "ENCODING"),
            _maybe(options, "DATA_COMPRESSION"),
        )

    def _create_table(self, tree: Tree[Token]) -> CreateTable:
        named = tree.children[0]
        columns = [self._column(one) for one in tree.find_data("column")]
        _once([_leaf(one.children[0]) for one in tree.find_data("column")])
        options = self._options([one for one in tree.children if isinstance(one, Tree) and one.data == "table_option"])
        _needed(options, "DATA_SOURCE", named)
        query = next((str(one) for one in tree.children if isinstance(one, Token)), None)
        if not columns and query is None:
            raise MisfitError("an external table has columns, or a query after AS", _start(named))
        reject = options.get("REJECT_VALUE")
        return CreateTable(
            _object(cast("Tree[Token]", named)),
            tuple(columns),
            str(options["DATA_SOURCE"]),
            _maybe(options, "LOCATION"),
            _maybe(options, "FILE_FORMAT"),
            _one_of(options, "REJECT_TYPE", ("VALUE", "PERCENTAGE")),
            None if reject is None else Decimal(str(reject)),
            _whole(options, "REJECT_SAMPLE_VALUE", 1),
            _maybe(options, "REJECTED_ROW_LOCATION"),
            _one_of(options, "DISTRIBUTION", ("ROUND_ROBIN", "REPLICATED")),
            query,
        )

    def _column(self, tree: Tree[Token]) -> Column:
        name, typed, *options = tree.children
        collation: str | None = None
        nullable: bool | None = None
        for option in cast("list[Tree[Token]]", options):
            first = _leaf(option.children[0])
            if first.type == "COLLATE":
                if collation is not None:
                    raise MisfitError("COLLATE is there twice", _start(first))
                collation = str(option.children[1])
            else:
                if nullable is not None:
                    raise MisfitError("NULL or NOT NULL is there twice", _start(first))
                nullable = first.type == "NULL"
        return Column(str(name), _type(cast("Tree[Token]", typed)), collation, nullable)

    def _create_statistics(self, tree: Tree[Token]) -> CreateStatistics:
        name, table, *rest = tree.children
        columns = [_leaf(one) for one in rest if isinstance(one, Token)]
        _once(columns)
        scan = [str(one) for option in rest if isinstance(option, Tree) for one in option.children]
        percent = Decimal(scan[1]) if len(scan) > 1 else None
        return CreateStatistics(str(name), _object(cast("Tree[Token]", table)), tuple(map(str, columns)), scan[:1] == ["FULLSCAN"], percent)

    def _permission(self, tree: Tree[Token]) -> SetReaders:
        verb, named, *people = tree.children
        if str(verb).upper() == "DENY":
            raise MisfitError("there is no DENY here: REVOKE SELECT ON ... FROM public, and GRANT it to those that may", _start(verb))
        return SetReaders(cast("Any", str(verb).upper()), _object(cast("Tree[Token]", named)), tuple(map(str, people)))

    def _execute(self, tree: Tree[Token]) -> Execute:
        named, *said = cast("list[Tree[Token]]", tree.children)
        arguments: list[Argument] = []
        by_name: dict[str, Argument] = {}
        for one in said:
            *variable, value = map(_leaf, one.children)
            if variable:
                key = str(variable[0])[1:].lower()
                if key in by_name:
                    raise MisfitError(f"@{key} is there twice", _start(one))
                by_name[key] = _argument(value)
            elif by_name:
                raise MisfitError("arguments without a name come first", _start(one))
            else:
                arguments.append(_argument(value))
        return Execute(_object(named), tuple(arguments), by_name)

    def _use(self, tree: Tree[Token]) -> Use:
        return Use(str(tree.children[0]))

    def _options(self, said: Any) -> dict[str, Any]:
        """Keyword to value (a token, a tree, or the trees of FORMAT_OPTIONS)."""
        found: dict[str, Any] = {}
        for option in said:
            one = option
            while isinstance(one.children[0], Tree):
                one = one.children[0]
            keyword, *values = one.children
            if keyword.type in found:
                raise MisfitError(f"{keyword.type} is there twice", _start(keyword))
            found[keyword.type] = values if keyword.type == "FORMAT_OPTIONS" else values[0]
        return found


def _verb(tree: Tree[Token]) -> Any:
    return str(tree.data).partition("_")[0].upper()


def _leaf(item: Any) -> Token:
    return cast("Token", item)


def _start(item: Any) -> int:
    while isinstance(item, Tree):
        item = item.children[0]
    return int(item.start_pos)


def _object(tree: Tree[Token]) -> ObjectName:
    if len(tree.children) > _NAME_PARTS:
        raise MisfitError("a name has at most three parts: database.schema.object", _start(tree))
    return ObjectName(tuple(map(str, tree.children)))


def _type(tree: Tree[Token]) -> DataType:
    name, *rest = tree.children
    spelled = str(name).lower()
    sizes = [_leaf(one.children[0]) for one in rest if isinstance(one, Tree)]
    if any(isinstance(one, Token) for one in rest):
        if spelled != "double":
            raise MisfitError(f"{spelled} precision is no type", _start(name))
        spelled = "float"
    if wrong := next((one for one in sizes if one.type != "MAX" and not str(one).isdecimal()), None):
        raise MisfitError(f"a size is a whole number, and this is {wrong}", _start(wrong))
    found = DataType(spelled, tuple(-1 if one.type == "MAX" else int(one) for one in sizes))
    try:
        trino_type(found)
    except ValueError as error:
        raise MisfitError(str(error), _start(name)) from None
    return found


def _needed(options: Mapping[str, Any], keyword: str, named: Any) -> None:
    if keyword not in options:
        raise MisfitError(f"{keyword} is missing", _start(named))


def _once(names: list[Token]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise MisfitError(f"the column {name} is there twice", _start(name))
        seen.add(name.lower())


def _string(value: Any) -> str:
    return str(value)


def _maybe(options: Mapping[str, Any], keyword: str) -> str | None:
    return str(options[keyword]) if keyword in options else None


def _one_of(options: Mapping[str, Any], keyword: str, values: tuple[str, ...]) -> Any:
    if keyword not in options:
        return None
    value = str(options[keyword]).upper()
    if value not in values:
        raise MisfitError(f"{keyword} is one of {', '.join(values)}, and this is {options[keyword]}", _start(options[keyword]))
    return value


def _whole(options: Mapping[str, Any], keyword: str, least: int) -> int | None:
    if keyword not in options:
        return None
    value = str(options[keyword])
    if not value.isdecimal() or int(value) < least:
        raise MisfitError(f"{keyword} is a whole number from {least}, and this is {value}", _start(options[keyword]))
    return int(value)


def _argument(token: Token) -> Argument:
    return None if token.type == "NULL" else Decimal(str(token)) if token.type == "NUMBER" else str(token)
