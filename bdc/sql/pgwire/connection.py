"""A client's connection: bytes in, messages out of them, TLS, and waiting for clients that read slowly."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from bdc.sql.pgwire import wire

_SLOW = 1 << 20
"""Bytes that may wait in either direction before nobody adds to them."""
_BEFORE_LOGIN = 64 << 10
"""Bytes that a message of somebody who isn't logged in may have."""


class GoneError(Exception):
    """The client has gone."""


class Connection(asyncio.Protocol):
    """Reads messages and writes bytes. `gone` is set when the client goes, also in the middle of a statement."""

    def __init__(self, made: Callable[[Connection], None]) -> None:
        self._made = made
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._transport: asyncio.Transport | None = None
        self.gone = asyncio.Event()
        self.largest = _BEFORE_LOGIN
        self.encrypted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 for mypy: of a stream it is one
        first = self._transport is None
        self._transport = transport
        transport.set_write_buffer_limits(high=_SLOW)
        if first:
            self._made(self)

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        self._buffer += data
        self._arrived.set()
        if len(self._buffer) > _SLOW and self._transport:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """asyncio's; the transport is closed."""

    def connection_lost(self, _: Exception | None) -> None:
        """asyncio's."""
        self.gone.set()
        self._arrived.set()
        self._drained.set()

    def pause_writing(self) -> None:
        """asyncio's."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """asyncio's."""
        self._drained.set()

    @property
    def peer(self) -> str:
        """The client's address."""
        found = self._transport.get_extra_info("peername") if self._transport else None
        return f"{found[0]}:{found[1]}" if found else "?"

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if self.gone.is_set():
                raise GoneError
            self._arrived.clear()
            if self._transport:
                self._transport.resume_reading()
            await self._arrived.wait()
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    async def opening(self) -> tuple[int, bytes]:
        """The first message, which has no letter: its code (a protocol version or a request), and what follows. Raises FatalError."""
        length = int.from_bytes(await self._take(4), signed=True)
        if not 8 <= length <= wire.LARGEST_STARTUP:
            raise wire.malformed("invalid length of startup packet")
        body = await self._take(length - 4)
        return int.from_bytes(body[:4]), body[4:]

    async def message(self) -> wire.Message:
        """The next message. Raises FatalError, GoneError."""
        head = await self._take(5)
        length = int.from_bytes(head[1:], signed=True)
        if not 4 <= length <= self.largest:
            raise wire.malformed(f"invalid message length: it may have {self.largest} bytes")
        return wire.read(head[0], await self._take(length - 4))

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Begin TLS, after the client asked for it. Raises FatalError, GoneError, and ssl.SSLError."""
        assert self._transport is not None  # noqa: S101 there is one as soon as there is a message
        if self._buffer:  # somebody in between could put in statements that would then seem to be encrypted: CVE-2021-23214
            raise wire.malformed("received unencrypted data after SSL request")
        self._transport.pause_reading()
        self._transport.write(b"S")
        try:
            found = await self._loop.start_tls(
                self._transport, self, context, server_side=True, ssl_handshake_timeout=10, ssl_shutdown_timeout=1
            )
        except (OSError, ssl.SSLError) as error:
            raise GoneError from error
        if found is None:
            raise GoneError
        self._transport, self.encrypted = found, True

    def write(self, data: bytes) -> None:
        """Send bytes; `drain` waits for a client that is slow."""
        if self._transport and not self.gone.is_set():
            self._transport.write(data)

    async def drain(self) -> None:
        """Until the client has taken most of what was written. Raises GoneError."""
        await self._drained.wait()
        if self.gone.is_set():
            raise GoneError

    def close(self) -> None:
        """Send what is left, and close."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport:
            self._transport.abort()
