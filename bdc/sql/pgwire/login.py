"""Who may log in: SCRAM-SHA-256 against what the master knows passwords by, so that no password comes here.

RFC 5802, RFC 7677; https://www.postgresql.org/docs/17/sasl-authentication.html. (The library scramp refuses libpq's messages, whose
name of the user is empty.)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from bdc.sql.pgwire import wire
from bdc.sql.pgwire.connection import Connection
from bdc.sql.pgwire.errors import INVALID_AUTHORIZATION, INVALID_PASSWORD, FatalError

MECHANISM = "SCRAM-SHA-256"
_ITERATIONS = 4096
_VERIFIER = re.compile(r"SCRAM-SHA-256\$(?P<iterations>\d+):(?P<salt>[^$]+)\$(?P<stored>[^:]+):(?P<server>.+)")
_FIRST = re.compile(r"(?P<binding>[ny]|p=[^,]*),,(?P<bare>(?:m=[^,]*,)?n=[^,]*,r=(?P<nonce>[!-+\--~]+)(?:,.*)?)", re.DOTALL)
_FINAL = re.compile(r"(?P<without>c=(?P<binding>[^,]*),r=(?P<nonce>[^,]*)(?:,[^p][^,]*)*),p=(?P<proof>[^,]*)", re.DOTALL)


@dataclass(frozen=True)
class Keys:
    """By what it is known that somebody has a password."""

    stored: bytes
    server: bytes


@dataclass(frozen=True)
class Verifier:
    """What PostgreSQL keeps of a password: the format of pg_authid.rolpassword."""

    salt: bytes
    iterations: int
    keys: Keys


def verifier(text: str | None) -> Verifier | None:
    """A verifier as PostgreSQL writes it; None where a role has no password, or one of another kind."""
    if not (found := _VERIFIER.fullmatch(text or "")):
        return None
    salt, stored, server = (base64.b64decode(found[name]) for name in ("salt", "stored", "server"))
    return Verifier(salt, int(found["iterations"]), Keys(stored, server))


def nobody(user: str, secret: bytes) -> Verifier:
    """A verifier that no password has, so that names that there are and those that there aren't look alike."""
    salt, stored, server = (hmac.digest(secret, f"{part}:{user}".encode(), "sha256") for part in ("salt", "stored", "server"))
    return Verifier(salt[:16], _ITERATIONS, Keys(stored, server))


def token(secret: str, role: str) -> str:
    """The password by which the master asks in a role's name: images/postgres/fdw/federation.c makes it."""
    return hmac.new(secret.encode(), f"role:{role}".encode(), "sha256").hexdigest()


async def authenticate(connection: Connection, user: str, known: Verifier, also: Sequence[str] = ()) -> None:
    """Let the client prove that it has the password, or one of the passwords `also`. Raises FatalError."""
    connection.write(wire.sasl_mechanisms([MECHANISM]))
    asked = wire.Fields(await _answer(connection))
    if (chosen := asked.text()) != MECHANISM:
        raise FatalError(f"the authentication mechanism {chosen[:40]} isn't offered", INVALID_AUTHORIZATION)
    first = _match(_FIRST, asked.value() or b"")
    if first["binding"].startswith("p"):
        raise FatalError("channel binding wasn't offered", INVALID_AUTHORIZATION)
    nonce = first["nonce"] + secrets.token_urlsafe(18)
    challenge = f"r={nonce},s={base64.b64encode(known.salt).decode()},i={known.iterations}"
    connection.write(wire.authentication(11, challenge.encode()))
    final = _match(_FINAL, await _answer(connection))
    binding = base64.b64encode(f"{first['binding']},,".encode()).decode()
    signed = f"{first['bare']},{challenge},{final['without']}".encode()
    if final["nonce"] == nonce and final["binding"] == binding:
        proof = _decoded(final["proof"])
        for keys in itertools.chain([known.keys], (_keys(password, known) for password in also)):
            if _proves(keys, signed, proof):
                signature = hmac.digest(keys.server, signed, "sha256")
                connection.write(wire.authentication(12, b"v=" + base64.b64encode(signature)))
                return
    raise FatalError(f'password authentication failed for user "{user}"', INVALID_PASSWORD)


def _keys(password: str, like: Verifier) -> Keys:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), like.salt, like.iterations)
    return Keys(hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest(), hmac.digest(salted, b"Server Key", "sha256"))


def _proves(keys: Keys, signed: bytes, proof: bytes) -> bool:
    signature = hmac.digest(keys.stored, signed, "sha256")
    if len(proof) != len(signature):
        return False
    client = bytes(one ^ other for one, other in zip(signature, proof, strict=True))
    return hmac.compare_digest(hashlib.sha256(client).digest(), keys.stored)


def _match(form: re.Pattern[str], data: bytes) -> re.Match[str]:
    try:
        found = form.fullmatch(data.decode())
    except UnicodeDecodeError:
        found = None
    if found is None:
        raise wire.malformed("malformed SCRAM message")
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


async def _answer(connection: Connection) -> bytes:
    message = await connection.message()
    if not isinstance(message, wire.Password):
        raise wire.malformed("expected a SASL response")
    return message.body
