"""Statements as users could write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from bdc.sql.polybase import ddl as d
from bdc.sql.polybase import statements as s

NAMES = st.one_of(
    st.sampled_from(
        ["orders", "Kunden Liste", "location", "Data", "null", "with", "a]b", 'a"b', "日付", "x$1", "GO", "schema.table", "-- x"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
)
TEXTS = st.one_of(
    st.sampled_from(["", "'", "a''b", "sqlserver://host:1433", "0x22", "--", "/*", "GO\n", "\nGO\n", ";"]), st.text(max_size=20)
)
OBJECTS = st.lists(NAMES, min_size=1, max_size=3).map(tuple).map(d.ObjectName)
TYPES = st.one_of(
    st.sampled_from(["int", "bigint", "bit", "date", "money", "uniqueidentifier", "ntext", "json", "float"]).map(d.DataType),
    st.integers(1, 4000).map(lambda size: d.DataType("nvarchar", (size,))),
    st.just(d.DataType("varbinary", (-1,))),
    st.tuples(st.integers(19, 38), st.integers(0, 19)).map(lambda sizes: d.DataType("decimal", sizes)),
    st.integers(0, 7).map(lambda digits: d.DataType("datetime2", (digits,))),
)
NUMBERS = st.decimals(Decimal(0), Decimal(10) ** 12, allow_nan=False, allow_infinity=False, places=3)


def maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | of


COLUMNS = st.lists(
    st.builds(d.Column, NAMES, TYPES, maybe(st.just("Latin1_General_100_BIN2")), maybe(st.booleans())),
    min_size=1,
    max_size=4,
    unique_by=lambda column: column.name.lower(),
).map(tuple)
QUERIES = st.sampled_from(
    ["SELECT a FROM b", "SELECT [a;b] FROM t WHERE x = ';' AND y[1] = 2", "WITH q AS (SELECT 1 AS a) SELECT * FROM q"]
)
READERS: st.SearchStrategy[s.Statement] = st.builds(
    d.SetReaders, st.sampled_from(["GRANT", "REVOKE"]), OBJECTS, st.lists(NAMES, min_size=1, max_size=3).map(tuple)
)
DROPS: st.SearchStrategy[s.Statement] = st.one_of(
    st.builds(
        d.Drop,
        st.sampled_from(["DATABASE SCOPED CREDENTIAL", "EXTERNAL DATA SOURCE", "EXTERNAL FILE FORMAT"]),
        NAMES.map(lambda name: d.ObjectName((name,))),
        st.booleans(),
    ),
    st.builds(d.Drop, st.just("EXTERNAL TABLE"), OBJECTS, st.booleans()),
    st.builds(d.Drop, st.just("STATISTICS"), st.lists(NAMES, min_size=2, max_size=3).map(tuple).map(d.ObjectName)),
)
FORMATS: st.SearchStrategy[s.Statement] = st.one_of(
    st.builds(
        d.CreateFormat,
        NAMES,
        st.just("DELIMITEDTEXT"),
        maybe(TEXTS),
        maybe(TEXTS),
        maybe(st.integers(1, 15)),
        maybe(TEXTS),
        maybe(st.booleans()),
        maybe(TEXTS),
        maybe(TEXTS.filter(bool)),
    ),
    st.builds(d.CreateFormat, NAMES, st.sampled_from(["PARQUET", "ORC", "RCFILE", "JSON", "DELTA"]), compression=maybe(st.just("gzip"))),
)
ARGUMENTS = maybe(TEXTS | NUMBERS)
DDL: st.SearchStrategy[Any] = st.one_of(
    st.builds(d.CreateMasterKey, maybe(TEXTS)),
    st.builds(d.DropMasterKey),
    st.builds(d.SetCredential, st.sampled_from(["CREATE", "ALTER"]), NAMES, TEXTS, maybe(TEXTS)),
    st.builds(
        d.SetSource,
        st.sampled_from(["CREATE", "ALTER"]),
        NAMES,
        TEXTS,
        maybe(TEXTS),
        maybe(NAMES),
        maybe(st.booleans()),
        st.none(),
        maybe(TEXTS),
    ),
    st.builds(d.SetSource, st.just("CREATE"), NAMES, TEXTS, type=st.sampled_from(["HADOOP", "BLOB_STORAGE"])),
    DROPS,
    READERS,
    FORMATS,
    st.builds(
        d.CreateTable,
        OBJECTS,
        COLUMNS,
        NAMES,
        maybe(TEXTS),
        maybe(NAMES),
        maybe(st.sampled_from(["VALUE", "PERCENTAGE"])),
        maybe(NUMBERS),
        maybe(st.integers(1, 10000)),
        maybe(TEXTS),
        maybe(st.sampled_from(["ROUND_ROBIN", "REPLICATED"])),
        maybe(QUERIES),
    ),
    st.builds(d.CreateStatistics, NAMES, OBJECTS, st.lists(NAMES, min_size=1, max_size=3, unique_by=str.lower).map(tuple), st.booleans()),
    st.builds(
        d.Execute,
        OBJECTS,
        st.lists(ARGUMENTS, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from(["data_source", "depth"]), ARGUMENTS),
    ),
    st.builds(d.Use, NAMES),
)
PLAIN = st.builds(s.Plain, QUERIES, maybe(st.sampled_from(["FORCE", "DISABLE"])))
STATEMENTS: st.SearchStrategy[Any] = st.one_of(DDL, PLAIN, st.builds(s.Guarded, QUERIES, st.booleans(), DDL | PLAIN))
