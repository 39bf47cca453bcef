"""`bdc config`: write, show, check and change bdc.yaml."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import Settings, settings
from bdc.config import edit
from bdc.config.dotted import Plain, flat
from bdc.config.kept import DEFAULT_FILE, file_of
from bdc.config.load import load, profiles
from bdc.config.model import Config
from bdc.errors import NotFoundError, UsageError

app = typer.Typer(no_args_is_help=True, help="Write, show, check and change bdc.yaml.")
profiles_app = typer.Typer(no_args_is_help=True, help="The profiles that defaults come from.")
app.add_typer(profiles_app, name="profiles")

File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The file; -f or ./bdc.yaml by default.")]


@app.command()
def init(
    ctx: typer.Context,
    file: File = None,
    profile: Annotated[str, typer.Option(help="Profile to start from.")] = "local",
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a bdc.yaml with every field, explained and commented out."""
    path = file or _file(settings(ctx))
    if path.exists() and not force:
        raise UsageError(f"{path} exists", "--force overwrites it")
    loaded = load(file=Path(os.devnull), cluster=settings(ctx).cluster, overrides={"profile": profile}, env={})
    values = {key: _text(value) for key, value in flat(loaded.config.model_dump()).items()}
    edit.write(path, edit.template(profile, loaded.config.name, values))
    Output(quiet=settings(ctx).quiet).progress(f"wrote {path}")


@app.command()
def show(
    ctx: typer.Context,
    output: FormatOption = Format.yaml,
    *,
    sources: Annotated[bool, typer.Option("--sources", help="Show where each value comes from.")] = False,
) -> None:
    """Show the whole configuration as it is after all files, variables and options."""
    loaded = settings(ctx).load()
    values = flat(loaded.config.model_dump())
    if sources and not _asked(ctx, "output"):
        output = Format.table
    if output is Format.table:
        rows = [{"key": key, "value": value, "source": loaded.sources[key]} for key, value in values.items()]
        Output(output).emit(rows, columns={"key": "key", "value": "value"} | ({"source": "source"} if sources else {}))
    elif sources:
        Output(output).emit({key: {"value": value, "source": loaded.sources[key]} for key, value in values.items()})
    else:
        Output(output).emit(loaded.config.model_dump())


@app.command()
def get(
    ctx: typer.Context,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Dotted keys, or sections for all keys in them.")],
    output: FormatOption = Format.table,
) -> None:
    """Print values as they are after all files, variables and options; for one KEY the value alone, and nothing where it isn't set."""
    from bdc.config.schema import is_section, sections
    from bdc.config.tree import check_key

    values = flat(settings(ctx).load().config.model_dump())
    found: dict[str, Plain] = {}
    for key in keys:
        if not is_section(key):
            check_key(key, "config get")
        inside = {one: value for one, value in values.items() if one == key or one.startswith(f"{key}.")}
        if not inside and key not in sections():
            raise NotFoundError(f"there is no {key}", f"bdc config get {key.rpartition('.')[0]} shows what there is")
        found |= inside
    alone = [*found] == [*keys] and len(keys) == 1
    if alone and output is not Format.table:
        Output(output).emit(found[keys[0]])
    else:
        Output(output).emit(found, text=_text(found[keys[0]]) + "\n" if alone else None)


@app.command()
def unset(
    ctx: typer.Context, keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Dotted keys, or sections for all keys in them.")]
) -> None:
    """Remove values from bdc.yaml, so that the profile's defaults apply again; everything else in the file is kept.

    Exit code 3 where the file doesn't set one of them; a result that isn't valid is not written.
    """
    path = _file(settings(ctx))
    after = edit.without(_read(path), keys, str(path))
    _check(after)
    edit.write(path, after)
    Output(quiet=settings(ctx).quiet).progress(f"changed {path}; `bdc plan` shows what that changes in the cluster")


@app.command("set")
def set_(ctx: typer.Context, values: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...")]) -> None:
    """Change values in bdc.yaml; comments and all other values are kept. An invalid result is not written."""
    from bdc.cli.main import assignments

    path = _file(settings(ctx))
    after = edit.edited(_read(path), assignments(values), str(path))
    _check(after)
    edit.write(path, after)
    Output(quiet=settings(ctx).quiet).progress(f"changed {path}; `bdc plan` shows what that changes in the cluster")


@app.command()
def validate(ctx: typer.Context, file: File = None) -> None:
    """Check a file: exit code 0 when `bdc up` would accept it, 2 when not."""
    options = settings(ctx)
    path = file or file_of(options.file, os.environ) or DEFAULT_FILE
    load(file=path, cluster=options.cluster, overrides=options.overrides, env=os.environ)
    Output(quiet=options.quiet).progress(f"{path} is valid")


@app.command()
def schema() -> None:
    """Print the JSON schema of bdc.yaml, for editors that complete and check while typing."""
    sys.stdout.write(json.dumps(Config.model_json_schema(), indent=2) + "\n")


@app.command()
def pulumi(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the projects; created if missing.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing projects.")] = False,
) -> None:
    """Write the cluster's two stacks as Pulumi projects, to run with a Pulumi and a backend of your own.

    For a cluster that bdc itself didn't bring up: either manages all of it, and refuses what the other made.
    """
    from bdc.cluster import substrate
    from bdc.lifecycle import write_projects

    chosen = settings(ctx)
    config = chosen.config
    found = substrate(config.cluster.substrate, kubeconfig=chosen.explicit_kubeconfig(), context=chosen.kube_context(), name=config.name)
    for project in write_projects(config, found, folder, force=force):
        Output(quiet=chosen.quiet).progress(f"wrote {project}")


@profiles_app.command("list")
def list_(output: FormatOption = Format.table) -> None:
    """List the profiles."""
    rows = []
    for name, path in profiles().items():
        comments = [line.removeprefix("# ") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
        rows.append({"profile": name, "description": " ".join(comments)})
    Output(output).emit(rows)


def _file(options: Settings) -> Path:
    return file_of(options.file, os.environ) or DEFAULT_FILE


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}", "name another file with -f") from error


def _check(text: str) -> None:
    """Load `text` as bdc.yaml is loaded. Raises UsageError."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        candidate = Path(folder) / "bdc.yaml"
        candidate.write_text(text, encoding="utf-8")
        try:
            load(file=candidate, cluster=None, overrides={}, env={})
        except UsageError as error:
            raise UsageError(error.message.replace(f"{candidate}:", "with this change, line "), error.hint) from error


def _text(value: Plain) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _asked(ctx: typer.Context, parameter: str) -> bool:
    source = ctx.get_parameter_source(parameter)
    return source is not None and source.name != "DEFAULT"
