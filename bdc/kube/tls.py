"""TLS to a cluster's endpoints: connections that trust its own CA and nothing else, and a probe that says what is wrong."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

# https://www.postgresql.org/docs/current/protocol-message-formats.html: SSLRequest
_POSTGRESQL_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


@dataclass(frozen=True)
class Probed:
    """Whether an endpoint answers with TLS of the cluster's CA; `reason` says why not."""

    reachable: bool
    reason: str


def probe(host: str, port: int, server_name: str, ca: str, scheme: str = "https", timeout_seconds: float = 4) -> Probed:
    """Speak TLS to an endpoint and check its certificate against the CA (PEM)."""
    context = ssl.create_default_context(cadata=ca)
    if scheme == "sc":
        context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection((host, port), timeout_seconds) as plain:
            if scheme == "postgresql":
                plain.sendall(_POSTGRESQL_SSL_REQUEST)
                if plain.recv(1) != b"S":
                    return Probed(False, "no TLS: it doesn't speak PostgreSQL's TLS")
            with context.wrap_socket(plain, server_hostname=server_name):
                return Probed(True, "")
    except ssl.SSLCertVerificationError as error:
        return Probed(False, f"its certificate isn't the cluster's: {error.verify_message}")
    except TimeoutError:
        return Probed(False, f"no answer in {timeout_seconds:g} s")
    except ssl.SSLError as error:
        return Probed(False, f"no TLS: {error.reason or error}")
    except OSError as error:
        return Probed(False, (error.strerror or str(error)).lower())


def session(ca_file: str | None, server_name: str | None = None) -> requests.Session:
    """A `requests` session that trusts this CA, and checks certificates against `server_name` when given.

    Environment variables (proxies, .netrc, REQUESTS_CA_BUNDLE) change neither where passwords go nor whom we trust.
    """
    import requests
    from requests.adapters import HTTPAdapter

    made = requests.Session()
    made.trust_env = False
    made.verify = ca_file or True
    if server_name:

        class Named(HTTPAdapter):
            """Checks the certificate against a name that isn't the address's."""

            def init_poolmanager(self, *args: object, **kwargs: object) -> None:
                super().init_poolmanager(*args, **kwargs, server_hostname=server_name, assert_hostname=server_name)  # type: ignore[arg-type]

        made.mount("https://", Named())
    return made


@contextmanager
def authority_file(ca: str) -> Iterator[Path]:
    """The CA in a file, as client libraries want it."""
    with tempfile.NamedTemporaryFile("w", prefix="bdc-ca-", suffix=".crt") as file:
        file.write(ca)
        file.flush()
        yield Path(file.name)
