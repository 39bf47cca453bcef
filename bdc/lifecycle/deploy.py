"""The way from a configuration to a running cluster, and back.

    preflight -> images -> node (substrate), which loads them -> stacks (data, platform)

Each step is idempotent and leaves nothing that the next run trips over, so `up` after an interruption at any point goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bdc import images
from bdc.access.credentials.journal import Kind, revisions, unsettled
from bdc.access.credentials.rotate import Endpoints, Rotated, begin, carry_out
from bdc.access.master import hand_over
from bdc.cluster import Access, Substrate
from bdc.config.names import IMAGES
from bdc.engine import Change, ClusterStore, PulumiEngine, StackProgram, StateStore, choose_plugin
from bdc.errors import NotFoundError
from bdc.kube import connect
from bdc.lifecycle import preflight, program_inputs, pull_secret, storage_probe
from bdc.lifecycle.last_applied import differences, refuse_fixed, remember
from bdc.lifecycle.planning import Plan, plan_of
from bdc.lifecycle.projects import STACKS
from bdc.lifecycle.report import Report, Restarts, running
from bdc.lifecycle.stack_inputs import stack_context, storage_class
from bdc.lifecycle.target import Target

if TYPE_CHECKING:
    from bdc.config.model import Config
    from bdc_stacks.stack_context import StackContext

PART_SECONDS = 600.0
"""How long a part may take, unless told."""


def up(config: Config, substrate: Substrate, report: Report, *, deadline_seconds: float = PART_SECONDS) -> Access:
    """Brings the cluster to what `config` says; how to reach it. Raises BdcError with the cause and the remedy.

    `deadline_seconds`: for each part, from when the parts that it needs are ready.
    """
    from bdc.toolchain import ensure

    code = program_inputs.code()
    with running(report, "preflight") as step:
        substrate.check()
        preflight.ports(config, substrate)
        found = [preflight.registry(config)]
        if substrate.name == "embedded" and substrate.access() is None:
            found.insert(0, preflight.host(config))
        if config.images.registry is None and images.missing(IMAGES) and (there := substrate.access()):  # building them takes a while
            preflight.fixed(config, connect(there.kubeconfig, there.context), storage_class(config, substrate))
        step.result(" · ".join(filter(None, found)))
    with running(report, "programs") as step:
        pulumi = ensure("pulumi", more=substrate.name == "embedded", on_progress=step.say)
        step.result(f"pulumi {pulumi.version} · {choose_plugin(config.engine.plugin)}")
    with running(report, "images") as step:
        if config.images.registry is None:
            images.build(IMAGES, on_progress=step.say)
        step.result(f"{len(IMAGES)} {f'from {config.images.registry}' if config.images.registry else 'built'}")
    with running(report, "node") as step:
        access = substrate.ensure(on_progress=step.say, load=_load if config.images.registry is None else None)
        step.result(f"{substrate.name} · {access.address}")
    kube = connect(access.kubeconfig, access.context)
    with running(report, "capacity") as step:
        step.result(preflight.cluster(config, kube, storage_class(config, substrate), say=step.say))
    target = Target(config, substrate, access, kube, pull_secret.login(config, kube), code)
    _try_storage(target, report)
    with running(report, "stacks") as step:
        hand_over(kube, config, step.say)
        carry_out(kube, config, _engine(target, report, deadline_seconds), step.say)
        remember(config, kube)
    return access


def _load(ctr: Path, address: Path) -> None:
    images.load(IMAGES, ctr=ctr, address=address)


def _try_storage(target: Target, report: Report) -> None:
    """Write to a volume of a storage class that isn't the substrate's own, before the first volumes are made."""
    config, kube = target.config, target.kube
    chosen = storage_class(config, target.substrate)
    if (chosen is None or chosen != target.substrate.storage_class) and storage_probe.wanted(config, kube):
        with running(report, "volumes") as step:
            storage_probe.run(config, kube, chosen, images.references(config.images.registry)["proxy"], login=target.login, say=step.say)
            step.result(f"StorageClass {chosen or 'by default'} is writable by {' and '.join(storage_probe.USERS)}")


def plan(config: Config, substrate: Substrate, report: Report) -> Plan | None:
    """What `up` would change; None where there is no Kubernetes yet, so everything. Raises UsageError for what can't change in place."""
    access = substrate.access()
    if access is None:
        return None
    code, kube = program_inputs.code(), connect(access.kubeconfig, access.context)
    refuse_fixed(config, kube, storage_class(config, substrate))
    target = Target(config, substrate, access, kube, pull_secret.login(config, kube), code)
    begun = [
        Change("update", "Secret", name, None, tuple(f'data["{key}"]' for key in keys))
        for name, keys in unsettled(kube, config.name).items()
    ]
    changes = _engine(target, report).plan()
    return plan_of(config, differences(config, kube), [*begun, *changes])


def rotate(config: Config, substrate: Substrate, report: Report, kinds: Sequence[Kind], *, password: str | None = None) -> Rotated:
    """New credentials of these kinds everywhere; the data stays. Raises BdcError; `up` goes on from wherever it ended."""
    access = substrate.access()
    if access is None:
        raise NotFoundError("there is no Kubernetes here", "make a cluster: bdc up")
    code, kube, watched = program_inputs.code(), connect(access.kubeconfig, access.context), Restarts(report)
    target = Target(config, substrate, access, kube, pull_secret.login(config, kube), code)
    context, engine = stack_context(target), _engine(target, watched)
    with running(report, "preflight"):
        begin(kube, config, engine, kinds, Endpoints(context.tls, context.hosts()), password)
    with running(report, "stacks") as step:
        done = carry_out(kube, config, engine, step.say)
    return Rotated(done, tuple(watched.names))


def down(config: Config, substrate: Substrate, report: Report, *, delete_data: bool) -> bool:
    """Removes the workloads, and with `delete_data` the data; False where there is no Kubernetes, so nothing to remove."""
    access = substrate.access()
    if access is None:
        return False
    target = Target(config, substrate, access, connect(access.kubeconfig, access.context))
    with running(report, "stacks"):
        _engine(target, report).down(delete_data=delete_data)
    return True


def _engine(target: Target, report: Report, deadline_seconds: float = PART_SECONDS) -> PulumiEngine:
    config = target.config
    store = ClusterStore(target.kube, config.name, config.engine.backend)
    return PulumiEngine(
        config.name,
        _stacks(target, store),
        store,
        kube=target.kube,
        plugin=choose_plugin(config.engine.plugin),
        on_event=report.event,
        deadline_seconds=deadline_seconds,
    )


def _stacks(target: Target, store: StateStore) -> tuple[StackProgram, ...]:
    config = target.config

    def context(name: str) -> StackContext:
        found = stack_context(target)
        if name == "platform" and (secret := store.passphrase()):
            found = replace(found, revisions=revisions(target.kube, config.name, found.tls, secret.value))
        return found

    def run(name: str) -> None:
        from bdc_stacks import data, platform

        {"data": data.program, "platform": platform.program}[name](config, context(name))

    def stack(name: str, *needs: str, kept: bool = False) -> StackProgram:
        def inputs() -> object:
            return program_inputs.inputs(config, context(name), target.code)

        return StackProgram(name, STACKS[name].format(config.name), partial(run, name), needs, kept, inputs)

    return stack("data", kept=True), stack("platform", "data")
