"""A session's settings: those that clients ask for or are told of, and what SET may make of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bdc.sql.gateway.errors import NOT_SUPPORTED, SqlError
from bdc.sql.gateway.values import zone

VERSION = "17.0"
"""The version of PostgreSQL whose protocol and dialect are spoken."""

_TOLD = {
    "server_version": VERSION, "server_encoding": "UTF8", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres",
    "TimeZone": "UTC", "integer_datetimes": "on", "standard_conforming_strings": "on", "is_superuser": "off", "in_hot_standby": "off",
    "default_transaction_read_only": "on", "application_name": "", "scram_iterations": "4096",
}  # fmt: skip
_MORE = {
    "search_path": "dbo, public", "transaction_isolation": "repeatable read", "transaction_read_only": "on", "statement_timeout": "0",
    "server_version_num": "170000", "extra_float_digits": "1", "bytea_output": "hex", "max_identifier_length": "63", "row_security": "on",
    "default_transaction_isolation": "repeatable read", "lc_collate": "C.UTF-8", "lc_ctype": "C.UTF-8", "backslash_quote": "safe_encoding",
    "client_min_messages": "notice", "idle_in_transaction_session_timeout": "0", "lock_timeout": "0", "escape_string_warning": "on",
}  # fmt: skip
_FIXED = frozenset({
    "server_version", "server_encoding", "integer_datetimes", "is_superuser", "in_hot_standby", "server_version_num", "lc_collate",
    "lc_ctype", "max_identifier_length", "scram_iterations", "session_authorization",
})  # fmt: skip
_ONLY = {
    "datestyle": ("iso",),
    "intervalstyle": ("postgres",),
    "standard_conforming_strings": ("on", "true", "1", "yes"),
    "bytea_output": ("hex",),
}
_IDENTITY = frozenset({"role", "session_authorization"})
_UNITS = {"": 0.001, "ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


class Settings:
    """The settings of one session."""

    def __init__(self, user: str, given: Mapping[str, str]) -> None:
        self._names = {name.lower(): name for name in _TOLD}
        self._values = {name.lower(): value for name, value in {**_TOLD, **_MORE, "session_authorization": user}.items()}
        self._names["session_authorization"] = "session_authorization"
        for name, value in given.items():
            self.put(name, value)
        self._defaults = dict(self._values)

    def told(self) -> Iterator[tuple[str, str]]:
        """Those that clients are told of, with their names as PostgreSQL spells them."""
        for name, spelled in self._names.items():
            yield spelled, self._values[name]

    def get(self, name: str) -> str | None:
        """A setting's value; None where there is none of this name."""
        return self._values.get(name.lower())

    def put(self, name: str, value: str | None) -> tuple[str, str] | None:
        """Set it; None is its default. What clients are to be told of it. Raises SqlError."""
        name = name.lower()
        if name == "all" and value is None:
            self._values = dict(self._defaults)
            return None
        if value is None:
            value = self._defaults.get(name, "")
        elif name in _FIXED:
            raise SqlError(f'parameter "{name}" cannot be changed', "55P02")
        elif name in _IDENTITY and value.lower() != "none":
            raise SqlError(f'"{name}" can\'t be set', NOT_SUPPORTED, "log in as the other role")
        else:
            value = _checked(name, value)
        self._values[name] = value
        return (self._names[name], value) if name in self._names else None

    @property
    def time_zone(self) -> str:
        """As Trino has it."""
        name = self._values["timezone"]
        return "UTC" if name.upper() in ("GMT", "Z") else name

    @property
    def search_path(self) -> tuple[str, ...]:
        """The schemas of names without one, without those of system catalogs."""
        parts = [part.strip().strip('"') for part in self._values["search_path"].split(",")]
        return tuple(part for part in parts if part and part not in ("$user", "pg_catalog", "information_schema"))

    @property
    def timeout_seconds(self) -> float:
        """statement_timeout; 0 is none."""
        return _seconds(self._values["statement_timeout"])


def _seconds(text: str) -> float:
    found = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", text)
    if not found or found[2] not in _UNITS:
        raise SqlError(
            f'invalid value for parameter "statement_timeout": "{text}"', "22023", "a number of milliseconds, or such as 30s, 5min"
        )
    return int(found[1]) * _UNITS[found[2]]


def _checked(name: str, value: str) -> str:
    if name == "timezone":
        zone(value)
    elif name == "statement_timeout":
        _seconds(value)
    elif name == "client_encoding":
        if value.upper().replace("-", "").replace("_", "") not in ("UTF8", "UNICODE", "AUTO"):
            raise SqlError(f"the encoding {value} isn't supported", NOT_SUPPORTED, "use UTF8")
        return "UTF8"
    elif name in _ONLY:
        if not value.lower().startswith(_ONLY[name]):
            raise SqlError(f'"{name}" can be {_ONLY[name][0]} only', NOT_SUPPORTED)
        return {"datestyle": "ISO, MDY"}.get(name, _ONLY[name][0])
    elif name in ("default_transaction_read_only", "transaction_read_only") and value.lower() in ("off", "false", "0", "no"):
        raise SqlError("the gateway reads: transactions can't be set to write", "25006")
    return value
