"""The copy of Pulumi's state that lies in the cluster, so that any machine can go on from it.

The exported state (JSON, its secrets encrypted) is gzip-compressed and cut into chunks of at most 900 kB, as a Secret holds 1 MiB.
The first chunk lies in the head Secret `bdc-<cluster>-state-<stack>` with the serial, the format and the number of chunks; the
others in `...-<serial>-<n>`. They are written first and the head last, so a writer that dies leaves the copy before it whole.

In the head lies the record of the last finished `up`, too (settled.py), with the serial of the state that it is about.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bdc.config.secret_data import decoded, encoded
from bdc.errors import BdcError
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.selector import label_selector
from bdc.kube.system_namespace import LABELS, SYSTEM_NAMESPACE

FORMAT = 1
CHUNK_BYTES = 900_000
_RECORD = "settled"
_SECRETS = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets"
Deployment = dict[str, Any]


@dataclass(frozen=True)
class Copy:
    """What the cluster has: the exported state, and how many times it was written."""

    serial: int
    deployment: Deployment


def pack(deployment: Deployment) -> list[bytes]:
    """The state compressed, in chunks."""
    data = gzip.compress(json.dumps(deployment, separators=(",", ":")).encode(), mtime=0)
    return [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]


def unpack(chunks: list[bytes]) -> Deployment:
    """The state that `pack` cut up."""
    return dict(json.loads(gzip.decompress(b"".join(chunks))))


class StateCopy:
    """The copy of one stack's state. Read and write it with the lock held."""

    def __init__(self, kube: Kube, cluster: str, stack: str) -> None:
        self._kube = kube
        self._name = f"bdc-{cluster}-state-{stack}"
        self._labels = {**LABELS, "bdc/cluster": cluster, "bdc/stack": stack}

    def serial(self) -> int:
        """How often it was written; 0 when there is none."""
        head = self._read(self._name)
        return self._checked(head) if head else 0

    def load(self) -> Copy | None:
        """The copy, None when there is none. Raises BdcError for one of a newer bdc, or one that is not whole."""
        head = self._read(self._name)
        if head is None:
            return None
        serial = self._checked(head)
        chunks = [head["state"]]
        for number in range(1, int(head["chunks"])):
            part = self._read(self._chunk_name(serial, number))
            if part is None:
                raise BdcError(
                    f"chunk {number} of the state in Secret {SYSTEM_NAMESPACE}/{self._name} is missing",
                    "restore the Secret, or run bdc up on the machine that ran it last",
                )
            chunks.append(part["state"])
        return Copy(serial, unpack(chunks))

    def save(self, deployment: Deployment, serial: int) -> None:
        """Write a new copy, then drop the chunks of older ones."""
        first, *others = pack(deployment)
        for number, chunk in enumerate(others, start=1):
            self._write(self._chunk_name(serial, number), {"state": chunk})
        meta = {"serial": serial, "format": FORMAT, "chunks": 1 + len(others)}
        self._write(self._name, {"state": first, **{key: str(value).encode() for key, value in meta.items()}})
        self._drop(keep={self._name, *(self._chunk_name(serial, n) for n in range(1, 1 + len(others)))})

    def record(self) -> dict[str, Any] | None:
        """What was kept about this very state; None when nothing was. Raises BdcError for a copy of a newer bdc."""
        head = self._read(self._name)
        if head is None:
            return None
        serial, found = self._checked(head), head.get(_RECORD)
        kept = dict(json.loads(found)) if found else {}
        return kept if kept.get("serial") == serial else None

    def keep_record(self, record: Mapping[str, Any]) -> None:
        """Keep it beside the state that is there now."""
        kept = json.dumps({**record, "serial": self.serial()}, separators=(",", ":"))
        self._kube.patch(f"{_SECRETS}/{self._name}", {"data": encoded({_RECORD: kept})})

    def drop_record(self) -> None:
        """Forget it, before the stack is changed."""
        with suppress(ApiNotFoundError):
            self._kube.patch(f"{_SECRETS}/{self._name}", {"data": {_RECORD: None}})

    def remove(self) -> None:
        """Delete the copy."""
        self._drop(keep=set())

    def _checked(self, head: dict[str, bytes]) -> int:
        found = int(head["format"])
        if found > FORMAT:
            raise BdcError(
                f"the state in Secret {SYSTEM_NAMESPACE}/{self._name} was written by a newer bdc"
                f" (format {found}; this one reads up to {FORMAT})",
                "update bdc on this machine",
            )
        return int(head["serial"])

    def _chunk_name(self, serial: int, number: int) -> str:
        return f"{self._name}-{serial}-{number}"

    def _read(self, name: str) -> dict[str, bytes] | None:
        try:
            return decoded(self._kube.request("GET", f"{_SECRETS}/{name}")["data"])
        except ApiNotFoundError:
            return None

    def _write(self, name: str, data: dict[str, bytes]) -> None:
        metadata = {"name": name, "namespace": SYSTEM_NAMESPACE, "labels": self._labels}
        self._kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded(data)})

    def _drop(self, keep: set[str]) -> None:
        selector = label_selector(self._labels)
        for item in self._kube.request("GET", _SECRETS, query={"labelSelector": selector})["items"]:
            if item["metadata"]["name"] not in keep:
                self._kube.request("DELETE", f"{_SECRETS}/{item['metadata']['name']}")
