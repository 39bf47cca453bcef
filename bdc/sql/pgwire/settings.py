"""A session's settings: those that clients ask for or are told of, and what SET may make of them, also for a transaction alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bdc.sql.pgwire.errors import NOT_SUPPORTED, SqlError
from bdc.sql.pgwire.values import POSIX_ZONE, zone_name

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
        self._kept = self._before = self._values
        """What a transaction leaves when it is committed, and when it isn't."""
        self._saved: list[tuple[str, dict[str, str], dict[str, str]]] = []
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

    def put(self, name: str, value: str | None, *, local: bool = False) -> list[tuple[str, str]]:
        """Set it; None is its default, `all` and None are all. `local` ends with the transaction. Raises SqlError.

        What clients are to be told comes back: names, and values.
        """
        name = name.lower()
        if name == "all" and value is None:
            return self._become(dict(self._defaults), dict(self._defaults))
        if value is None:
            value = self._defaults.get(name, "")
        elif name in _IDENTITY:
            if value.lower() not in ("none", "default", self._values.get("session_authorization")):
                raise SqlError(f'"{name}" can\'t be set', NOT_SUPPORTED, "log in as the other role")
            return []
        elif name in _FIXED:
            raise SqlError(f'parameter "{name}" cannot be changed', "55P02")
        else:
            value = _checked(name, value)
        kept = self._kept if local else {**self._kept, name: value}
        return self._become({**self._values, name: value}, kept)

    def _become(self, values: dict[str, str], kept: dict[str, str]) -> list[tuple[str, str]]:
        """Have these values; those of them that clients are told of."""
        changed = [(spelled, values[name]) for name, spelled in self._names.items() if values[name] != self._values[name]]
        self._values, self._kept = values, kept
        return changed

    def begin(self) -> None:
        """A transaction begins: what is set in it is kept when it is committed."""
        self._kept = self._before = self._values
        self._saved.clear()

    def end(self, *, committed: bool) -> list[tuple[str, str]]:
        """A transaction ends; what clients are to be told."""
        found = self._kept if committed else self._before
        self._saved.clear()
        return self._become(found, found)

    def save(self, name: str) -> None:
        """A savepoint."""
        self._saved.append((name, self._values, self._kept))

    def release(self, name: str) -> None:
        """Forget a savepoint and those after it. Raises SqlError."""
        del self._saved[self._savepoint(name) :]

    def restore(self, name: str) -> list[tuple[str, str]]:
        """Go back to a savepoint, which stays; what clients are to be told. Raises SqlError."""
        at = self._savepoint(name)
        del self._saved[at + 1 :]
        _, values, kept = self._saved[at]
        return self._become(values, kept)

    def _savepoint(self, name: str) -> int:
        """The place of the latest savepoint of a name."""
        found = [at for at, (known, _, _) in enumerate(self._saved) if known == name]
        if not found:
            raise SqlError(f'savepoint "{name}" does not exist', "3B001")
        return found[-1]

    @property
    def time_zone(self) -> str:
        """As Trino has it."""
        name = self._values["timezone"]
        if offset := POSIX_ZONE.fullmatch(name):
            return f"{offset['sign']}{offset['hours']}:{offset['minutes'] or '00'}"
        return "UTC" if name.upper() in ("GMT", "Z") else name

    @property
    def search_path(self) -> tuple[str, ...]:
        """The schemas of names without one, without those of system catalogs."""
        found = re.findall(r'"((?:[^"]|"")*)"|([^",\s][^",]*)', self._values["search_path"])
        parts = [quoted.replace('""', '"') or plain.strip().lower() for quoted, plain in found]
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


def is_utf8(name: str) -> bool:
    """Whether an encoding's name is UTF8's: letters and digits count, as clean_encoding_name() of PostgreSQL's encnames.c has it."""
    return re.sub(r"[^a-z0-9]", "", name.lower()) in ("utf8", "unicode", "auto")


def _checked(name: str, value: str) -> str:
    if name == "timezone":
        return zone_name(value)
    if name == "statement_timeout":
        _seconds(value)
    elif name == "client_encoding":
        if not is_utf8(value):  # asyncpg sends it in quotes: 'utf-8'
            raise SqlError(f"the encoding {value} isn't supported", NOT_SUPPORTED, "use UTF8")
        return "UTF8"
    elif name in _ONLY:
        if not value.lower().startswith(_ONLY[name]):
            raise SqlError(f'"{name}" can be {_ONLY[name][0]} only', NOT_SUPPORTED)
        return {"datestyle": "ISO, MDY"}.get(name, _ONLY[name][0])
    elif name in ("default_transaction_read_only", "transaction_read_only") and value.lower() in ("off", "false", "0", "no"):
        raise SqlError("the gateway reads: transactions can't be set to write", "25006")
    return value
