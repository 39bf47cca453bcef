"""A Lease as a lock: one run at a time changes a cluster, whichever machine it comes from.

The holder renews it in a thread. It is taken over when it was not renewed for 30 seconds, or at once when its holder was a process
of this very machine that is gone. "This machine" is the kernel's boot id and the PID namespace, as host names aren't unique.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bdc.errors import BdcError
from bdc.kube.client import Kube
from bdc.kube.errors import ApiConflictError, ApiNotFoundError
from bdc.kube.system_namespace import LABELS, SYSTEM_NAMESPACE, ensure_namespace

DURATION_SECONDS = 30
RENEW_SECONDS = 5
_MACHINE, _PID = "bdc/machine", "bdc/pid"


class HeldError(BdcError):
    """Somebody else holds the lock."""

    def __init__(self, what: str, holder: str, since: str) -> None:
        super().__init__(
            f"{what} is being changed by {holder} since {since}",
            f"wait until that run has ended, or end it; the lock is free {DURATION_SECONDS} s after it stops",
        )
        self.holder = holder


class LostError(BdcError):
    """The lock could not be kept while something was being changed."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"this run stopped halfway, as it lost the lock of {what}: {why}",
            "run it again as soon as no other run changes it and the Kubernetes API answers; what is done already stays",
        )


def identity() -> str:
    """Who we are, for people: user@host pid."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} pid {os.getpid()}"


def machine() -> str:
    """This machine, until it boots again; two containers on it are two."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


@contextlib.contextmanager
def lock(
    kube: Kube,
    name: str,
    what: str,
    *,
    on_lost: Callable[[], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the Lease `name` in bdc-system while inside. `what` is what it protects, for the message of HeldError.

    `on_lost` is called, in another thread, when the lock could not be kept; stop changing things then. What fails inside after that
    is a LostError outside.
    """
    ensure_namespace(kube)
    held = _Held(kube, name, what, on_lost, sleep)
    held.acquire()
    try:
        yield
    except Exception as error:
        if held.lost:
            raise LostError(what, held.lost) from error
        raise
    finally:
        held.release()


def check_free(kube: Kube, name: str, what: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Raise HeldError while somebody holds the Lease; takes nothing, so that whoever only looks keeps nobody waiting."""
    _Held(kube, name, what, None, sleep).check()


class _Held:
    def __init__(self, kube: Kube, name: str, what: str, on_lost: Callable[[], None] | None, sleep: Callable[[float], None]) -> None:
        self._kube, self._name, self._what = kube, name, what
        self._on_lost, self._sleep = on_lost, sleep
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM_NAMESPACE}/leases"
        self._lease: dict[str, Any] = {}
        self.lost = ""
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{name}", daemon=True)

    def acquire(self) -> None:
        """Take the lease or raise HeldError."""
        self._lease = self._write(self.check())
        self._thread.start()

    def check(self) -> dict[str, Any] | None:
        """The lease as it is, which may be taken; None where there is none. Raises HeldError."""
        try:
            current = self._get()
        except ApiNotFoundError:
            return None
        if not self._free(current):
            spec = current["spec"]
            raise HeldError(self._what, str(spec.get("holderIdentity")), _local(spec.get("acquireTime")))
        return current

    def release(self) -> None:
        """Give it back. What can't be given back expires."""
        self._released.set()
        self._thread.join()
        with contextlib.suppress(BdcError):
            try:
                self._delete()
            except ApiConflictError:
                self._lease = self._ours()
                self._delete()

    def _delete(self) -> None:
        metadata = self._lease["metadata"]
        options = {"preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}}
        self._kube.request("DELETE", f"{self._collection}/{self._name}", options)

    def _ours(self) -> dict[str, Any]:
        """The lease as it is now, if it is still the one that we took; raises HeldError of another's.

        A renewal that we gave up waiting for may have been carried out: the next one conflicts with ourselves then.
        """
        current = self._get()
        spec, taken = current["spec"], self._lease["spec"]
        if any(spec.get(key) != taken[key] for key in ("holderIdentity", "acquireTime")):
            raise HeldError(self._what, str(spec.get("holderIdentity")), _local(spec.get("acquireTime")))
        return current

    def _get(self) -> dict[str, Any]:
        return self._kube.request("GET", f"{self._collection}/{self._name}")

    def _free(self, lease: dict[str, Any]) -> bool:
        spec, annotations = lease["spec"], lease["metadata"].get("annotations") or {}
        if not spec.get("holderIdentity"):
            return True
        if annotations.get(_MACHINE) == machine() and not _alive(int(annotations.get(_PID, 0))):
            return True
        renewed = datetime.fromisoformat(spec["renewTime"])
        if (datetime.now(UTC) - renewed).total_seconds() < DURATION_SECONDS:
            return False
        # Its clock may be wrong, or ours: a living holder renews it while we look.
        self._sleep(RENEW_SECONDS * 1.5)
        try:
            return bool(self._get()["spec"].get("renewTime") == spec["renewTime"])
        except ApiNotFoundError:
            return True

    def _write(self, current: dict[str, Any] | None) -> dict[str, Any]:
        now = _now()
        metadata: dict[str, Any] = {"name": self._name, "labels": LABELS}
        metadata["annotations"] = {_MACHINE: machine(), _PID: str(os.getpid())}
        spec: dict[str, Any] = {"holderIdentity": identity(), "leaseDurationSeconds": DURATION_SECONDS}
        spec |= {"acquireTime": now, "renewTime": now}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        try:
            if current is None:
                return self._kube.request("POST", self._collection, lease)
            metadata["resourceVersion"] = current["metadata"]["resourceVersion"]
            return self._kube.request("PUT", f"{self._collection}/{self._name}", lease)
        except (ApiNotFoundError, ApiConflictError) as error:
            raise HeldError(self._what, "another run", "this moment") from error

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._released.wait(RENEW_SECONDS):
            try:
                self._renew()
                renewed = time.monotonic()
            except (HeldError, ApiNotFoundError) as error:
                self._lose(str(error) if isinstance(error, HeldError) else "its Lease was deleted")
                return
            except BdcError as error:
                if time.monotonic() - renewed > DURATION_SECONDS:
                    self._lose(f"for {DURATION_SECONDS} s it could not be renewed: {error}")
                    return

    def _renew(self) -> None:
        """Write a new time; raises HeldError when another has taken it, ApiNotFoundError when it is gone."""
        spec = {**self._lease["spec"], "renewTime": _now()}
        try:
            self._lease = self._kube.request(
                "PUT", f"{self._collection}/{self._name}", {**self._lease, "spec": spec}, timeout=RENEW_SECONDS
            )
        except ApiConflictError:
            self._lease = self._ours()

    def _lose(self, why: str) -> None:
        if not self._released.is_set():
            self.lost = why
            if self._on_lost:
                self._on_lost()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _local(time_text: Any) -> str:
    try:
        return datetime.fromisoformat(str(time_text)).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return "an unknown time"
