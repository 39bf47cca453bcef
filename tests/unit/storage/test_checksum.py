from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.storage.checksum import FileDigest, ServerChecksum, chunk_crcs
from tests.unit.storage.fake_webhdfs import FakeHdfs, Node, crc32c


def test_crc32c_of_the_standards_example() -> None:
    """RFC 3720, B.4: 32 bytes of zeros, of ones, counting up; and the check value of 123456789."""
    assert crc32c(b"123456789") == 0xE3069283
    examples = {bytes(32): 0x8A9136AA, b"\xff" * 32: 0x62A8AB43, bytes(range(32)): 0x46DD794E}
    for data, crc in examples.items():
        assert chunk_crcs(data, 32, "CRC32C") == crc.to_bytes(4, "big")


def test_a_real_hdfs_agrees() -> None:
    """What HDFS 3.4.2 said of these bytes in blocks of 4 KiB: `seq 1 3000` and its three blocks (13,893 bytes in 4)."""
    data = "".join(f"{number}\n" for number in range(1, 3001)).encode()
    digest = FileDigest(4096)
    digest.update(data)
    said = ServerChecksum.parse({"algorithm": REAL_ALGORITHM, "bytes": REAL_BYTES})
    assert said is not None
    assert digest.matches(said) is True


REAL_ALGORITHM = "MD5-of-8MD5-of-512CRC32C"
REAL_BYTES = "000002000000000000000008efa402695f3ae323dff7504c5c1d7f2e00000000"


@given(st.binary(max_size=9000), st.lists(st.integers(1, 3000), max_size=6), st.sampled_from([512, 1024, 4096]), st.booleans())
def test_any_bytes_in_any_pieces(data: bytes, cuts: list[int], block: int, composite: bool) -> None:
    server = FakeHdfs(composite=composite)
    server.nodes["/f"] = Node(data, block=block)
    said = ServerChecksum.parse(server.checksum("/f"))
    digest, rest = FileDigest(block), data
    for cut in cuts:
        digest.update(rest[:cut])
        rest = rest[cut:]
    digest.update(rest)
    assert said is not None
    assert digest.length == len(data)
    assert digest.matches(said) is True


@given(st.binary(min_size=1, max_size=2000), st.data())
def test_one_wrong_bit_is_seen(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    wrong = data[:at] + bytes([data[at] ^ 1 << draw.draw(st.integers(0, 7))]) + data[at + 1 :]
    server = FakeHdfs(composite=draw.draw(st.booleans()))
    server.nodes["/f"] = Node(data, block=512)
    said = ServerChecksum.parse(server.checksum("/f"))
    digest = FileDigest(512)
    digest.update(wrong)
    assert said is not None
    assert digest.matches(said) is False


def test_many_batches_make_one_checksum() -> None:
    data = bytes(range(256)) * 40_000
    digest = FileDigest(1 << 20, 512, "CRC32")
    for at in range(0, len(data), 777_777):
        digest.update(data[at : at + 777_777])
    said = ServerChecksum("composite", "CRC32", None, zlib.crc32(data).to_bytes(4, "big"))
    assert digest.matches(said) is True


@pytest.mark.parametrize(
    "answer",
    [
        {"algorithm": "MD5-of-0MD5-of-512NULL", "bytes": "00"},
        {"algorithm": "ABC", "bytes": ""},
        {"algorithm": "COMPOSITE-CRC32C", "bytes": "00"},
    ],
)
def test_unknown_algorithms_are_not_compared(answer: dict[str, str]) -> None:
    assert ServerChecksum.parse(answer) is None


def test_other_chunks_are_not_compared() -> None:
    digest = FileDigest(4096)
    digest.update(b"abc")
    assert digest.matches(ServerChecksum("md5", "CRC32C", 1024, bytes(16))) is None
    assert digest.matches(ServerChecksum("md5", "CRC32", 512, bytes(16))) is None
