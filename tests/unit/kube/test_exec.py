"""What becomes of a program's end in a pod. The session is a stand-in here; tests/e2e/test_rotation.py enters real pods."""

from __future__ import annotations

import json
from typing import Any

import kubernetes.stream
import pytest
from kubernetes.client.exceptions import ApiException

from bdc.errors import BdcError, UnhealthyError
from bdc.kube import exec as exec_module
from bdc.kube.exec import execute


class Session:
    def __init__(self, status: dict[str, Any] | None, out: str = "", err: str = "") -> None:
        self.status, self.out, self.err = json.dumps(status) if status else "", out, err
        self.written = ""
        self.closed = False

    def write_stdin(self, text: str) -> None:
        self.written += text

    def run_forever(self, timeout: float) -> None: ...

    def read_stdout(self, timeout: float) -> str:
        return self.out

    def read_stderr(self, timeout: float) -> str:
        return self.err

    def read_channel(self, _: int, timeout: float) -> str:
        return self.status

    def close(self) -> None:
        self.closed = True


class Pods:
    connect_get_namespaced_pod_exec = None


def run(monkeypatch: pytest.MonkeyPatch, session: Session | Exception) -> str:
    def stream(*_: object, **__: object) -> Session:
        if isinstance(session, Exception):
            raise session
        return session

    monkeypatch.setattr(kubernetes.stream, "stream", stream)
    monkeypatch.setattr(exec_module, "_pods", lambda _: Pods())
    kube: Any = None
    return execute(kube, "bdc", "master-0", "postgres", ["psql", "-q"], stdin="SELECT 1;\n\\q\n")


def test_what_it_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session({"status": "Success"}, out="1\n")
    assert run(monkeypatch, session) == "1\n"
    assert session.written == "SELECT 1;\n\\q\n"
    assert session.closed


def test_what_it_said_when_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session({"status": "Failure", "message": "exit code 3"}, err="NOTICE: x\nERROR:  role bdc does not exist\n")
    with pytest.raises(BdcError, match="psql in the pod master-0 failed: ERROR:  role bdc does not exist") as raised:
        run(monkeypatch, session)
    assert not isinstance(raised.value, UnhealthyError)
    assert session.closed


def test_an_end_that_never_came(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnhealthyError, match="did not end"):
        run(monkeypatch, Session(None))


@pytest.mark.parametrize("error", [ApiException(status=0, reason="Handshake status 404"), ConnectionResetError("reset")])
def test_a_pod_that_can_not_be_entered(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    with pytest.raises(UnhealthyError, match=r"can't run a program in pod master-0: (Handshake status 404|reset)"):
        run(monkeypatch, error)


def test_a_refused_handshake_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """As kubernetes 36.0.3 raises it: an AttributeError about the body of an error that has none."""
    status = json.dumps({"kind": "Status", "message": 'container "x" is not valid for pod master-0', "code": 400})

    kind: Any = ApiException

    def stream(*_: object, **__: object) -> Session:
        refused = kind(status=0, reason=f"Handshake status 400 Bad Request -+-+- {{'date': 'today'}} -+-+- {status}")
        try:
            raise refused
        except ApiException as error:
            error.body = error.body.decode("utf-8")
        return Session(None)

    monkeypatch.setattr(kubernetes.stream, "stream", stream)
    monkeypatch.setattr(exec_module, "_pods", lambda _: Pods())
    kube: Any = None
    with pytest.raises(UnhealthyError, match='can\'t run a program in pod master-0: container "x" is not valid for pod master-0'):
        execute(kube, "bdc", "master-0", "x", ["psql"])
