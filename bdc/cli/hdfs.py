"""`bdc hdfs`: files in HDFS, with the names and options that `hdfs dfs` has. Paths may be patterns (*, ?, [a-z], {a,b})."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bdc.cli import hdfs_space
from bdc.cli.hdfs_session import Human, Paths, SomePaths, connected, emit
from bdc.cli.output import Format, FormatOption, Output, YesOption, confirm
from bdc.cli.settings import settings
from bdc.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bdc.storage import Hdfs, Status

# -h is --human here, as in `hdfs dfs`.
app = typer.Typer(no_args_is_help=True, help="Files in HDFS.", context_settings={"help_option_names": ["--help"]})
for command in (hdfs_space.du, hdfs_space.count, hdfs_space.df):
    app.command()(command)

Recursive = Annotated[bool, typer.Option("--recursive", "-R", help="Include everything below.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", "-f", help="Replace files that exist.")]
Preserve = Annotated[bool, typer.Option("--preserve", "-p", help="Keep modification times and permissions.")]


@app.command()
def ls(
    ctx: typer.Context,
    paths: SomePaths = None,
    output: FormatOption = Format.table,
    *,
    recursive: Recursive = False,
    directory: Annotated[bool, typer.Option("--directory", "-d", help="Directories themselves, not what is in them.")] = False,
    human: Human = False,
) -> None:
    """List directories and files."""
    with connected(ctx) as hdfs:
        found = [entry for path in paths or ["."] for entry in _list(hdfs, path, recursive=recursive, directory=directory)]
    _show(found, output, human=human)


@app.command()
def stat(ctx: typer.Context, paths: Paths, output: FormatOption = Format.table) -> None:
    """Show all attributes of files and directories."""
    with connected(ctx) as hdfs:
        rows = [_row(entry) for path in paths for entry in hdfs.glob(path)]
    Output(output).emit(rows[0] if len(rows) == 1 and output is Format.table else rows)


@app.command()
def cat(ctx: typer.Context, paths: Paths) -> None:
    """Write files to stdout, one after the other."""
    with connected(ctx) as hdfs:
        for path in paths:
            for entry in hdfs.glob(path):
                _to_stdout(hdfs, entry, check=True)


@app.command()
def tail(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file.")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, metavar="N", help="Number of lines.")] = 10,
    count: Annotated[int | None, typer.Option("--bytes", "-c", min=0, metavar="N", help="Number of bytes instead of lines.")] = None,
) -> None:
    """Write the last lines of a file to stdout; only its end is read."""
    from bdc.storage.tail import tail as end

    with connected(ctx) as hdfs:
        for piece in end(hdfs, hdfs.status(path), lines=lines if count is None else None, count=count or 0):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@app.command()
def put(
    ctx: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="LOCAL...", help="Local files and folders; - is stdin.")],
    target: Annotated[str, typer.Argument(metavar="PATH", help="A directory, or the new name.")],
    *,
    overwrite: Overwrite = False,
    preserve: Preserve = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read every file back and compare, instead of HDFS's checksum.")] = False,
) -> None:
    """Copy local files and folders to HDFS. A file appears under its name when it is complete and checked, or not at all."""
    from bdc.cli.hdfs_progress import Copying
    from bdc.storage import CopyOptions

    options = CopyOptions(overwrite=overwrite, preserve=preserve, verify=verify)
    with connected(ctx) as hdfs, Copying(quiet=settings(ctx).quiet) as copying:
        if len(sources) > 1:
            hdfs.directory(target)
        for source in sources:
            if source == "-":
                copying.done(hdfs.write(sys.stdin.buffer, target, overwrite=overwrite, verify=verify, progress=copying.progress))
            else:
                hdfs.put(Path(source), target, options, copying.progress, copying.done)


@app.command()
def get(
    ctx: typer.Context,
    arguments: Annotated[
        list[str], typer.Argument(metavar="PATH... [LOCAL]", help="Paths or patterns, then the destination; - is stdout.")
    ],
    *,
    overwrite: Overwrite = False,
    preserve: Preserve = False,
    ignore_crc: Annotated[bool, typer.Option("--ignore-crc", help="Don't compare checksums.")] = False,
) -> None:
    """Copy files and directories from HDFS. With one PATH, LOCAL is the current directory."""
    from bdc.cli.hdfs_progress import Copying
    from bdc.storage import CopyOptions

    sources, target = (arguments[:-1], arguments[-1]) if len(arguments) > 1 else (arguments, ".")
    options = CopyOptions(overwrite=overwrite, preserve=preserve, check=not ignore_crc)
    with connected(ctx) as hdfs:
        found = [entry for source in sources for entry in hdfs.glob(source)]
        if target == "-":
            for entry in found:
                _to_stdout(hdfs, entry, check=not ignore_crc)
            return
        if len(found) > 1 and not Path(target).is_dir():
            raise UsageError(f"{target}: is no folder, and there is more than one thing to copy", f"make it: mkdir -p {target}")
        with Copying(quiet=settings(ctx).quiet) as copying:
            for entry in found:
                hdfs.get(entry.path, Path(target), options, copying.progress, copying.done)


@app.command()
def mkdir(
    ctx: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Directories to create.")],
    *,
    parents: Annotated[bool, typer.Option("--parents", "-p", help="Create parents as needed; no error if one exists.")] = False,
) -> None:
    """Make directories."""
    with connected(ctx) as hdfs:
        for path in paths:
            hdfs.mkdir(path, parents=parents)


@app.command()
def rm(
    ctx: typer.Context,
    paths: Paths,
    *,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", "-R", help="Remove directories and everything in them.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="No error if there is nothing to remove.")] = False,
    yes: YesOption = False,
) -> None:
    """Remove files, or with -r directories and all in them. There is no trash: they are gone.

    On a terminal, -r asks before it removes a directory.
    """
    with connected(ctx) as hdfs:
        for entry in [entry for path in paths for entry in _glob(hdfs, path, missing_is_fine=force)]:
            ask = recursive and entry.is_dir and entry.path != "/" and sys.stdin.isatty() and not yes
            if not ask or confirm(_question(hdfs, entry), yes=False, no_input=False):
                hdfs.rm(entry.path, recursive=recursive)


@app.command()
def mv(
    ctx: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="PATH...", help="Paths or patterns to move.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A directory, or the new name.")],
) -> None:
    """Move or rename files and directories."""
    with connected(ctx) as hdfs:
        found = [entry for source in sources for entry in hdfs.glob(source)]
        if len(found) > 1:
            hdfs.directory(target)
        for entry in found:
            hdfs.mv(entry.path, target)


@app.command()
def chmod(
    ctx: typer.Context,
    mode: Annotated[str, typer.Argument(metavar="MODE", help="Octal (750), or symbolic (u+rw,go-w).")],
    paths: Paths,
    *,
    recursive: Recursive = False,
) -> None:
    """Change permissions."""
    with connected(ctx) as hdfs:
        for entry in [entry for path in paths for entry in hdfs.glob(path)]:
            hdfs.chmod(entry.path, mode, recursive=recursive)


@app.command()
def chown(
    ctx: typer.Context,
    owner: Annotated[str, typer.Argument(metavar="OWNER[:GROUP]", help="The new owner, group (:GROUP), or both.")],
    paths: Paths,
    *,
    recursive: Recursive = False,
) -> None:
    """Change the owner, the group, or both. Only HDFS's superuser can give files away, which nobody from outside is."""
    user, _, group = owner.partition(":")
    with connected(ctx) as hdfs:
        for entry in [entry for path in paths for entry in hdfs.glob(path)]:
            hdfs.chown(entry.path, user or None, group or None, recursive=recursive)


def _list(hdfs: Hdfs, path: str, *, recursive: bool, directory: bool) -> Iterator[Status]:
    from bdc.storage.paths import is_pattern

    if not (recursive or directory or is_pattern(path)):
        yield from hdfs.ls(path)  # one request: it is a file's own entry, too
        return
    for entry in hdfs.glob(path):
        if directory or not entry.is_dir:
            yield entry
        elif recursive:
            yield from (below for below in hdfs.walk(entry.path) if below.path != entry.path)
        else:
            yield from hdfs.ls(entry.path)


def _glob(hdfs: Hdfs, path: str, *, missing_is_fine: bool) -> list[Status]:
    try:
        return hdfs.glob(path)
    except NotFoundError:
        if missing_is_fine:
            return []
        raise


def _question(hdfs: Hdfs, entry: Status) -> str:
    from bdc.cli.hdfs_progress import printable
    from bdc.config.quantity import human as size

    usage = hdfs.du(entry.path)
    return f"Remove {printable(entry.path)} with {usage.files} files, {size(usage.length)}, for good?"


def _to_stdout(hdfs: Hdfs, entry: Status, *, check: bool) -> None:
    if entry.is_dir:
        raise UsageError(f"{entry.path}: is a directory")
    sys.stdout.flush()
    hdfs.download(entry, sys.stdout.buffer, check=check)
    sys.stdout.buffer.flush()


def _show(found: list[Status], output: Format, *, human: bool) -> None:
    rows = [_row(entry) for entry in found]
    if output is Format.table:
        from bdc.cli.hdfs_progress import printable
        from bdc.storage.mode import symbols

        for row, entry in zip(rows, found, strict=True):
            row |= {
                "permission": symbols(entry.permission, is_dir=entry.is_dir),
                "replication": "-" if entry.is_dir else entry.replication,
                "modified": f"{entry.modified.astimezone():%Y-%m-%d %H:%M}",
                "path": printable(entry.path),
            }
        rows = [{key: row[key] for key in ("permission", "replication", "owner", "group", "size", "modified", "path")} for row in rows]
    emit(rows, output, ("size",), human=human)


def _row(entry: Status) -> dict[str, Any]:
    return {
        "path": entry.path,
        "type": entry.type.lower(),
        "size": entry.length,
        "owner": entry.owner,
        "group": entry.group,
        "permission": f"{entry.permission:03o}",
        "replication": entry.replication,
        "block_size": entry.block_size,
        "modified": entry.modified.isoformat(),
    }
