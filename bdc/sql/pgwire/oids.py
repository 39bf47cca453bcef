"""The OIDs of PostgreSQL's types: pg_type.dat."""

from __future__ import annotations

TEXT = 25
BOOL, BYTEA, INT8, INT2, INT4, JSON, FLOAT4, FLOAT8 = 16, 17, 20, 21, 23, 114, 700, 701
BPCHAR, VARCHAR, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, TIMETZ = 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266
NUMERIC, UUID, INET, UNKNOWN, JSONB, NAME = 1700, 2950, 869, 705, 3802, 19
SIZES = {BOOL: 1, INT8: 8, INT2: 2, INT4: 4, FLOAT4: 4, FLOAT8: 8, DATE: 4, TIME: 8, TIMESTAMP: 8, TIMESTAMPTZ: 8,
          INTERVAL: 16, TIMETZ: 12, UUID: 16}  # fmt: skip
ARRAYS = {BOOL: 1000, BYTEA: 1001, INT8: 1016, INT2: 1005, INT4: 1007, TEXT: 1009, FLOAT4: 1021, FLOAT8: 1022, BPCHAR: 1014,
           VARCHAR: 1015, DATE: 1182, TIME: 1183, TIMESTAMP: 1115, TIMESTAMPTZ: 1185, INTERVAL: 1187, NUMERIC: 1231,
           UUID: 2951, JSON: 199, INET: 1041, TIMETZ: 1270}  # fmt: skip
ELEMENTS = {array: one for one, array in ARRAYS.items()}
NAMES = {BOOL: "boolean", BYTEA: "bytea", INT8: "bigint", INT2: "smallint", INT4: "integer", TEXT: "text", FLOAT4: "real",
          FLOAT8: "double precision", BPCHAR: "text", VARCHAR: "text", DATE: "date", TIME: "time", TIMESTAMP: "timestamp",
          TIMESTAMPTZ: "timestamptz", NUMERIC: "numeric", UUID: "uuid", JSON: "json",
          JSONB: "jsonb", INTERVAL: "interval", NAME: "text"}  # fmt: skip
"""How a parameter's type is written in SQL."""
