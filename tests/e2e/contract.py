"""What every substrate keeps to, run where the substrate can be: `python -m tests.e2e.contract KIND [KUBECONFIG [CONTEXT]]`.

It brings the substrate up and leaves it so. Whatever does not hold is an AssertionError; otherwise it prints what it saw, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bdc.cluster import Substrate, substrate
from bdc.errors import BdcError
from bdc.kube import connect


def keeps(tested: Substrate) -> dict[str, Any]:
    """The contract, in the order in which `bdc up` relies on it."""
    tested.check()
    lines: list[str] = []
    first = tested.ensure(on_progress=lines.append)
    kube = connect(first.kubeconfig, first.context)
    assert kube.request("GET", "/version")["major"] == "1"
    nodes = _uids(kube.request("GET", "/api/v1/nodes"))
    assert nodes
    assert first.address

    again = tested.ensure()
    assert again == first, "a second ensure leads elsewhere"
    assert tested.access() == first, "access is not what ensure gave"
    assert _uids(kube.request("GET", "/api/v1/nodes")) == nodes, "a second ensure made another cluster"
    tested.check()

    if tested.storage_class is not None:
        kube.request("GET", f"/apis/storage.k8s.io/v1/storageclasses/{tested.storage_class}")
    loads = [_loads(tested), _loads(tested)]
    assert loads[0] == loads[1], "images are loaded elsewhere the second time"
    assert all(line and "\n" not in line for line in lines)
    return {"kind": tested.name, "address": first.address, "nodes": len(nodes), "containerds": len(loads[0])}


def _loads(tested: Substrate) -> list[tuple[Path, Path]]:
    """Where images go; each is a containerd that answers, by a ctr that works."""
    found: list[tuple[Path, Path]] = []

    def load(ctr: Path, address: Path) -> None:
        listed = subprocess.run(
            [ctr, "--address", address, "--namespace", "k8s.io", "images", "ls", "-q"], capture_output=True, check=False
        )
        assert listed.returncode == 0, listed.stderr
        found.append((ctr, address))

    tested.ensure(load=load)
    return found


def _uids(nodes: dict[str, Any]) -> set[str]:
    return {node["metadata"]["uid"] for node in nodes["items"]}


def main(arguments: list[str]) -> int:
    """Run it on the substrate that the command line names. A BdcError ends it as it ends bdc."""
    kind, kubeconfig, context = (*arguments, None, None)[:3]
    try:
        made = substrate(kind, kubeconfig=Path(kubeconfig) if kubeconfig else None, context=context, name="contract")  # type: ignore[arg-type]
        print(json.dumps(keeps(made)))  # noqa: T201
    except BdcError as error:
        print(json.dumps({"error": type(error).__name__, "message": error.message, "hint": error.hint}))  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
