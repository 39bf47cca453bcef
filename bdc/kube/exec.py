"""Runs a program in a pod's container, as `kubectl exec` does, with the kubeconfig's rights."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any

from bdc.errors import BdcError, UnhealthyError
from bdc.kube.client import Kube

_MESSAGE = re.compile(r'"message":\s*("(?:[^"\\]|\\.)*")')
_STATUS = 3
"""The channel of the protocol on which the end comes: a Status as JSON."""


def execute(
    kube: Kube, namespace: str, pod: str, container: str, command: Sequence[str], *, stdin: str = "", timeout_seconds: float = 60
) -> str:
    """What the program prints on standard output.

    `stdin` can't be closed: the program must know from it when to end. Raises UnhealthyError where the container can't be reached or
    the program doesn't end, BdcError with what it said last when it fails.
    """
    import websocket
    from kubernetes import client, stream

    options = {"stdin": True, "stdout": True, "stderr": True, "tty": False, "_preload_content": False, "_request_timeout": 10}
    try:
        session = stream.stream(
            _pods(kube).connect_get_namespaced_pod_exec, pod, namespace, container=container, command=list(command), **options
        )
        try:
            if stdin:
                session.write_stdin(stdin)
            session.run_forever(timeout=timeout_seconds)
            out, err, status = session.read_stdout(timeout=0), session.read_stderr(timeout=0), session.read_channel(_STATUS, timeout=0)
        finally:
            session.close()
    except (client.ApiException, websocket.WebSocketException, OSError) as error:
        raise _closed(pod, error) from error
    except AttributeError as error:
        # Where the API server refuses, kubernetes 36.0.3 decodes a body that its own error of the handshake doesn't have.
        if not isinstance(error.__context__, client.ApiException):
            raise
        raise _closed(pod, error.__context__) from error
    if not status:
        raise UnhealthyError(f"{command[0]} in the pod {pod} did not end in {timeout_seconds:.0f} s, or its end was lost", "try again")
    if json.loads(status).get("status") != "Success":
        last = (err.strip() or out.strip() or "no word").splitlines()[-1]
        raise BdcError(f"{command[0]} in the pod {pod} failed: {last}")
    return str(out)


def _pods(kube: Kube) -> Any:
    """The official client of pods; its package takes half a second to import, and so is read here alone."""
    from kubernetes import client, config

    configuration = client.Configuration()
    if kube.access.files:
        merged = os.pathsep.join(map(str, kube.access.files))
        config.load_kube_config(merged, context=kube.access.context, client_configuration=configuration)
    else:
        config.load_incluster_config(client_configuration=configuration)
    return client.CoreV1Api(client.ApiClient(configuration))


def _closed(pod: str, error: BaseException) -> UnhealthyError:
    """The reason is the message of the Status that came with the refused handshake, where there is one."""
    text = str(getattr(error, "reason", None) or error)
    said = _MESSAGE.search(text)
    reason = json.loads(said[1]) if said else text.splitlines()[0]
    return UnhealthyError(f"can't run a program in pod {pod}: {reason}", "bdc status shows whether it runs")
