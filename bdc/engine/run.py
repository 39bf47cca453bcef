"""One run on one cluster, with the lock held: the stacks in their workspaces, restored before and saved after each operation."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bdc.config.paths import cache_dir
from bdc.engine.passphrase import Passphrase
from bdc.engine.plugin_selection import Plugin
from bdc.engine.program import Pulumi
from bdc.engine.stack import Stack, StateLocation
from bdc.engine.stacks import StackProgram
from bdc.engine.state_repair import mend
from bdc.engine.state_store import StateStore
from bdc.errors import BdcError
from bdc.kube.kubeconfig import Access


class Run:
    """What the operations of one run share."""

    def __init__(  # every argument is a fact about this run
        self,
        cluster: str,
        stacks: Mapping[str, StackProgram],
        store: StateStore,
        *,
        access: Access | None,
        secret: Passphrase,
        folder: Path,
        backend: str | None,
        plugin: Plugin,
        deadline_seconds: float,
    ) -> None:
        self._cluster, self._stacks, self._store, self._folder = cluster, stacks, store, folder
        self._access, self._deadline_seconds = access, deadline_seconds
        local = folder / "backend"
        local.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._pulumis = {name: Pulumi(folder / f"{name}.pid") for name in stacks}
        self._home = plugin.home(cache_dir() / "pulumi-home")
        self._place = StateLocation(folder, backend or f"file://{local}", self._environment(secret))

    def open(self, name: str) -> Stack:
        """The stack of a program as it is here."""
        if name not in self._stacks:
            raise BdcError(f"there is no stack {name!r}; there are: {', '.join(self._stacks)}")
        return Stack(self._stacks[name], self._cluster, self._place, self._pulumis[name], deadline_seconds=self._deadline_seconds)

    def restored(self, name: str) -> Stack:
        """The stack with its newest state, cleaned up after runs that were killed."""
        stack = self.open(name)
        stack.recover(exclusive=self._store.exclusive)
        copy = self._store.copy(name)
        if copy and (serial := copy.serial()) > self._serials().get(name, 0) and (newer := copy.load()):
            if newer.deployment["deployment"]:  # empty after a run that failed before its first resource
                stack.load(newer.deployment)
                stack.recover(exclusive=self._store.exclusive)
            self._remember(name, serial)
        return stack

    @contextmanager
    def saved(self, name: str) -> Iterator[Stack]:
        """The stack for an operation that changes it; its state is copied to the store however that ends."""
        stack, copy = self.restored(name), self._store.copy(name)
        if copy:
            copy.drop_record()
        try:
            yield stack
        finally:
            stack.forget_history()
            if copy:
                serial = self._serials().get(name, 0) + 1
                copy.save(stack.export(), serial)
                self._remember(name, serial)

    def forget(self) -> None:
        """Remove the state everywhere, and the passphrase."""
        self._store.forget(self._stacks)
        shutil.rmtree(self._folder, ignore_errors=True)

    def borrow(self, folder: Path) -> None:
        """Begin with a copy of the local state in `folder`, which may be changing: what isn't whole is as if it weren't there.

        The serials are read before the state, so that they never promise more than the copy has.
        """
        local = self._folder / "backend"
        try:
            shutil.copy(folder / "serials.json", self._folder)
            shutil.copytree(folder / "backend", local, dirs_exist_ok=True)
        except (OSError, shutil.Error):
            (self._folder / "serials.json").unlink(missing_ok=True)
            shutil.rmtree(local, ignore_errors=True)
            local.mkdir(mode=0o700)
        mend(self._folder, self._home)

    def interrupt(self) -> None:
        """Ask the running operations to cancel."""
        for pulumi in self._pulumis.values():
            pulumi.interrupt()

    def clean_up(self) -> None:
        """End what outlived its run, and mend what a kill left of the local state."""
        for pulumi in self._pulumis.values():
            pulumi.end_left_over()
        mend(self._folder, self._home)

    def _environment(self, secret: Passphrase) -> dict[str, str]:
        return {
            "PULUMI_HOME": str(self._home),
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_CONFIG_PASSPHRASE": secret.value,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_CHECKPOINT_BACKUPS": "true",
            # A field that somebody changed by hand is taken back: bdc.yaml decides.
            "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
            **self._kubeconfig(),
        }

    def _kubeconfig(self) -> dict[str, str]:
        access = self._access
        if access is None or not access.files:
            return {}
        files = list(access.files)
        if access.context:  # kubeconfig files merge, the first to set a value wins; so no credentials are copied
            chosen = self._folder / "context.yaml"
            chosen.write_text(f"apiVersion: v1\nkind: Config\ncurrent-context: {json.dumps(access.context)}\n")
            files.insert(0, chosen)
        return {"KUBECONFIG": os.pathsep.join(str(path.absolute()) for path in files)}

    def _serials(self) -> dict[str, int]:
        try:
            return dict(json.loads((self._folder / "serials.json").read_text()))
        except (OSError, ValueError):
            return {}

    def _remember(self, name: str, serial: int) -> None:
        fresh = self._folder / "serials.new"
        fresh.write_text(json.dumps({**self._serials(), name: serial}))
        fresh.replace(self._folder / "serials.json")
