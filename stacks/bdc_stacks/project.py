"""A program as a plain Pulumi project: what `pulumi up` in a folder with a Pulumi.yaml runs, without bdc's engine.

`bdc config pulumi FOLDER` writes such folders. What a program needs is in the stack's own configuration, `Pulumi.<stack>.yaml`:

    bdc:file           bdc.yaml, relative to the project; else $BDC_CONFIG, else ./bdc.yaml, else the defaults
    bdc:images         full reference by image name, of each of `bdc.config.names.IMAGES`
    bdc:addresses      names and addresses that users reach the endpoints at, written into certificates
    bdc:nodes          the nodes' own addresses, for NetworkPolicies: the API server reaches pods from there
    bdc:storageClass   StorageClass of the volumes; else bdc.yaml's, else the cluster's default
    bdc:pullLogin      secret: the registry's login as docker's config.json has it, of which `data` makes bdc.yaml's images.pull_secret

BDC_* variables count as they do for bdc.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pulumi
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bdc.config.load import load
from bdc.config.model import Config
from bdc.config.names import IMAGES
from bdc.config.workloads import certified_names
from bdc.errors import BdcError, UsageError
from bdc_stacks.stack_context import StackContext

NAMESPACE = "bdc"


class Settings(BaseModel):
    """The stack's configuration below `bdc:`."""

    model_config = ConfigDict(frozen=True)

    file: Path | None = None
    images: dict[str, str]
    addresses: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    storage_class: str | None = Field(None, alias="storageClass")
    pull_login: SecretStr | None = Field(None, alias="pullLogin")


def run(program: Callable[[Config, StackContext], None]) -> None:
    """Run `program` with the stack's configuration; a mistake in it is an error of the run, without a traceback."""
    try:
        config, site = read()
    except BdcError as error:
        raise pulumi.RunError(error.message + (f"\nhint: {error.hint}" if error.hint else "")) from error
    program(config, site)


def read() -> tuple[Config, StackContext]:
    """What the running stack's configuration says. Raises UsageError."""
    settings = _settings()
    config = load(file=settings.file, cluster=None, overrides={}, env=os.environ).config
    addresses = {*settings.addresses, *([config.network.address] if config.network.address else [])}
    return config, StackContext(
        cluster=config.name,
        images=settings.images,
        network=config.network,
        services=certified_names(config),
        addresses=tuple(sorted(addresses)),
        nodes=tuple(sorted(settings.nodes)),
        storage_class=config.cluster.storage_class or settings.storage_class,
        pull_secret=config.images.pull_secret,
        pull_login=settings.pull_login.get_secret_value() if settings.pull_login else None,
    )


def _settings() -> Settings:
    given = pulumi.Config(NAMESPACE)
    values = {name: given.get(name) for name in ("file", "storageClass", "pullLogin")}
    try:
        for name in ("images", "addresses", "nodes"):
            if (value := given.get_object(name)) is not None:
                values[name] = value
        settings = Settings.model_validate(values)
    except (ValidationError, pulumi.ConfigTypeError) as error:
        raise UsageError(_mistake(error), "write the stack's configuration with: bdc config pulumi FOLDER") from error
    if missing := [name for name in IMAGES if name not in settings.images]:
        raise UsageError(f"{NAMESPACE}:images lacks {', '.join(missing)}", "`bdc images list` shows their references")
    return settings


def _mistake(error: ValidationError | pulumi.ConfigTypeError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{NAMESPACE}:{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
