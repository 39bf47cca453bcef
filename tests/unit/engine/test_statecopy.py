"""The copy of the state in the cluster: whole or not at all, whatever its size."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdc.engine import passphrase, statecopy
from bdc.engine.statecopy import StateCopy, pack, unpack
from bdc.errors import BdcError
from tests.unit.fake_kube import FakeKube

HEAD = "/api/v1/namespaces/bdc-system/secrets/bdc-one-state-data"


@given(st.dictionaries(st.text(), st.text() | st.integers()), st.integers(1, 40))
@settings(deadline=None)
def test_chunks_round_trip(deployment: dict[str, object], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statecopy, "CHUNK_BYTES", size)
        chunks = pack(deployment)
        assert all(0 < len(chunk) <= size for chunk in chunks)
        assert unpack(chunks) == deployment


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


def big(seed: int) -> dict[str, object]:
    return {"version": 3, "deployment": {"noise": random.Random(seed).randbytes(1_500_000).hex()}}


def test_saved_in_chunks_and_loaded(kube: FakeKube) -> None:
    copy = StateCopy(kube, "one", "data")
    assert copy.load() is None
    assert copy.serial() == 0
    copy.save(big(1), 1)
    assert len(kube.objects) == 2
    found = copy.load()
    assert found
    assert (found.serial, found.deployment) == (1, big(1))
    copy.save({"version": 3, "deployment": {}}, 2)
    assert list(kube.objects) == [HEAD]
    copy.remove()
    assert kube.objects == {}


def test_stacks_and_clusters_are_apart(kube: FakeKube) -> None:
    for cluster, stack in (("one", "data"), ("one", "platform"), ("two", "data")):
        StateCopy(kube, cluster, stack).save({"deployment": {"is": f"{cluster} {stack}"}}, 1)
    StateCopy(kube, "one", "data").remove()
    assert len(kube.objects) == 2


def test_a_writer_that_dies_leaves_the_copy_before(kube: FakeKube) -> None:
    copy = StateCopy(kube, "one", "data")
    copy.save(big(1), 1)

    def die(method: str, path: str) -> None:
        if (method, path) == ("PATCH", HEAD):
            raise BdcError("died")

    kube.before = die
    with pytest.raises(BdcError, match="died"):
        copy.save(big(2), 2)
    kube.before = lambda *_: None
    found = copy.load()
    assert found
    assert found.deployment == big(1)
    copy.save(big(3), 2)
    assert len(kube.objects) == 2


def test_a_missing_chunk_is_named(kube: FakeKube) -> None:
    copy = StateCopy(kube, "one", "data")
    copy.save(big(1), 7)
    del kube.objects[f"{HEAD}-7-1"]
    with pytest.raises(BdcError, match="chunk 1 of the state"):
        copy.load()


def test_a_newer_format_is_refused(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = StateCopy(kube, "one", "data")
    monkeypatch.setattr(statecopy, "FORMAT", 2)
    copy.save({"deployment": {}}, 1)
    monkeypatch.setattr(statecopy, "FORMAT", 1)
    for read in (copy.load, copy.serial):
        with pytest.raises(BdcError, match="newer bdc") as raised:
            read()
        assert raised.value.hint == "update bdc on this machine"


def test_passphrase(kube: FakeKube) -> None:
    assert passphrase.read(kube, "one") is None
    made = passphrase.read_or_create(kube, "one")
    assert len(made.value) >= 32
    assert passphrase.read_or_create(kube, "one") == made
    assert passphrase.read_or_create(kube, "two") != made
    assert made.value not in repr(made)
    passphrase.remove(kube, "one")
    passphrase.remove(kube, "one")
    assert passphrase.read(kube, "one") is None


def test_a_record_is_about_the_state_beside_it(kube: FakeKube) -> None:
    copy = StateCopy(kube, "one", "data")
    copy.drop_record()
    assert copy.record() is None
    copy.save(big(1), 1)
    copy.keep_record({"of": "the first"})
    assert copy.record() == {"of": "the first", "serial": 1}
    record = kube.objects[HEAD]["data"]["settled"]
    copy.save(big(2), 2)
    assert copy.record() is None
    kube.objects[HEAD]["data"]["settled"] = record  # a writer that doesn't know of records would leave it
    assert copy.record() is None
    copy.keep_record({"of": "the second"})
    copy.drop_record()
    assert copy.record() is None
    found = copy.load()
    assert found
    assert found.deployment == big(2)
