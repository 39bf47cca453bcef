"""Kubeconfig files in the forms that clusters hand out."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bdc.errors import BdcError, NotFoundError
from bdc.kube.kubeconfig import load


def write(path: Path, user: dict[str, Any], server: str = "https://one:6443", name: str = "one") -> Path:
    document = {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"ns-{name}"}}],
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": base64.b64encode(b"CA").decode()}}],
        "users": [{"name": name, "user": user}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_inline(tmp_path: Path) -> None:
    access = load(write(tmp_path / "config", {"token": "t0"}))
    assert (access.server, access.ca_pem, access.namespace) == ("https://one:6443", "CA", "ns-one")
    assert access.credentials.header() == "Bearer t0"
    assert "t0" not in repr(access)


def test_files_are_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "c.crt").write_text("CERT")
    (tmp_path / "c.key").write_text("KEY")
    access = load(write(tmp_path / "config", {"client-certificate": "c.crt", "client-key": "c.key"}))
    assert access.credentials.certificate() == ("CERT", "KEY")
    assert access.credentials.header() is None


def test_token_file_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a\n")
    access = load(write(tmp_path / "config", {"tokenFile": "token"}))
    assert access.credentials.header() == "Bearer a"
    (tmp_path / "token").write_text("b\n")
    assert access.credentials.header() == "Bearer b"


def test_exec_plugin(tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = tmp_path / "login.py"
    answer = json.dumps({"kind": "ExecCredential", "status": {"token": "TOKEN"}})
    program.write_text(f"import os\nopen({str(count)!r}, 'a').write('x')\nassert os.environ['REGION'] == 'r'\nprint({answer!r})")
    spec = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": [str(program)]}
    access = load(write(tmp_path / "config", {"exec": {**spec, "env": [{"name": "REGION", "value": "r"}]}}))
    assert access.credentials.header() == "Bearer TOKEN"
    assert access.credentials.header() == "Bearer TOKEN"
    assert count.read_text() == "x"
    assert access.credentials.renew()
    assert access.credentials.header() == "Bearer TOKEN"
    assert count.read_text() == "xx"


def test_exec_plugin_that_fails(tmp_path: Path) -> None:
    code = "import sys; sys.exit('not logged in')"
    spec = {"apiVersion": "v1", "command": sys.executable, "args": ["-c", code], "installHint": "cloud login"}
    access = load(write(tmp_path / "config", {"exec": spec}))
    with pytest.raises(BdcError, match="not logged in") as raised:
        access.credentials.header()
    assert raised.value.hint == "cloud login"


def test_several_files_merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = write(tmp_path / "1", {"token": "1"}), write(tmp_path / "2", {"token": "2"}, "https://two:6443", "two")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'missing'}:{one}:{two}")
    assert load().server == "https://one:6443"
    assert load(context="two").server == "https://two:6443"
    with pytest.raises(NotFoundError, match="no context 'three'") as raised:
        load(context="three")
    assert raised.value.hint == "there are: one, two"


def test_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(NotFoundError, match="no Kubernetes cluster"):
        load()
    with pytest.raises(NotFoundError, match="there is no kubeconfig"):
        load(tmp_path / "none")
