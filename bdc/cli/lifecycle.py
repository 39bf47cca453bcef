"""`bdc up`, `bdc plan` and `bdc down`: parse, call bdc.lifecycle, show the run."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, NoInputOption, Output, YesOption, confirm
from bdc.cli.settings import RegistryOption, Settings, settings

if TYPE_CHECKING:
    from bdc.cluster import Access, Substrate
    from bdc.config.model import Config
    from bdc.health import Use


def up(
    ctx: typer.Context,
    registry: RegistryOption = None,
    output: FormatOption = Format.table,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="Time limit for each part, counted once its dependencies are ready.")
    ] = 600,
) -> None:
    """Bring the cluster to what bdc.yaml says; make this host a node when there is no other Kubernetes.

    May be interrupted at any point, and run again: it goes on from there. Without a change it does nothing. With -o json, each line on
    stdout is an event. Exit code 4 when a part was late, 5 when a part can't work, 130 after Ctrl-C.
    """
    from bdc.cli.interruption import interruptible
    from bdc.cli.live import view
    from bdc.cli.screen import duration
    from bdc.lifecycle import up as run

    chosen = settings(ctx, registry=registry)
    config, started = chosen.config, time.monotonic()
    title = f"bdc {_version()} · cluster {config.name} · profile {config.profile}"
    with view(output, chosen.quiet, title) as shown, interruptible(shown, "run bdc up again: it goes on from here") as report:
        access = run(config, substrate_of(chosen), report, deadline_seconds=timeout)
    if output is Format.table and not chosen.quiet:
        sys.stderr.write(f"ready in {duration(time.monotonic() - started) or 'less than a second'}\n")
        _show_endpoints(chosen, access)


def plan(ctx: typer.Context, registry: RegistryOption = None, output: FormatOption = Format.table) -> None:
    """Show what `bdc up` would change, and change nothing. Drift on the cluster is part of it.

    Exit code 2 where bdc.yaml wants what can't change in place.
    """
    from bdc.cli import plan_text
    from bdc.cli.live import view
    from bdc.lifecycle import plan as run

    chosen = settings(ctx, registry=registry)
    with view(Format.table, True, "") as report:
        found = run(chosen.config, substrate_of(chosen), report)
    Output(output).emit(plan_text.data(found), text=plan_text.text(found))


def down(
    ctx: typer.Context,
    *,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Also delete volumes, passwords and the CA.")] = False,
    yes: YesOption = False,
    no_input: NoInputOption = False,
    output: FormatOption = Format.table,
) -> None:
    """Remove the cluster's workloads. Data, passwords and the CA stay for the next `bdc up`, unless --delete-data.

    Says first what runs, who is connected and what goes, and asks; where nobody can answer, it wants --yes (exit code 2 without).
    """
    from bdc.cli.interruption import interruptible
    from bdc.cli.live import view
    from bdc.lifecycle import down as run

    chosen = settings(ctx)
    name, found = chosen.config.name, substrate_of(chosen)
    if not yes and not _sure(chosen.config, found.access(), delete_data=delete_data, no_input=no_input):
        raise typer.Exit(1)
    hint = f"run bdc down{' --delete-data' if delete_data else ''} again: it goes on from here"
    with view(output, chosen.quiet, f"bdc {_version()} · cluster {name}") as shown, interruptible(shown, hint) as report:
        there = run(chosen.config, found, report, delete_data=delete_data)
    if output is Format.table and not chosen.quiet:
        kept = "its data is deleted" if delete_data else "its data is kept; `bdc up` brings it back"
        sys.stderr.write(f"cluster {name} is down; {kept}\n" if there else "there is no Kubernetes here, so nothing to remove\n")


def substrate_of(chosen: Settings) -> Substrate:
    """The Kubernetes that the options and bdc.yaml name."""
    from bdc.cluster import substrate

    chosen.check_administrator()
    kind = chosen.config.cluster.substrate
    return substrate(kind, kubeconfig=chosen.explicit_kubeconfig(), context=chosen.kube_context(), name=chosen.config.name)


def _sure(config: Config, access: Access | None, *, delete_data: bool, no_input: bool) -> bool:
    """Whether to go on, after what would end was said on stderr. Nobody is asked where nothing runs and no data is to go."""
    from bdc.health import in_use
    from bdc.kube import connect

    if access is None:
        return True
    kube = connect(access.kubeconfig, access.context)
    use = in_use(kube, config)
    if use is None and not delete_data:
        return True
    sys.stderr.write(f"cluster {config.name} at {kube.server}\n")
    for label, said in _ends(use):
        sys.stderr.write(f"  {label:<36} {said}\n")
    what = f"Delete cluster {config.name} with all its data: HDFS, the SQL master, passwords?"
    return confirm(what if delete_data else f"Remove all workloads of cluster {config.name}? Its data stays.", yes=False, no_input=no_input)


def _ends(use: Use | None) -> list[tuple[str, str]]:
    if use is None:
        return [("runs", "nothing")]
    runs = f"{', '.join(use.parts)}: {use.pods} {'pod' if use.pods == 1 else 'pods'}"
    return [("runs", runs), *(use.activities or [("used by", "nobody: no application, query or connection")])]


def _show_endpoints(chosen: Settings, access: Access) -> None:
    from bdc.config import workloads

    if chosen.config.network.expose != "none":
        address = chosen.config.network.address or access.address
        sys.stderr.write("\n")
        for endpoint in workloads.endpoints(chosen.config):
            sys.stderr.write(f"  {endpoint.title:<36} {endpoint.scheme}://{address}:{endpoint.port}\n")
    sys.stderr.write("  password: bdc credentials show --password\n")


def _version() -> str:
    from importlib.metadata import version

    return version("bdc")
