"""HDFS's checksum of a file, computed here from the same bytes: what went over the wire is what lies on the DataNodes.

A DataNode keeps a CRC of every chunk (512 bytes) of a block. GETFILECHECKSUM combines them without reading the data, in one of two
ways; which one is the server's choice (`dfs.checksum.combine.mode`), so both are computed:

* `MD5-of-XMD5-of-512CRC32C`: MD5 over the MD5s of the blocks, each over the big-endian CRCs of its chunks. The MD5s are hashed
  with the zeros behind them in Hadoop's buffer, which starts with 32 bytes and doubles.
* `COMPOSITE-CRC32C`: the CRC of the whole file.

Source: Hadoop's FileChecksumHelper, MD5MD5CRC32FileChecksum, CompositeCrcFileChecksum and DataOutputBuffer; HDFS-13056.

Python's library has no CRC32C, so it is done over many chunks side by side: each chunk gives one byte to every step, and a step is
table look-ups (`bytes.translate`) and exclusive ors of long integers. That is some 60 MB/s in plain Python.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

CrcType = Literal["CRC32", "CRC32C"]
_POLYNOMIAL: dict[str, int] = {"CRC32": 0xEDB88320, "CRC32C": 0x82F63B78}
_MD5 = re.compile(r"MD5-of-\d+MD5-of-(?P<chunk>\d+)(?P<type>CRC32C?)$")
_COMPOSITE = re.compile(r"COMPOSITE-(?P<type>CRC32C?)$")
_BATCH = 8192  # chunks side by side


@dataclass(frozen=True)
class ServerChecksum:
    """What GETFILECHECKSUM said: how it was made and its value (16 bytes of MD5, or 4 bytes of CRC)."""

    kind: Literal["md5", "composite"]
    crc_type: CrcType
    chunk_bytes: int | None
    value: bytes

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> ServerChecksum | None:
        """From WebHDFS' `FileChecksum` object; None for an algorithm that isn't known here."""
        algorithm, value = str(answer.get("algorithm", "")), bytes.fromhex(str(answer.get("bytes", "")))
        if (found := _MD5.match(algorithm)) and len(value) >= 28:
            # int bytesPerCRC, long crcPerBlock, then the MD5
            return cls("md5", _crc_type(found["type"]), int(found["chunk"]), value[12:28])
        if (found := _COMPOSITE.match(algorithm)) and len(value) == 4:
            return cls("composite", _crc_type(found["type"]), None, value)
        return None


class FileDigest:
    """The digest of a stream of bytes as HDFS would compute it; takes constant memory."""

    def __init__(self, block_bytes: int, chunk_bytes: int = 512, crc_type: CrcType = "CRC32C") -> None:
        if block_bytes % chunk_bytes:
            msg = f"a block of {block_bytes} bytes isn't a multiple of {chunk_bytes}"
            raise ValueError(msg)
        self.length = 0
        self.chunk_bytes, self.crc_type = chunk_bytes, crc_type
        self._crcs_per_block = block_bytes // chunk_bytes
        self._rest = bytearray()
        self._whole = 0
        self._block = hashlib.md5(usedforsecurity=False)
        self._in_block = 0
        self._blocks = bytearray()

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self.length += len(data)
        self._rest += data
        ready = len(self._rest) // self.chunk_bytes * self.chunk_bytes
        if ready >= _BATCH * self.chunk_bytes:
            self._take(bytes(self._rest[:ready]))
            del self._rest[:ready]

    def matches(self, server: ServerChecksum) -> bool | None:
        """Whether the server's checksum is that of these bytes; None when it was made in a way that can't be compared. Ends the digest."""
        if server.crc_type != self.crc_type or (server.chunk_bytes is not None and server.chunk_bytes != self.chunk_bytes):
            return None
        return (self._md5() if server.kind == "md5" else self._composite()) == server.value

    def _md5(self) -> bytes:
        self._finish()
        blocks = bytes(self._blocks) + (self._block.digest() if self._in_block else b"")
        size = 32
        while size < len(blocks):
            size *= 2
        return hashlib.md5(blocks.ljust(size, b"\0"), usedforsecurity=False).digest()

    def _composite(self) -> bytes:
        self._finish()
        return self._whole.to_bytes(4, "big")

    def _finish(self) -> None:
        ready = len(self._rest) // self.chunk_bytes * self.chunk_bytes
        self._take(bytes(self._rest[:ready]))
        if last := bytes(self._rest[ready:]):
            value = _scalar(last, self.crc_type)
            self._whole = _shift(self._whole, len(last), self.crc_type) ^ value
            self._add(value.to_bytes(4, "big"))
        self._rest.clear()

    def _take(self, data: bytes) -> None:
        step = _BATCH * self.chunk_bytes
        for start in range(0, len(data), step):
            crcs = chunk_crcs(data[start : start + step], self.chunk_bytes, self.crc_type)
            low, second, third, high = _shift_tables(self.chunk_bytes, self.crc_type)
            whole = self._whole
            for at in range(0, len(crcs), 4):
                whole = low[whole & 255] ^ second[whole >> 8 & 255] ^ third[whole >> 16 & 255] ^ high[whole >> 24]
                whole ^= int.from_bytes(crcs[at : at + 4], "big")
            self._whole = whole
            self._add(crcs)

    def _add(self, crcs: bytes) -> None:
        while crcs:
            room = (self._crcs_per_block - self._in_block) * 4
            self._block.update(crcs[:room])
            self._in_block += len(crcs[:room]) // 4
            crcs = crcs[room:]
            if self._in_block == self._crcs_per_block:
                self._blocks += self._block.digest()
                self._block, self._in_block = hashlib.md5(usedforsecurity=False), 0


def chunk_crcs(data: bytes, chunk_bytes: int, crc_type: CrcType) -> bytes:
    """The CRCs, 4 bytes each, big-endian, of the chunks of `data`, whose length is a multiple of `chunk_bytes`."""
    if crc_type == "CRC32":
        return b"".join(zlib.crc32(data[at : at + chunk_bytes]).to_bytes(4, "big") for at in range(0, len(data), chunk_bytes))
    count = len(data) // chunk_bytes
    t0, t1, t2, t3 = _byte_tables(crc_type)
    ones = (1 << 8 * count) - 1
    c0 = c1 = c2 = c3 = ones  # byte k of the CRC of every chunk
    from_bytes = int.from_bytes
    for at in range(chunk_bytes):
        index = (c0 ^ from_bytes(data[at::chunk_bytes], "little")).to_bytes(count, "little")
        c0 = c1 ^ from_bytes(index.translate(t0), "little")
        c1 = c2 ^ from_bytes(index.translate(t1), "little")
        c2 = c3 ^ from_bytes(index.translate(t2), "little")
        c3 = from_bytes(index.translate(t3), "little")
    crcs = bytearray(4 * count)
    for place, value in enumerate((c3, c2, c1, c0)):
        crcs[place::4] = (value ^ ones).to_bytes(count, "little")
    return bytes(crcs)


def _crc_type(name: str) -> CrcType:
    return "CRC32C" if name == "CRC32C" else "CRC32"


def _scalar(data: bytes, crc_type: CrcType) -> int:
    table, crc = _table(crc_type), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def _shift(crc: int, zeros: int, crc_type: CrcType) -> int:
    """The CRC register after so many zero bytes: crc(AB) = shift(crc(A), len(B)) ^ crc(B)."""
    table = _table(crc_type)
    for _ in range(zeros):
        crc = crc >> 8 ^ table[crc & 255]
    return crc


@cache
def _table(crc_type: CrcType) -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL[crc_type] if value & 1 else 0)
        return value

    return tuple(entry(index) for index in range(256))


@cache
def _byte_tables(crc_type: CrcType) -> tuple[bytes, ...]:
    return tuple(bytes(entry >> shift & 255 for entry in _table(crc_type)) for shift in (0, 8, 16, 24))


@cache
def _shift_tables(zeros: int, crc_type: CrcType) -> tuple[tuple[int, ...], ...]:
    bits = [_shift(1 << bit, zeros, crc_type) for bit in range(32)]

    def entry(value: int, place: int) -> int:
        result = 0
        for bit in range(8):
            if value >> bit & 1:
                result ^= bits[place * 8 + bit]
        return result

    return tuple(tuple(entry(value, place) for value in range(256)) for place in range(4))
