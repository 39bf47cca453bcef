"""`bdc hdfs du`, `count`, `df`: what files and directories take, how many there are, how full HDFS is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bdc.cli.hdfs_session import Human, SomePaths, connected, emit
from bdc.cli.output import Format, FormatOption
from bdc.config.names import NAMESERVICE


def du(
    ctx: typer.Context,
    paths: SomePaths = None,
    output: FormatOption = Format.table,
    *,
    summary: Annotated[bool, typer.Option("--summary", "-s", help="Only a total for each path.")] = False,
    human: Human = False,
) -> None:
    """Show the size of files and directories, and the disk space that all replicas take."""
    with connected(ctx) as hdfs:
        tops = [entry for path in paths or ["."] for entry in hdfs.glob(path)]
        entries = tops if summary else [entry for top in tops for entry in hdfs.ls(top.path)]
        usages = [hdfs.du(entry.path) for entry in entries]
    rows: list[dict[str, Any]] = [
        {"size": one.length, "disk": one.space, "files": one.files, "directories": one.directories, "path": one.path} for one in usages
    ]
    emit(rows, output, ("size", "disk"), human=human)


def count(
    ctx: typer.Context,
    paths: SomePaths = None,
    output: FormatOption = Format.table,
    *,
    quota: Annotated[bool, typer.Option("--quota", "-q", help="Also show a directory's quotas and what is left of them.")] = False,
    human: Human = False,
) -> None:
    """Count the directories, files and bytes below paths; a directory counts itself."""
    with connected(ctx) as hdfs:
        usages = [hdfs.du(entry.path) for path in paths or ["."] for entry in hdfs.glob(path)]
    rows: list[dict[str, Any]] = []
    for one in usages:
        names = {"names_quota": one.quota, "names_left": None if one.quota is None else one.quota - one.files - one.directories}
        space = {"space_quota": one.space_quota, "space_left": None if one.space_quota is None else one.space_quota - one.space}
        bounds = names | space if quota else {}
        rows.append({"directories": one.directories, "files": one.files, "size": one.length, **bounds, "path": one.path})
    emit(rows, output, ("size", "space_quota", "space_left"), human=human)


def df(ctx: typer.Context, output: FormatOption = Format.table, *, human: Human = False) -> None:
    """Show how full HDFS is: bytes on the disks of all DataNodes, with all copies of a block."""
    with connected(ctx) as hdfs:
        found = hdfs.capacity()
    used = round(100 * found.used / found.size) if found.size else 0
    row = {"filesystem": f"hdfs://{NAMESERVICE}", "size": found.size, "used": found.used, "available": found.available, "percent": used}
    emit([row], output, ("size", "used", "available"), human=human)
