"""The way from a configuration to a running cluster, and back.

    preflight -> images -> node (substrate), which loads them -> stacks (data, platform)

Each step is idempotent and leaves nothing that the next run trips over, so `up` after an interruption at any point goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bdc import images
from bdc.access.credentials.journal import Kind, revisions, unsettled
from bdc.access.credentials.rotate import Endpoints, Rotated, begin, carry_out
from bdc.access.master import hand_over
from bdc.cluster import Access, Substrate
from bdc.config.model import Config
from bdc.config.names import IMAGES
from bdc.engine import Change, ClusterStore, PulumiEngine, StackProgram, StateStore, choose_plugin
from bdc.errors import NotFoundError
from bdc.kube import Kube, connect
from bdc.lifecycle import preflight, pull_secret, storage_probe
from bdc.lifecycle.last_applied import differences, refuse_fixed, remember
from bdc.lifecycle.planning import Plan, plan_of
from bdc.lifecycle.projects import STACKS
from bdc.lifecycle.report import Report, Restarts, running
from bdc.lifecycle.site import site, storage_class
from bdc.toolchain import ensure

PART_SECONDS = 600.0
"""How long a part may take, unless told."""


def up(config: Config, substrate: Substrate, report: Report, *, deadline_seconds: float = PART_SECONDS) -> Access:
    """Brings the cluster to what `config` says; how to reach it. Raises BdcError with the cause and the remedy.

    `deadline_seconds`: for each part, from when the parts that it needs are ready.
    """
    with running(report, "preflight") as step:
        substrate.check()
        preflight.ports(config, substrate)
        found = [preflight.registry(config)]
        if substrate.name == "embedded" and substrate.access() is None:
            found.insert(0, preflight.host(config))
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
    login = pull_secret.login(config, kube)
    _try_storage(config, substrate, kube, report, login)
    with running(report, "stacks") as step:
        hand_over(kube, config, step.say)
        carry_out(kube, config, _engine(config, substrate, access, kube, report, login, deadline_seconds), step.say)
        remember(config, kube)
    return access


def _load(ctr: Path, address: Path) -> None:
    images.load(IMAGES, ctr=ctr, address=address)


def _try_storage(config: Config, substrate: Substrate, kube: Kube, report: Report, login: str | None) -> None:
    """Write to a volume of a storage class that isn't the substrate's own, before the first volumes are made."""
    chosen = storage_class(config, substrate)
    if (chosen is None or chosen != substrate.storage_class) and storage_probe.wanted(config, kube):
        with running(report, "volumes") as step:
            storage_probe.run(config, kube, chosen, images.references(config.images.registry)["proxy"], login=login, say=step.say)
            step.result(f"StorageClass {chosen or 'by default'} is writable by {' and '.join(storage_probe.USERS)}")


def plan(config: Config, substrate: Substrate, report: Report) -> Plan | None:
    """What `up` would change; None where there is no Kubernetes yet, so everything. Raises UsageError for what can't change in place."""
    access = substrate.access()
    if access is None:
        return None
    kube = connect(access.kubeconfig, access.context)
    refuse_fixed(config, kube, storage_class(config, substrate))
    login = pull_secret.login(config, kube)
    begun = [
        Change("update", "Secret", name, None, tuple(f'data["{key}"]' for key in keys))
        for name, keys in unsettled(kube, config.name).items()
    ]
    changes = _engine(config, substrate, access, kube, report, login).plan()
    return plan_of(config, differences(config, kube), [*begun, *changes])


def rotate(config: Config, substrate: Substrate, report: Report, kinds: Sequence[Kind], *, password: str | None = None) -> Rotated:
    """New credentials of these kinds everywhere; the data stays. Raises BdcError; `up` goes on from wherever it ended."""
    access = substrate.access()
    if access is None:
        raise NotFoundError("there is no Kubernetes here", "make a cluster: bdc up")
    kube, watched = connect(access.kubeconfig, access.context), Restarts(report)
    place = site(config, substrate, access)
    engine = _engine(config, substrate, access, kube, watched, pull_secret.login(config, kube))
    with running(report, "preflight"):
        begin(kube, config, engine, kinds, Endpoints(place.tls, place.hosts()), password)
    with running(report, "stacks") as step:
        done = carry_out(kube, config, engine, step.say)
    return Rotated(done, tuple(watched.names))


def down(config: Config, substrate: Substrate, report: Report, *, delete_data: bool) -> bool:
    """Removes the workloads, and with `delete_data` the data; False where there is no Kubernetes, so nothing to remove."""
    access = substrate.access()
    if access is None:
        return False
    with running(report, "stacks"):
        _engine(config, substrate, access, connect(access.kubeconfig, access.context), report).down(delete_data=delete_data)
    return True


def _engine(
    config: Config,
    substrate: Substrate,
    access: Access,
    kube: Kube,
    report: Report,
    login: str | None = None,
    deadline_seconds: float = PART_SECONDS,
) -> PulumiEngine:
    store = ClusterStore(kube, config.name, config.engine.backend)
    return PulumiEngine(
        config.name,
        _stacks(config, substrate, access, kube, login, store),
        store,
        kube=kube,
        plugin=choose_plugin(config.engine.plugin),
        on_event=report.event,
        deadline_seconds=deadline_seconds,
    )


def _stacks(
    config: Config, substrate: Substrate, access: Access, kube: Kube, login: str | None, store: StateStore
) -> tuple[StackProgram, ...]:
    def run(name: str) -> None:
        from bdc_stacks import data, platform

        place = site(config, substrate, access, login)
        if name == "platform" and (secret := store.passphrase()):
            place = replace(place, revisions=revisions(kube, config.name, place.tls, secret.value))
        {"data": data.program, "platform": platform.program}[name](config, place)

    return (
        StackProgram("data", STACKS["data"].format(config.name), partial(run, "data"), kept=True),
        StackProgram("platform", STACKS["platform"].format(config.name), partial(run, "platform"), needs=("data",)),
    )
