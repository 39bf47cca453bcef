"""Plan, up and down of a cluster's stacks, from any machine, safe to interrupt at any point.

A `StateStore` keeps runs apart, and keeps what the next run needs. The state is Pulumi's own, in a local folder, with a copy in the
store (see statecopy.py) written after every operation; whichever is newer counts. Where the state lives in another Pulumi backend, that
is its only place. Pulumi is run for stacks that aren't settled (settled.py, waiting.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING

from bdc.config.paths import state_dir
from bdc.engine import passphrase
from bdc.engine.events import Change, Event
from bdc.engine.live_objects import Object
from bdc.engine.orphans import remove_namespace, sweep
from bdc.engine.passphrase import Passphrase
from bdc.engine.plugin_selection import Plugin, choose
from bdc.engine.settled import Settlement
from bdc.engine.stacks import StackProgram, in_order
from bdc.engine.state_store import StateStore
from bdc.engine.waiting import changes, until_ready
from bdc.errors import BdcError
from bdc.kube import Kube
from bdc.plugin.readiness import DEFAULT_TIMEOUT_SECONDS

if TYPE_CHECKING:  # Pulumi's SDK takes a while to import
    from bdc.engine.run import Run
    from bdc.engine.stack import Stack


class PulumiEngine:
    """Drives Pulumi for one cluster. `kube` is the Kubernetes that the stacks' objects are in; None where the stacks make it.

    `plugin` serves their Kubernetes resources: by default the official one where it is installed, else bdc's own.
    `deadline_seconds`: how long an object may take to be ready from when it is made; what it depends on is ready by then.
    """

    def __init__(
        self,
        cluster: str,
        stacks: Iterable[StackProgram],
        store: StateStore,
        *,
        kube: Kube | None = None,
        plugin: Plugin | None = None,
        on_event: Callable[[Event], None] | None = None,
        deadline_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        self._plugin = plugin or choose()
        self._cluster, self._stacks, self._store, self._kube = cluster, in_order(stacks), store, kube
        self._on_event, self._deadline_seconds = on_event, deadline_seconds
        self._stopped = Flag()

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other runs on this cluster away while inside; not for around the other methods, which do so themselves."""
        return self._store.locked()

    def plan(self) -> list[Change]:
        """What `up` would change, in order; drift on the cluster is part of it. Changes nothing, not even in a new cluster.

        It works on a copy of the state and doesn't hold the lock, so that an `up` may begin meanwhile; but where the state lives in another
        Pulumi backend it does, as what a killed run left there is cleaned up first. Raises EngineError, and what `StateStore.locked`
        raises while another run changes the cluster.
        """
        secret = self._store.passphrase()
        if secret and self._store.backend:
            with self._running() as begun:
                run = begun()
                return self._planned(run, [run.restored(name) for name in self._stacks])
        self._store.check_free()
        standing = self._standing(secret) if secret else dict.fromkeys(self._stacks)
        unready = changes([obj for objects in standing.values() for obj in objects or []], self._cluster)
        names = [name for name, objects in standing.items() if objects is None]
        if not names:
            return unready
        with tempfile.TemporaryDirectory(prefix="bdc-plan-") as folder:
            run = self._run(secret or passphrase.generate(), Path(folder), backend=None)
            if secret is None:
                return self._planned(run, [run.open(name) for name in names])
            run.borrow(self._folder(secret))
            return [*unready, *self._planned(run, [run.restored(name) for name in names])]

    def up(self) -> None:
        """Make the cluster what the programs say. Raises EngineError, and what `StateStore.locked` raises."""
        with self._running() as begun:
            settlement = self._settlement(self._store.made_passphrase())
            for name, known in self._stacks.items():
                inputs = settlement.inputs(known)
                unready = settlement.unready(known, inputs)
                if unready is None:
                    with begun().saved(name) as stack:
                        stack.up(self._on_event)
                    settlement.keep(known, inputs, stack.export)
                elif self._kube:
                    until_ready(
                        self._kube,
                        unready,
                        namespace=self._cluster,
                        seconds=self._deadline_seconds,
                        stopped=self._stopped,
                        on_event=self._on_event,
                    )

    def down(self, *, delete_data: bool) -> None:
        """Delete what isn't kept; with `delete_data` also the kept stacks, the state and its passphrase."""
        if self._store.passphrase() is None:
            return
        with self._running() as begun:
            for name, known in reversed(self._stacks.items()):
                if delete_data or not known.kept:
                    with begun().saved(name) as stack:
                        stack.destroy(self._on_event)
            run = begun()
            if self._kube:
                sweep(self._kube, self._cluster)
                if delete_data:
                    remove_namespace(self._kube, self._cluster)
            if delete_data:
                run.forget()
        if delete_data:
            self._store.clear()

    def outputs(self, stack: str) -> dict[str, object]:
        """What a stack's last `up` hands on, such as the kubeconfig of the cluster that it made; empty before the first."""
        if self._store.passphrase() is None:
            return {}
        with self._running() as begun:
            return begun().restored(stack).outputs()

    def _planned(self, run: Run, stacks: Sequence[Stack]) -> list[Change]:
        """All stacks' changes, asked for side by side: a preview changes nothing, and most of it is one processor's work."""
        from bdc.engine.stack import load_kinds

        load_kinds()
        with ThreadPoolExecutor(max(len(stacks), 1)) as pool:
            try:
                planned = [pool.submit(stack.plan, self._on_event) for stack in stacks]
                return [change for plan in planned for change in plan.result()]
            except BaseException:  # also Ctrl-C, which only this thread hears of
                run.interrupt()
                raise

    def _settlement(self, secret: Passphrase) -> Settlement:
        return Settlement(self._kube, self._store, secret, self._plugin)

    def _standing(self, secret: Passphrase) -> dict[str, list[Object] | None]:
        """Of each stack what isn't ready, in order; None where Pulumi has to say what is to be done."""
        settlement = self._settlement(secret)
        return {name: settlement.unready(known, settlement.inputs(known)) for name, known in self._stacks.items()}

    @contextmanager
    def _running(self) -> Iterator[Callable[[], Run]]:
        """Holds the lock while inside. The run itself begins when it is asked for: Pulumi takes seconds.

        Each stack asks for it, so that nothing begins any more once the lock is lost.
        """
        runs: list[Run] = []
        self._stopped = stopped = Flag()

        def stop() -> None:
            stopped.set()
            for run in runs:
                run.interrupt()

        def begun() -> Run:
            if not runs:
                secret = self._store.made_passphrase()
                runs.append(self._run(secret, self._folder(secret), self._store.backend))
                runs[0].clean_up()
            if stopped.is_set():
                raise BdcError("the run was interrupted", "the next bdc up goes on from here")
            return runs[0]

        with self._store.locked(stop):
            yield begun

    def _folder(self, secret: Passphrase) -> Path:
        """Where this machine keeps the state."""
        return state_dir(self._cluster) / "pulumi" / secret.lineage[:12]

    def _run(self, secret: Passphrase, folder: Path, backend: str | None) -> Run:
        from bdc.engine.run import Run

        return Run(
            self._cluster,
            self._stacks,
            self._store,
            access=self._kube.access if self._kube else None,
            secret=secret,
            folder=folder,
            backend=backend,
            plugin=self._plugin,
            deadline_seconds=self._deadline_seconds,
        )
