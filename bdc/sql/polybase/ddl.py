"""The statements of PolyBase that define something, as what they say. `str()` of each is the statement again, in its plainest spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from bdc.sql.quoting import bracketed, literal

Distribution = Literal["ROUND_ROBIN", "REPLICATED"]


@dataclass(frozen=True)
class ObjectName:
    """A name of one to three parts: [[database.]schema.]object."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(map(bracketed, self.parts))


@dataclass(frozen=True)
class DataType:
    """A column's type as T-SQL writes it: its lower-case name, and its sizes, of which -1 is MAX."""

    name: str
    sizes: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.name + (f"({', '.join('max' if size < 0 else str(size) for size in self.sizes)})" if self.sizes else "")


@dataclass(frozen=True)
class Column:
    """A column of an external table; `nullable` is None where nothing is said, which means that it is."""

    name: str
    type: DataType
    collation: str | None = None
    nullable: bool | None = None

    def __str__(self) -> str:
        collate = f" COLLATE {self.collation}" if self.collation else ""
        null = {None: "", True: " NULL", False: " NOT NULL"}[self.nullable]
        return f"{bracketed(self.name)} {self.type}{collate}{null}"


@dataclass(frozen=True)
class CreateMasterKey:
    """Accepted for the sake of scripts: secrets are kept in Kubernetes Secrets."""

    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return "CREATE MASTER KEY" + (f" ENCRYPTION BY PASSWORD = {literal(self.password)}" if self.password is not None else "")


@dataclass(frozen=True)
class DropMasterKey:
    """Accepted, as CREATE MASTER KEY is."""

    def __str__(self) -> str:
        return "DROP MASTER KEY"


@dataclass(frozen=True)
class SetCredential:
    """CREATE or ALTER DATABASE SCOPED CREDENTIAL."""

    verb: Literal["CREATE", "ALTER"]
    name: str
    identity: str
    secret: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        secret = f", SECRET = {literal(self.secret)}" if self.secret is not None else ""
        return f"{self.verb} DATABASE SCOPED CREDENTIAL {bracketed(self.name)} WITH IDENTITY = {literal(self.identity)}{secret}"


DropKind = Literal["DATABASE SCOPED CREDENTIAL", "EXTERNAL DATA SOURCE", "EXTERNAL FILE FORMAT", "EXTERNAL TABLE", "STATISTICS"]


@dataclass(frozen=True)
class Drop:
    """DROP of anything that has a name."""

    kind: DropKind
    name: ObjectName
    if_exists: bool = False

    def __str__(self) -> str:
        return f"DROP {self.kind} {'IF EXISTS ' if self.if_exists else ''}{self.name}"


@dataclass(frozen=True)
class SetSource:
    """CREATE or ALTER EXTERNAL DATA SOURCE; None is what was not said."""

    verb: Literal["CREATE", "ALTER"]
    name: str
    location: str | None = None
    connection_options: str | None = field(default=None, repr=False)
    credential: str | None = None
    pushdown: bool | None = None
    type: Literal["HADOOP", "BLOB_STORAGE"] | None = None
    resource_manager_location: str | None = None

    def __str__(self) -> str:
        inside = options(
            LOCATION=said(self.location),
            CONNECTION_OPTIONS=said(self.connection_options),
            CREDENTIAL=self.credential and bracketed(self.credential),
            PUSHDOWN=None if self.pushdown is None else "ON" if self.pushdown else "OFF",
            TYPE=self.type,
            RESOURCE_MANAGER_LOCATION=said(self.resource_manager_location),
        )
        how = f"WITH ({inside})" if self.verb == "CREATE" else f"SET {inside}"
        return f"{self.verb} EXTERNAL DATA SOURCE {bracketed(self.name)} {how}"


FormatType = Literal["DELIMITEDTEXT", "PARQUET", "ORC", "RCFILE", "JSON", "DELTA"]


@dataclass(frozen=True)
class CreateFormat:
    """CREATE EXTERNAL FILE FORMAT. `string_delimiter` is as written, such as 0x22."""

    name: str
    format_type: FormatType
    field_terminator: str | None = None
    string_delimiter: str | None = None
    first_row: int | None = None
    date_format: str | None = None
    use_type_default: bool | None = None
    encoding: str | None = None
    compression: str | None = None

    def __str__(self) -> str:
        inside = options(
            FIELD_TERMINATOR=said(self.field_terminator),
            STRING_DELIMITER=said(self.string_delimiter),
            FIRST_ROW=None if self.first_row is None else str(self.first_row),
            DATE_FORMAT=said(self.date_format),
            USE_TYPE_DEFAULT=None if self.use_type_default is None else str(self.use_type_default).upper(),
            ENCODING=said(self.encoding),
        )
        more = (f", FORMAT_OPTIONS ({inside})" if inside else "") + (
            f", DATA_COMPRESSION = {said(self.compression)}" if self.compression else ""
        )
        return f"CREATE EXTERNAL FILE FORMAT {bracketed(self.name)} WITH (FORMAT_TYPE = {self.format_type}{more})"


@dataclass(frozen=True)
class CreateTable:
    """CREATE EXTERNAL TABLE; with `query` it is filled from it (CETAS)."""

    name: ObjectName
    columns: tuple[Column, ...]
    source: str
    location: str | None = None
    file_format: str | None = None
    reject_type: Literal["VALUE", "PERCENTAGE"] | None = None
    reject_value: Decimal | None = None
    reject_sample_value: int | None = None
    rejected_row_location: str | None = None
    distribution: Distribution | None = None
    query: str | None = None

    def __str__(self) -> str:
        columns = f" ({', '.join(map(str, self.columns))})" if self.columns else ""
        inside = options(
            LOCATION=said(self.location),
            DATA_SOURCE=bracketed(self.source),
            FILE_FORMAT=self.file_format and bracketed(self.file_format),
            REJECT_TYPE=self.reject_type,
            REJECT_VALUE=None if self.reject_value is None else f"{self.reject_value:f}",
            REJECT_SAMPLE_VALUE=None if self.reject_sample_value is None else str(self.reject_sample_value),
            REJECTED_ROW_LOCATION=said(self.rejected_row_location),
            DISTRIBUTION=self.distribution,
        )
        return f"CREATE EXTERNAL TABLE {self.name}{columns} WITH ({inside})" + (f" AS {self.query}" if self.query is not None else "")


@dataclass(frozen=True)
class CreateStatistics:
    """CREATE STATISTICS: all rows are looked at, or `sample_percent` of them; None is what was not said."""

    name: str
    table: ObjectName
    columns: tuple[str, ...]
    full_scan: bool = False
    sample_percent: Decimal | None = None

    def __str__(self) -> str:
        scan = (
            " WITH FULLSCAN"
            if self.full_scan
            else f" WITH SAMPLE {self.sample_percent:f} PERCENT"
            if self.sample_percent is not None
            else ""
        )
        return f"CREATE STATISTICS {bracketed(self.name)} ON {self.table} ({', '.join(map(bracketed, self.columns))}){scan}"


@dataclass(frozen=True)
class SetReaders:
    """GRANT or REVOKE of SELECT on a table: `people` are users, or `public`, who is everybody."""

    verb: Literal["GRANT", "REVOKE"]
    table: ObjectName
    people: tuple[str, ...]

    def __str__(self) -> str:
        to = "TO" if self.verb == "GRANT" else "FROM"
        return f"{self.verb} SELECT ON {self.table} {to} {', '.join(map(bracketed, self.people))}"


Argument = str | Decimal | None


@dataclass(frozen=True)
class Execute:
    """EXEC of a procedure; arguments by place, then by name without their @."""

    procedure: ObjectName
    arguments: tuple[Argument, ...] = ()
    named: Mapping[str, Argument] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [*map(_argument, self.arguments), *(f"@{name} = {_argument(value)}" for name, value in self.named.items())]
        return f"EXEC {self.procedure}" + (f" {', '.join(words)}" if words else "")


@dataclass(frozen=True)
class Use:
    """USE of a database."""

    database: str

    def __str__(self) -> str:
        return f"USE {bracketed(self.database)}"


Ddl = (
    CreateMasterKey | DropMasterKey | SetCredential | Drop | SetSource | CreateFormat | CreateTable | CreateStatistics | SetReaders
    | Execute | Use
)  # fmt: skip


def said(value: str | None) -> str | None:
    """A string in quotes, if there is one."""
    return None if value is None else literal(value)


def options(**values: str | None) -> str:
    """`NAME = value, ...` of those that were said."""
    return ", ".join(f"{name} = {value}" for name, value in values.items() if value is not None)


def _argument(value: Argument) -> str:
    return "NULL" if value is None else literal(value) if isinstance(value, str) else f"{value:f}"
