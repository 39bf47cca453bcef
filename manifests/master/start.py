"""Starts Patroni, after clearing away what a bootstrap or a copy that was killed has left: beside it Patroni would wait for ever.

A server that has come up leaves the file `initialized` on its volume (Patroni's callback on_start). Without that file:

* Patroni's ConfigMap has no system identifier: no server of this cluster has ever come up. What lies here is half an initdb; it is put
  aside. The claim to bootstrap, which outlives the killed claimant, is given back. Only server 0 bootstraps, so the claim is its own.
* It has one: what lies here is half a copy of the leader, unless it has pg_control, which pg_basebackup sends last.
"""

import json
import os
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

CONFIGURATION, DATA = Path("/etc/patroni/patroni.yml"), Path("/data")
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
FIRST = os.environ["PATRONI_NAME"].endswith("-0")


def config_map(name: str, patch: dict[str, object] | None = None) -> dict[str, dict[str, str]]:
    """Metadata of a ConfigMap of this namespace, after a merge patch if there is one; empty when there is no such ConfigMap."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    namespace = (ACCOUNT / "namespace").read_text()
    request = urllib.request.Request(
        f"https://{host}:{port}/api/v1/namespaces/{namespace}/configmaps/{name}",
        data=None if patch is None else json.dumps(patch).encode(),
        method="GET" if patch is None else "PATCH",
        headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}", "Content-Type": "application/merge-patch+json"},
    )
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
                return json.load(answer)["metadata"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            print(f"waiting for the Kubernetes API: {error}", flush=True)
        except OSError as error:
            print(f"waiting for the Kubernetes API: {error}", flush=True)
        time.sleep(1)


def clear(scope: str, data: Path) -> None:
    """Clear away what was never complete."""
    annotations = config_map(f"{scope}-config").get("annotations") or {}
    if annotations.get("initialize"):
        if data.exists() and not (data / "global" / "pg_control").exists():
            print(f"{data} is half a copy of the leader: removing it", flush=True)
            shutil.rmtree(data)
    elif FIRST:
        if data.exists() and any(data.iterdir()):
            aside = data.with_name(f"{data.name}.incomplete")
            print(f"{data} is of a bootstrap that was killed: putting it aside as {aside}", flush=True)
            shutil.rmtree(aside, ignore_errors=True)
            data.rename(aside)
        if "initialize" in annotations:
            config_map(f"{scope}-config", {"metadata": {"annotations": {"initialize": None}}})


def main() -> None:
    """Clear, then become Patroni."""
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    if not (DATA / "initialized").exists():
        clear(configuration["scope"], Path(configuration["postgresql"]["data_dir"]))
    if not FIRST:
        del configuration["bootstrap"]
    own = Path("/run/bdc/patroni.yml")
    own.write_text(yaml.safe_dump(configuration))
    sys.stdout.flush()
    os.execvp("patroni", ["patroni", str(own)])


if __name__ == "__main__":
    main()
