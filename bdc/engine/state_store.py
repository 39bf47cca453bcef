"""Where a cluster's state is kept between runs: the port of the engine, and its two adapters.

| | ClusterStore | BackendStore |
| --- | --- | --- |
| what keeps runs apart | a Lease in the cluster | a lock of this machine, and Pulumi's own lock of each stack |
| passphrase of the secrets | made once, a Secret in the cluster | the user's, from Pulumi's variables |
| state | a copy in the cluster, or a Pulumi backend | a Pulumi backend |

A stack that makes the Kubernetes itself has only the second.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from bdc.config.paths import state_dir
from bdc.engine import passphrase
from bdc.engine.passphrase import Passphrase
from bdc.engine.statecopy import StateCopy
from bdc.errors import BdcError, UsageError
from bdc.kube import Kube
from bdc.kube.lease import check_free, lock
from bdc.kube.system_namespace import remove_if_unused


class StateStore(Protocol):
    """Keeps runs on one cluster apart, and what a run has to find again on any machine."""

    backend: str | None
    """Address of the Pulumi backend that has the state; None where it is in a local folder, with a `copy` here."""
    exclusive: bool
    """Whether `locked` keeps away the runs of all machines, so that a stack's lock in the backend is one that a killed run left."""

    def locked(self, on_lost: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """Keeps other runs away while inside; `on_lost` is called, in another thread, when it no longer does."""

    def check_free(self) -> None:
        """Raises BdcError while another run is inside; takes nothing."""

    def passphrase(self) -> Passphrase | None:
        """What encrypts the secrets in the state; None before the first run."""

    def made_passphrase(self) -> Passphrase:
        """The passphrase, made now if there is none. Call it with the lock held."""

    def copy(self, stack: str) -> StateCopy | None:
        """The copy of a stack's state; None where the backend alone has it."""

    def forget(self, stacks: Iterable[str]) -> None:
        """Remove the copies of these stacks' states, and the passphrase. Call it with the lock held."""

    def clear(self) -> None:
        """Remove what held all this, if nothing is in it any more; after the lock is given back."""


class ClusterStore:
    """In the cluster: Lease, passphrase and state are in its namespace bdc-system, or the state in `backend`."""

    exclusive = True

    def __init__(self, kube: Kube, cluster: str, backend: str | None = None) -> None:
        self._kube, self._cluster, self.backend = kube, cluster, backend

    def locked(self, on_lost: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """See `StateStore`. Raises HeldError."""
        return lock(self._kube, *self._lease, on_lost=on_lost)

    def check_free(self) -> None:
        """See `StateStore`. Raises HeldError."""
        check_free(self._kube, *self._lease)

    def passphrase(self) -> Passphrase | None:
        """See `StateStore`."""
        return passphrase.read(self._kube, self._cluster)

    def made_passphrase(self) -> Passphrase:
        """See `StateStore`."""
        return passphrase.read_or_create(self._kube, self._cluster)

    def copy(self, stack: str) -> StateCopy | None:
        """See `StateStore`."""
        return None if self.backend else StateCopy(self._kube, self._cluster, stack)

    def forget(self, stacks: Iterable[str]) -> None:
        """See `StateStore`."""
        for stack in stacks:
            StateCopy(self._kube, self._cluster, stack).remove()
        passphrase.remove(self._kube, self._cluster)

    def clear(self) -> None:
        """See `StateStore`."""
        remove_if_unused(self._kube)

    @property
    def _lease(self) -> tuple[str, str]:
        """The Lease's name, and what it protects."""
        return f"bdc-{self._cluster}", f"cluster {self._cluster}"


class BackendStore:
    """In a Pulumi backend, without a cluster. `env` has the passphrase, by the names that Pulumi itself reads.

    What a killed run of another machine left locked stays so until its user says `pulumi cancel`: nobody here can tell it from one at work.
    """

    exclusive = False

    def __init__(self, cluster: str, backend: str, env: Mapping[str, str] = os.environ) -> None:
        self._cluster, self._address, self._env = cluster, backend, env
        self.backend: str | None = backend

    @contextmanager
    def locked(self, on_lost: Callable[[], None] | None = None) -> Iterator[None]:  # noqa: ARG002  - the kernel's lock isn't lost
        """See `StateStore`. Raises BdcError where another run of this machine has it."""
        path = state_dir(self._cluster) / "pulumi" / "lock"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BdcError(
                    f"cluster {self._cluster} is being changed by another run on this machine", "wait until that run has ended, or end it"
                ) from None
            yield

    def check_free(self) -> None:
        """See `StateStore`."""
        with self.locked():
            pass

    def passphrase(self) -> Passphrase | None:
        """See `StateStore`. Raises UsageError where the user gives none."""
        return self.made_passphrase()

    def made_passphrase(self) -> Passphrase:
        """See `StateStore`: it is never made here. Raises UsageError where the user gives none."""
        lineage = hashlib.sha256(f"{self._address} {self._cluster}".encode()).hexdigest()
        if value := self._env.get("PULUMI_CONFIG_PASSPHRASE"):
            return Passphrase(lineage, value)
        if file := self._env.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
            try:
                return Passphrase(lineage, Path(file).read_text().rstrip("\r\n"))
            except OSError as error:
                raise UsageError(f"the passphrase's file {file}: {error.strerror}", "PULUMI_CONFIG_PASSPHRASE_FILE names it") from error
        raise UsageError(
            f"the passphrase of the state in {self._address} isn't known",
            "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file with it",
        )

    def copy(self, stack: str) -> StateCopy | None:  # noqa: ARG002
        """See `StateStore`."""
        return None

    def forget(self, stacks: Iterable[str]) -> None:
        """Do nothing: the emptied stacks stay in the backend, the passphrase is the user's."""

    def clear(self) -> None:
        """Do nothing: the backend is the user's."""
