"""An endpoint that can be connected to, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr


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
