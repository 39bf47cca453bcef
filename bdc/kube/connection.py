"""An endpoint that can be connected to, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


class SecretStr:
    """A text that no repr, log or traceback shows; pydantic's is the same, and takes longer to import than a command to run."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return "SecretStr('**********')"

    def __str__(self) -> str:
        return "**********"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True)
class Credentials:
    """What every endpoint asks for: a user and a password, or (Spark Connect) a token, which ordinary users have none of; the CA, PEM."""

    username: str
    password: SecretStr
    token: SecretStr | None
    ca: str = field(repr=False)


@dataclass(frozen=True)
class EndpointConnection:
    """An endpoint that can be connected to now. `server_name` is what its certificate is checked against."""

    host: str
    port: int
    server_name: str
    ca_file: Path
    forwarded: bool = False

    @property
    def netloc(self) -> str:
        """host:port as in a URL."""
        return f"{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """A host as in a URL: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host
